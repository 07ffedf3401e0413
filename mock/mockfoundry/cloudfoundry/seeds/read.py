"""Reading: a seed file's text as a seed, or every reason why not, with its place. Never builds half of one.

Besides the form of single entities, it checks what must agree between them: names, guids, roles, types.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.seeds.build import build_world
from mockfoundry.cloudfoundry.seeds.format import SEED, begin_seed_reading
from mockfoundry.cloudfoundry.seeds.keys import EACH
from mockfoundry.cloudfoundry.seeds.kinds import MAX_REPEATED, expand_counted
from mockfoundry.cloudfoundry.seeds.part_misfits import (
    RouteAddresses,
    find_part_disagreements,
    find_route_disagreements,
)
from mockfoundry.cloudfoundry.seeds.platform_builds import SHARED_SEGMENT, SHARED_SEGMENT_GUID
from mockfoundry.cloudfoundry.seeds.values import SeedFields
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents.declare import Finding, Path, locate_finding
from mockfoundry.documents.json import is_json_text, locate_json_path, make_json_error, read_json_values
from mockfoundry.documents.nodes import (
    MAX_DOCUMENT_BYTES,
    Node,
    count_allowed_nodes,
    must_not_be_larger,
    node_to_data,
)
from mockfoundry.documents.problems import MAX_LISTED, DocumentError, Problem
from mockfoundry.documents.wording import describe_value, refuse_unknown
from mockfoundry.options import ServerOptions


def find_disagreements(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Everything in a seed that does not agree; `data` may hold anything where it has not the form of one."""
    guids: dict[str, Path] = {}
    yield from find_platform_disagreements(data, guids)
    plans = list_plan_names(data)
    organizations = list_entries(data, "organizations", ())
    yield from find_repeated_names(organizations, "organization", "name")
    spaces: list[str] = []
    addresses = RouteAddresses()
    for organization, at in organizations:
        yield from find_repeated_guids(organization, at, guids)
        yield from find_repeated_quota_guids(organization, at, guids)
        inside = list_entries(organization, "spaces", at)
        yield from find_repeated_names(inside, "space", "name")
        for space, below in inside:
            spaces.append(f"{organization.get('name')}/{space.get('name')}")
            yield from find_repeated_guids(space, below, guids)
            yield from find_repeated_quota_guids(space, below, guids)
            services = list_entries(space, "service_instances", below)
            yield from find_repeated_names(services, "service instance", "name")
            for service, place in services:
                yield from find_repeated_guids(service, place, guids)
                yield from find_unknown_plan(service, place, plans)
            apps = list_entries(space, "apps", below)
            # A client may have given an app the name that means each one.
            named = [entry for entry in apps if "snapshot" not in data or entry[0].get("name") != EACH]
            yield from find_repeated_names(named, "app", "name")
            for app, place in apps:
                yield from find_app_disagreements(app, place, guids)
            yield from find_route_disagreements(space, below, addresses, apps)
    for group, at in list_entries(data, "security_groups", ()):
        yield from find_unknown_places(group, at, spaces)
    users = list_entries(data, "users", ())
    yield from find_repeated_names(users, "user", "name")
    names = [str(organization.get("name")) for organization, _ in organizations]
    for user, at in users:
        yield from find_repeated_guids(user, at, guids)
        yield from find_unknown_roles(user, at, "organizations", "organization", names)
        yield from find_unknown_roles(user, at, "spaces", "space", spaces)
    yield from find_repeated_names(list_entries(data, "clients", ()), "client", "id")


def find_platform_disagreements(data: SeedFields, guids: dict[str, Path]) -> Iterator[Finding]:
    """Names and guids that are there twice beside the organizations."""
    if isinstance(data.get("default_quota"), Mapping):
        yield from find_repeated_guids(data["default_quota"], ("default_quota",), guids)
    segments = list_entries(data, "isolation_segments", ())
    if not any(segment.get("name") == SHARED_SEGMENT for segment, _ in segments):
        guids[SHARED_SEGMENT_GUID] = ("isolation_segments",)
    for key, kind in PLATFORM_LISTS.items():
        entries = list_entries(data, key, ())
        yield from find_repeated_names(entries, kind, "name")
        for entry, at in entries:
            yield from find_repeated_guids(entry, at, guids)
            plans = list_entries(entry, "plans", at)
            yield from find_repeated_names(plans, "service plan", "name")
            for plan, below in plans:
                yield from find_repeated_guids(plan, below, guids)


