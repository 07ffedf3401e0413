"""Worlds: small seeds, drawn as the values of seed files, each accepted by a server. Never builds a world."""

import json
from functools import cache
from typing import Any

from hypothesis import strategies as st

from mockfoundry.cloudfoundry.seeds.read import DEFAULT_SEED_FILE
from mockfoundry.cloudfoundry.seeds.user_forms import ORGANIZATION_ROLES, SPACE_ROLES
from mockfoundry.documents.nodes import node_to_data
from mockfoundry.documents.yaml import read_nodes
from mockfoundry.strategies.contract_values import must_be_whole

SeedValue = dict[str, Any]
SeedValues = st.SearchStrategy[list[SeedValue]]

PROCESS_TYPES = ("web", "worker", "clock", "release")
INSTANCE_STATES = ("RUNNING", "STARTING", "CRASHED", "DOWN")

# Names in any script, without `/`, which separates an organization from its space in a user's roles.
# They begin with a letter and are longer than one: `.`, `1:30` or `n` without quotes may not be text in YAML.
_LETTERS = st.characters(categories=["L"])
_SIGNS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="/*"), min_size=1, max_size=12)
_NAMES = st.builds(str.__add__, _LETTERS, _SIGNS)
_MEMORY = st.sampled_from([256, 64, 1024])


def worlds(
    max_organizations: int = 2,
    max_spaces: int = 2,
    max_apps: int = 2,
    max_instances: int = 5,
    max_users: int = 2,
) -> st.SearchStrategy[SeedValue]:
    """Seeds that are always accepted: the values of a seed file, as JSON or YAML holds them.

    Each has the app `dora` of the default seed, in the space `dev` of `acme`, started, with its web process and that
    process's guid. No quota, suspension or deployment prevents a scale of it. The simplest world has nothing else.
    Beside it there are other organizations (some suspended), spaces, apps (some stopped, some in a deployment),
    processes with instances that run or crash, and users with roles.

    Args:
        max_organizations: how many there may be, from 1.
        max_spaces: in each organization, from 1.
        max_apps: in each space, from 1.
        max_instances: of each process, from 1.
        max_users: in the whole world.

    Raises:
        InvalidArgument: one of these is not a whole number, or is out of bounds.
    """
    least = {"max_organizations": 1, "max_spaces": 1, "max_apps": 1, "max_instances": 1, "max_users": 0}
    most = dict(zip(least, (max_organizations, max_spaces, max_apps, max_instances, max_users), strict=True))
    for name, bound in least.items():
        must_be_whole(f"worlds({name}=…)", most[name], bound, 100)
    app = seed_apps(max_instances)
    space = named_entities(st.fixed_dictionaries({"apps": uniquely_named(app, max_apps)}, optional=_OF_SPACE), "dev")
    organization = named_entities(
        st.fixed_dictionaries({"spaces": uniquely_named(space, max_spaces)}, optional=_OF_ORGANIZATION), "acme"
    )
    return world_seeds(
        st.integers(1, max_instances),
        seed_processes(PROCESS_TYPES[1:], max_instances),
        uniquely_named(app, max_apps - 1),
        uniquely_named(space, max_spaces - 1),
        uniquely_named(organization, max_organizations - 1),
        uniquely_named(named_entities(st.just({})), max_users),
    )


@st.composite
def world_seeds(
    draw: st.DrawFn,
    instances: st.SearchStrategy[int],
    beside_web: SeedValues,
    beside_dora: SeedValues,
    beside_dev: SeedValues,
    beside_acme: SeedValues,
    users: SeedValues,
) -> SeedValue:
    """Seeds with the app of the default seed, and what is drawn in addition."""
    acme = read_default_organization()
    dev = acme["spaces"][0]
    dora = dev["apps"][0]
    web = {**dora["processes"][0], "instances": draw(instances)}
    dora = {**dora, "processes": [web, *draw(beside_web)]}
    dev = {**dev, "apps": [dora, *draw(beside_dora)]}
    acme = {**acme, "quota": None, "spaces": [dev, *draw(beside_dev)]}
    document: SeedValue = {"organizations": [acme, *draw(beside_acme)]}
    named_users = draw(users)
    if named_users:
        document["users"] = [user | draw(user_roles(document)) for user in named_users]
    # A value that is used in several places would be written as a YAML anchor, which a seed file may not have.
    unshared: SeedValue = json.loads(json.dumps(document))
    return unshared


@cache
def read_default_organization() -> SeedValue:
    """The organization of the default seed."""
    document: Any = node_to_data(read_nodes(DEFAULT_SEED_FILE.read_text(encoding="utf-8"), DEFAULT_SEED_FILE.name))
    organization: SeedValue = document["organizations"][0]
    return organization


