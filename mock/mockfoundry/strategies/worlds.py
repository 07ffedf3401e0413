"""Worlds: small seeds, as the values of a seed file, each of which a foundation can begin with. Never builds one."""

import json
from functools import cache
from typing import Any

from hypothesis import strategies as st

from mockfoundry.cloudfoundry.seeds.format import ORGANIZATION_ROLES, SPACE_ROLES
from mockfoundry.cloudfoundry.seeds.read import DEFAULT_SEED_FILE
from mockfoundry.documents.yaml import node_to_data, read_nodes
from mockfoundry.strategies.contract_values import must_be_whole

SeedValue = dict[str, Any]
SeedValues = st.SearchStrategy[list[SeedValue]]

PROCESS_TYPES = ("web", "worker", "clock", "release")
INSTANCE_STATES = ("RUNNING", "STARTING", "CRASHED", "DOWN")

# Names as people write them, in any script; `/` parts an organization from its space where roles are given.
# A letter first and another sign after it: bare in a YAML file, `.`, `1:30` or `n` may be read as no text.
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

    In each there is the app `dora` of the default seed, in the space `dev` of `acme`, started, with its web process
    and that one's guid. No quota, no suspension and no deployment keeps it from being scaled. The simplest world has
    nothing else. Around it there are other organizations (some of them suspended), spaces, apps (some stopped, some
    being deployed), processes with instances that run or crash, and users with roles.

    Args:
        max_organizations: how many there may be, from 1.
        max_spaces: in each organization, from 1.
        max_apps: in each space, from 1.
        max_instances: of each process, from 1.
        max_users: how many there may be.

    Raises:
        InvalidArgument: one of these is no whole number, or too small.
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
    """Seeds of the app of the default seed, and of what is drawn beside it."""
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
    # Values that several places share would be anchors in YAML, which a seed file may not have.
    unshared: SeedValue = json.loads(json.dumps(document))
    return unshared


@cache
def read_default_organization() -> SeedValue:
    """The organization of the default seed."""
    document: Any = node_to_data(read_nodes(DEFAULT_SEED_FILE.read_text(encoding="utf-8"), DEFAULT_SEED_FILE.name))
    found: SeedValue = document["organizations"][0]
    return found


def uniquely_named(entities: st.SearchStrategy[SeedValue], most: int) -> SeedValues:
    """Entities with names of which each is there once."""
    return st.lists(entities, max_size=most, unique_by=lambda each: each["name"])


def named_entities(entities: st.SearchStrategy[SeedValue], taken: str = "") -> st.SearchStrategy[SeedValue]:
    """Entities, each with a name in front that is not the one that is taken."""
    return st.builds(lambda name, its: {"name": name, **its}, _NAMES.filter(lambda name: name != taken), entities)


def seed_apps(instances: int) -> st.SearchStrategy[SeedValue]:
    """Apps, those with a web process perhaps being deployed."""
    return named_entities(
        st.builds(build_seed_app, _OF_APP, seed_processes(PROCESS_TYPES, instances), st.none() | _DEPLOYMENT), "dora"
    )


def build_seed_app(app: SeedValue, its_processes: list[SeedValue], deployment: SeedValue | None) -> SeedValue:
    app = {**app, "processes": its_processes}
    if deployment is None or all(each["type"] != "web" for each in its_processes):
        return app
    return {**app, "deployment": deployment}


def seed_processes(types: tuple[str, ...], instances: int) -> SeedValues:
    """Processes, each of another type, with what may be said of their instances."""
    held = st.dictionaries(st.integers(0, instances - 1), st.sampled_from(INSTANCE_STATES), max_size=2)
    one = st.builds(build_seed_process, st.sampled_from(types), st.integers(0, instances), _OF_PROCESS, held)
    return st.lists(one, max_size=2, unique_by=lambda each: each["type"])


def build_seed_process(kind: str, count: int, process: SeedValue, held: dict[int, str]) -> SeedValue:
    # As JSON has it: keys are text.
    states = {str(index): state for index, state in held.items() if index < count}
    drawn = {"type": kind, "instances": count, **process}
    return {**drawn, "instance_states": states} if states else drawn


@st.composite
def user_roles(draw: st.DrawFn, document: SeedValue) -> SeedValue:
    """What one user may do in a world."""
    organizations = [each["name"] for each in document["organizations"]]
    spaces = [f"{each['name']}/{space['name']}" for each in document["organizations"] for space in each["spaces"]]
    drawn: SeedValue = {"organizations": draw(role_assignments(organizations, ORGANIZATION_ROLES))}
    if spaces:
        drawn["spaces"] = draw(role_assignments(spaces, SPACE_ROLES))
    return drawn


def role_assignments(names: list[str], words: tuple[str, ...]) -> st.SearchStrategy[dict[str, list[str]]]:
    held = st.lists(st.sampled_from(words), unique=True, min_size=1, max_size=2)
    return st.dictionaries(st.sampled_from(names), held, max_size=2)


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