PLATFORM_LISTS = {
    "isolation_segments": "isolation segment",
    "security_groups": "security group",
    "service_offerings": "service offering",
}
"""The lists of a seed that belong to no organization, and what one of their entries is called."""


def find_repeated_quota_guids(owner: SeedFields, at: Path, guids: dict[str, Path]) -> Iterator[Finding]:
    if isinstance(owner.get("quota"), Mapping):
        yield from find_repeated_guids(owner["quota"], (*at, "quota"), guids)


def list_plan_names(data: SeedFields) -> list[str]:
    """The service plans of a document, each as `offering/plan`."""
    offerings = list_entries(data, "service_offerings", ())
    return [
        f"{offering.get('name')}/{plan.get('name')}"
        for offering, at in offerings
        for plan, _ in list_entries(offering, "plans", at)
    ]


def find_unknown_plan(service: SeedFields, at: Path, plans: list[str]) -> Iterator[Finding]:
    """The plan of a service instance, where it is not there."""
    plan = service.get("plan")
    if isinstance(plan, str) and plan not in plans:
        yield Finding((*at, "plan"), refuse_unknown("service plan", plan, plans))


def find_unknown_places(group: SeedFields, at: Path, spaces: list[str]) -> Iterator[Finding]:
    """Spaces that a security group holds in and that are not there."""
    for key in ("running_spaces", "staging_spaces"):
        for position, place in enumerate(read_list(group, key)):
            if place not in spaces:
                yield Finding((*at, key, position), refuse_unknown("space", place, spaces))


MISSING_TYPES_TEXT = "a sidecar needs `process_types:`"


def find_app_disagreements(app: SeedFields, at: Path, guids: dict[str, Path]) -> Iterator[Finding]:
    # A web process made with its app has the app's guid, so these two tables are apart.
    yield from find_repeated_guids(app, at, guids)
    processes = list_entries(app, "processes", at)
    deployed = find_deployed_guid(app)
    single = [
        (process, place)
        for process, place in processes
        if deployed is None
        or process.get("type") != "web"
        or process.get("guid") == app["deployment"]["progress"].get("previous")
    ]
    yield from find_repeated_names(single, "process", "type")
    types = [str(process.get("type")) for process, _ in processes] or ["web"]
    for process, place in processes:
        own = process if "guid" in process or process.get("type") != "web" else {"guid": app.get("guid")}
        yield from find_repeated_guids(own, place, guids, "process ")
        yield from find_missing_endpoints(process, place)
        instances = process.get("instances", 1 if process.get("type") == "web" else 0)
        states = process.get("instance_states")
        for index in states if isinstance(states, Mapping) else ():
            if str(index).isdigit() and isinstance(instances, int) and int(index) >= instances:
                text = f"there is no instance {index}; the process has {instances}, counted from 0"
                yield Finding((*place, "instance_states", index), text)
    for sidecar, place in list_entries(app, "sidecars", at):
        if "process_types" not in sidecar:
            yield Finding(place, MISSING_TYPES_TEXT)
    if app.get("deployment") is not None and "web" not in types:
        yield Finding((*at, "deployment"), "only the web process is deployed, and this app has none")
    yield from find_misplaced_steps(app, at)
    yield from find_part_disagreements(app, at, guids)
    if deployed is not None:
        webs = [process.get("guid") for process, _ in processes if process.get("type") == "web"]
        progress = app["deployment"]["progress"]
        for name in ("process", "previous"):
            if progress.get(name) not in webs or progress["process"] == progress.get("previous"):
                text = "is not the guid of a web process of this app; an export has the older and the newer one"
                yield Finding((*at, "deployment", "progress", name), f"{describe_value(progress.get(name))} {text}")


