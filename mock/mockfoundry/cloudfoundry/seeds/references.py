"""References: what has to agree between the entities of a seed: names, guids, roles, types. Never changes anything."""

from collections.abc import Iterator, Mapping
from typing import Any

from mockfoundry.cloudfoundry.seeds.forms import EACH
from mockfoundry.cloudfoundry.seeds.shapes import Fault, Path, shown
from mockfoundry.documents import did_you_mean

Entity = Mapping[str, Any]


def disagreements(data: Mapping[str, Any]) -> Iterator[Fault]:
    """Everything in a seed that does not agree; `data` may hold anything where it has not the form of one."""
    guids: dict[str, Path] = {}
    organizations = entries(data, "organizations", ())
    yield from repeated(organizations, "organization", "name")
    spaces: list[str] = []
    for organization, at in organizations:
        yield from known_once(organization, at, guids)
        inside = entries(organization, "spaces", at)
        yield from repeated(inside, "space", "name")
        for space, below in inside:
            spaces.append(f"{organization.get('name')}/{space.get('name')}")
            yield from known_once(space, below, guids)
            apps = entries(space, "apps", below)
            yield from repeated(apps, "app", "name")
            for app, place in apps:
                yield from app_disagreements(app, place, guids)
    users = entries(data, "users", ())
    yield from repeated(users, "user", "name")
    names = [str(organization.get("name")) for organization, _ in organizations]
    for user, at in users:
        yield from known_once(user, at, guids)
        yield from unknown(user, at, "organizations", "organization", names)
        yield from unknown(user, at, "spaces", "space", spaces)


def app_disagreements(app: Entity, at: Path, guids: dict[str, Path]) -> Iterator[Fault]:
    # A web process made with its app has the app's guid, so these two tables are apart.
    yield from known_once(app, at, guids)
    processes = entries(app, "processes", at)
    yield from repeated(processes, "process", "type")
    types = [str(process.get("type")) for process, _ in processes] or ["web"]
    for process, place in processes:
        own = process if "guid" in process or process.get("type") != "web" else {"guid": app.get("guid")}
        yield from known_once(own, place, guids, "process ")
        yield from without_endpoint(process, place)
        instances = process.get("instances", 1 if process.get("type") == "web" else 0)
        states = process.get("instance_states")
        for index in states if isinstance(states, Mapping) else ():
            if str(index).isdigit() and isinstance(instances, int) and int(index) >= instances:
                text = f"there is no instance {index}; the process has {instances}, counted from 0"
                yield Fault((*place, "instance_states", index), text)
    for sidecar, place in entries(app, "sidecars", at):
        for index, each in enumerate(listed(sidecar, "process_types")):
            if each not in types:
                text = f"the app has no process of type {each}{did_you_mean(str(each), types)}"
                yield Fault((*place, "process_types", index), text)
    if app.get("deployment") is not None and "web" not in types:
        yield Fault((*at, "deployment"), "only the web process is deployed, and this app has none")


def without_endpoint(process: Entity, at: Path) -> Iterator[Fault]:
    """Health checks over HTTP that do not say what to ask for."""
    for name in ("health_check", "readiness_health_check"):
        check = process.get(name)
        if isinstance(check, Mapping) and check.get("type") == "http":
            data = check.get("data")
            if not isinstance(data, Mapping) or data.get("endpoint") is None:
                yield Fault((*at, name), "a check of type http needs an endpoint in its data, such as /health")


def entries(entity: Entity, key: str, path: Path) -> list[tuple[Entity, Path]]:
    """The mappings in a list, each with its path."""
    return [
        (each, (*path, key, position)) for position, each in enumerate(listed(entity, key)) if isinstance(each, Mapping)
    ]


def listed(entity: Entity, key: str) -> list[Any]:
    found = entity.get(key)
    return found if isinstance(found, list) else []


def repeated(found: list[tuple[Entity, Path]], kind: str, key: str) -> Iterator[Fault]:
    """Entities with the name of an earlier one, or with the one that stands for each."""
    seen: set[str] = set()
    for entity, path in found:
        value = entity.get(key)
        if not isinstance(value, str):
            continue
        if value == EACH:
            yield Fault((*path, key), f'"{EACH}" stands for each one in `given:`; a seed names its {kind}')
        elif value in seen:
            yield Fault((*path, key), f"there is a second {kind} {shown(value)}; each {key} is there once")
        seen.add(value)


def known_once(entity: Entity, path: Path, guids: dict[str, Path], kind: str = "") -> Iterator[Fault]:
    """A guid that an earlier entity has."""
    guid = entity.get("guid")
    if not isinstance(guid, str):
        return
    if kind + guid in guids:
        yield Fault((*path, "guid"), f"the guid {shown(guid)} is taken; each is there once")
    guids[kind + guid] = path


def unknown(user: Entity, path: Path, key: str, kind: str, names: list[str]) -> Iterator[Fault]:
    """Roles in an organization or a space that is not there."""
    roles = user.get(key)
    for each in roles if isinstance(roles, Mapping) else ():
        if each not in names:
            yield Fault((*path, key, each), f"there is no {kind} {shown(each)}{did_you_mean(str(each), names)}")