def uniquely_named(entities: st.SearchStrategy[SeedValue], most: int) -> SeedValues:
    """Lists of entities in which no name comes twice."""
    return st.lists(entities, max_size=most, unique_by=lambda each: each["name"])


def named_entities(entities: st.SearchStrategy[SeedValue], taken: str = "") -> st.SearchStrategy[SeedValue]:
    """Entities with a name, which is not the taken one."""
    return st.builds(lambda name, rest: {"name": name, **rest}, _NAMES.filter(lambda name: name != taken), entities)


def seed_apps(instances: int) -> st.SearchStrategy[SeedValue]:
    """Apps; one with a web process may be in a deployment."""
    return named_entities(
        st.builds(build_seed_app, _OF_APP, seed_processes(PROCESS_TYPES, instances), st.none() | _DEPLOYMENT), "dora"
    )


def build_seed_app(app: SeedValue, processes: list[SeedValue], deployment: SeedValue | None) -> SeedValue:
    app = {**app, "processes": processes}
    if deployment is None or all(each["type"] != "web" for each in processes):
        return app
    return {**app, "deployment": deployment}


def seed_processes(types: tuple[str, ...], instances: int) -> SeedValues:
    """Processes, each of another type; some of their instances may be in a given state."""
    states = st.dictionaries(st.integers(0, instances - 1), st.sampled_from(INSTANCE_STATES), max_size=2)
    one = st.builds(build_seed_process, st.sampled_from(types), st.integers(0, instances), _OF_PROCESS, states)
    return st.lists(one, max_size=2, unique_by=lambda each: each["type"])


def build_seed_process(kind: str, count: int, fields: SeedValue, states: dict[int, str]) -> SeedValue:
    process = {"type": kind, "instances": count, **fields}
    # Keys are text, as in JSON.
    possible_states = {str(index): state for index, state in states.items() if index < count}
    return {**process, "instance_states": possible_states} if possible_states else process


@st.composite
def user_roles(draw: st.DrawFn, document: SeedValue) -> SeedValue:
    """The roles of one user in a world."""
    organizations = [each["name"] for each in document["organizations"]]
    spaces = [f"{each['name']}/{space['name']}" for each in document["organizations"] for space in each["spaces"]]
    roles: SeedValue = {"organizations": draw(role_assignments(organizations, ORGANIZATION_ROLES))}
    if spaces:
        roles["spaces"] = draw(role_assignments(spaces, SPACE_ROLES))
    return roles


def role_assignments(names: list[str], roles: tuple[str, ...]) -> st.SearchStrategy[dict[str, list[str]]]:
    some_roles = st.lists(st.sampled_from(roles), unique=True, min_size=1, max_size=2)
    return st.dictionaries(st.sampled_from(names), some_roles, max_size=2)


_QUOTA = st.fixed_dictionaries(
    {},
    optional={
        "total_memory_in_mb": st.sampled_from([None, 10240, 0]),
        "per_process_memory_in_mb": st.sampled_from([None, 1024]),
        "total_instances": st.sampled_from([None, 20, 0]),
        "log_rate_limit_in_bytes_per_second": st.sampled_from([None, 0]),
    },
)
_SUSPENDED = st.booleans()
_OF_ORGANIZATION: dict[str, Any] = {"suspended": _SUSPENDED, "quota": st.none() | _QUOTA}
_OF_SPACE: dict[str, Any] = {**_OF_ORGANIZATION, "isolation_segment": st.none() | _NAMES}
_OF_APP = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(["STARTED", "STOPPED"]),
        "lifecycle": st.sampled_from(["buildpack", "cnb", "docker"]),
    },
)
_DEPLOYMENT = st.fixed_dictionaries(
    {"strategy": st.sampled_from(["rolling", "canary", "recreate"])}, optional={"seconds": st.sampled_from([None, 5])}
)
_HTTP_CHECK = st.just({"type": "http", "data": {"endpoint": "/health"}})
_OF_PROCESS = st.fixed_dictionaries(
    {"memory_in_mb": _MEMORY},
    optional={
        "disk_in_mb": st.sampled_from([1024, 256]),
        "command": st.none() | st.just("bin/run"),
        "health_check": st.sampled_from(["process", "port"]).map(lambda kind: {"type": kind}) | _HTTP_CHECK,
        "metadata": st.just({"labels": {"team": "one"}, "annotations": {"note": "drawn"}}),
        "crash_after": st.sampled_from([None, "3s"]),
    },
)