CANARY_TEXT = "only a deployment of strategy canary has steps; leave them out, or write strategy: canary"


def find_misplaced_steps(app: SeedFields, at: Path) -> Iterator[Finding]:
    """Steps of a deployment that has none."""
    deployment = app.get("deployment")
    if isinstance(deployment, Mapping) and deployment.get("strategy") != "canary":
        for key in ("steps", "step"):
            if deployment.get(key) not in (None, [], (), 1):
                yield Finding((*at, "deployment", key), CANARY_TEXT)


def find_deployed_guid(app: SeedFields) -> str | None:
    """The guid of the newer of two web processes, where a document says how far a deployment has come."""
    deployment = app.get("deployment")
    progress = deployment.get("progress") if isinstance(deployment, Mapping) else None
    guid = progress.get("process") if isinstance(progress, Mapping) else None
    return guid if isinstance(guid, str) else None


def find_missing_endpoints(process: SeedFields, at: Path) -> Iterator[Finding]:
    """Health checks over HTTP that do not say what to ask for."""
    for name in ("health_check", "readiness_health_check"):
        check = process.get(name)
        if isinstance(check, Mapping) and check.get("type") == "http":
            data = check.get("data")
            if not isinstance(data, Mapping) or data.get("endpoint") is None:
                yield Finding((*at, name), "a check of type http needs an endpoint in its data, such as /health")


def list_entries(entity: SeedFields, key: str, path: Path) -> list[tuple[SeedFields, Path]]:
    """The mappings in a list, each with its path; those that a counted one stands for have its path."""
    return [
        (each, (*path, key, position))
        for position, entry in enumerate(read_list(entity, key))
        if isinstance(entry, Mapping)
        for each in (expand_counted(entry) if key == "apps" else (entry,))
    ]


def read_list(entity: SeedFields, key: str) -> list[Any]:
    found = entity.get(key)
    return list(found) if isinstance(found, list | tuple) else []


def find_repeated_names(found: list[tuple[SeedFields, Path]], kind: str, key: str) -> Iterator[Finding]:
    """Entities with the name of an earlier one, or with the name that means each one."""
    seen: set[str] = set()
    for entity, path in found:
        value = entity.get(key)
        if not isinstance(value, str):
            continue
        if value == EACH:
            yield Finding((*path, key), f'"{EACH}" stands for each one in `given:`; a seed names its {kind}')
        elif value in seen:
            yield Finding((*path, key), f"there is a second {kind} {describe_value(value)}; each {key} is there once")
        seen.add(value)


def find_repeated_guids(entity: SeedFields, path: Path, guids: dict[str, Path], kind: str = "") -> Iterator[Finding]:
    """A guid that an earlier entity has."""
    guid = entity.get("guid")
    if not isinstance(guid, str):
        return
    if kind + guid in guids:
        yield Finding((*path, "guid"), f"the guid {describe_value(guid)} is taken; each is there once")
    guids[kind + guid] = path


def find_unknown_roles(user: SeedFields, path: Path, key: str, kind: str, names: list[str]) -> Iterator[Finding]:
    """Roles in an organization or a space that is not there."""
    roles = user.get(key)
    for each in roles if isinstance(roles, Mapping) else ():
        if each not in names:
            yield Finding((*path, key, each), refuse_unknown(kind, each, names))


DEFAULT_SEED_FILE = FilePath(__file__).resolve().parent.parent / "default_seed.json"
"""One app that runs, with room to scale it. It is JSON, so that a start imports no parser of YAML."""


class Seed(msgspec.Struct, frozen=True):
    """A seed that was read and can be built as often as wanted.

    Attributes:
        source: the file it came from, or a name for text that is not from a file.
        fields: what it gives, read as the world holds it.
    """

    source: str
    fields: dict[str, Any]


def read_seed(text: str, source: str, most: int = ServerOptions.max_seed) -> Seed:
    """A seed file's text (YAML or JSON) as a seed.

    Args:
        source: named in errors.
        most: bytes of UTF-8 that it may have.

    Raises:
        DocumentError: with every problem and its place.
    """
    return Seed(source, read_seed_text(text, source, most, check_seed))


def read_world_patch(text: str, source: str, most: int = ServerOptions.max_seed) -> dict[str, Any]:
    """The text of a change in a seed file's words, as `given:` has it, as fields that `apply_patch_fields` takes.

    Raises:
        DocumentError: as for a seed.
    """
    return read_seed_text(text, source, most, check_seed_part)


SeedCheck = Callable[[Any, Node | None], tuple[dict[str, Any], list[Finding]]]
"""What reads a document's values, and its nodes where it was YAML: gives the fields, and everything wrong with them."""


def read_seed_text(text: str, source: str, most: int, check: SeedCheck) -> dict[str, Any]:
    """The fields of a document; JSON is read at once, since an export of many apps is large."""
    must_not_be_larger(text, source, most, LARGER_SEED)
    data = None
    if is_json_text(text):
        try:
            data = read_json_values(text, source, count_allowed_nodes(most))
        except ValueError as error:
            if len(text) > MAX_DOCUMENT_BYTES:
                raise make_json_error(text, source, error) from None
    locate: Callable[[Finding], Problem]
    node = None
    if data is None:
        # PyYAML is imported where there is YAML, and a start should be short.
        from mockfoundry.documents.yaml import read_nodes

        node = read_nodes(text, source, most, LARGER_SEED)
        data = node_to_data(node)

        def locate(finding: Finding) -> Problem:
            return locate_finding(node, finding._replace(spot="key"), source)
    else:

        def locate(finding: Finding) -> Problem:
            return Problem(source, *locate_json_path(text, finding.path), finding.text)

    fields, findings = check(data, node)
    if findings:
        raise DocumentError(sorted(map(locate, findings[:MAX_LISTED])), more=len(findings) - MAX_LISTED)
    return fields


LARGER_SEED = "start the server with a larger --max-seed"


SCENARIO_IN_PLACE_OF_SEED = (
    "is a scenario, not a seed; a scenario is given by --scenario, by foundation.play() in Python, by "
    "@pytest.mark.scenario, or by PUT /__mock/foundations/NAME/scenarios/SCENARIO"
)


def is_scenario(data: Any) -> bool:
    """Whether a document has a name or rules of a scenario, and no key of a seed."""
    return (
        isinstance(data, Mapping) and SEED.by_name.keys().isdisjoint(data) and ("scenario" in data or "rules" in data)
    )


def check_seed(data: Any, root: Node | None = None) -> tuple[dict[str, Any], list[Finding]]:
    """A seed's values as fields, and everything that is wrong with them."""
    if is_scenario(data):
        return {}, [Finding((), SCENARIO_IN_PLACE_OF_SEED)]
    reading = begin_seed_reading(root)
    fields = SEED.read(data, (), reading)
    can_be_counted = isinstance(data, Mapping) and reading.repeated <= MAX_REPEATED
    disagreements = find_disagreements(data) if can_be_counted else ()
    return fields, list(dict.fromkeys([*reading.findings, *disagreements]))


def check_seed_part(data: Any, root: Node | None = None) -> tuple[dict[str, Any], list[Finding]]:
    """The same of a part of a seed: what must agree with its other parts depends on the world that it changes."""
    if is_scenario(data):
        return {}, [Finding((), SCENARIO_IN_PLACE_OF_SEED)]
    reading = begin_seed_reading(root)
    return SEED.read(data, (), reading), reading.findings


def world_from_seed(seed: Seed, *, random_seed: int, began_at: int) -> World:
    """The world that a seed describes.

    Args:
        random_seed: what everything follows from that the seed leaves out.
        began_at: virtual microseconds since the epoch.
    """
    return build_world(seed.fields, random_seed, began_at)


@lru_cache(maxsize=1)
def load_default_seed() -> Seed:
    """The seed that ships with the package."""
    return read_seed(DEFAULT_SEED_FILE.read_text(encoding="utf-8"), DEFAULT_SEED_FILE.name)


def build_default_world(*, random_seed: int, began_at: int) -> World:
    """The world that a foundation begins as where no seed file was given."""
    return world_from_seed(load_default_seed(), random_seed=random_seed, began_at=began_at)
