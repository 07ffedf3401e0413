"""Names: what the guids are called that requests name, as their foundation knows them. Never changes a world.

An app or a process that was deleted is called as it was: by the world that the foundation began as, or by the audit
events of its deletion.
"""

from collections.abc import Iterable, Iterator

from mockfoundry.cloudfoundry.model import App
from mockfoundry.cloudfoundry.world import World
from mockfoundry.journal.lines import PROCESS_PREFIX

MAX_COMPARED_APPS = 1_000
"""Of how many apps it is found out whether two have one name; in a larger world each is called in full."""


def find_names(world: World, initial_world: World, guids: Iterable[str]) -> dict[str, str]:
    """The names of those guids that are of something known: `dora`, `dora/web`, `acme/dev`, `acme`.

    The web process of an app may have its guid, so `processes/GUID` is a process, and a guid alone rather an app.
    An app that shares its name with another one is called in full: `acme/dev/dora`.

    Args:
        initial_world: the world that its foundation began as.
    """
    found: dict[str, str] = {}
    gone: dict[str, str] | None = None
    shared = find_shared_names(world)
    for guid in guids:
        named = dict(iterate_names(world, guid, shared)) or dict(iterate_names(initial_world, guid, shared))
        if not named and gone is None:
            gone = list_gone_names(world, shared)
        for key in (guid, f"{PROCESS_PREFIX}{guid}"):
            name = named.get(key) or (gone or {}).get(key)
            if name:
                found[key] = name
    return found


def find_shared_names(world: World) -> frozenset[str] | None:
    """The names that several apps have; None where there are too many apps to find out."""
    if len(world.apps) > MAX_COMPARED_APPS:
        return None
    seen: set[str] = set()
    shared: set[str] = set()
    for app in world.apps.values():
        (shared if app.name in seen else seen).add(app.name)
    return frozenset(shared)


def iterate_names(world: World, guid: str, shared: frozenset[str] | None) -> Iterator[tuple[str, str]]:
    """What has a guid in a world, each with its key in a mapping of names; the later counts."""
    process = world.processes.get(guid)
    if process is not None:
        name = f"{name_app(world, world.apps[process.app], shared)}/{process.type}"
        yield from ((f"{PROCESS_PREFIX}{guid}", name), (guid, name))
    if guid in world.spaces:
        yield guid, name_space(world, guid)
    if guid in world.organizations:
        yield guid, world.organizations[guid].name
    deployment = world.find_deployment(guid)
    app = world.apps.get(guid if deployment is None else deployment.app)
    if app is not None:
        yield guid, name_app(world, app, shared)


def name_app(world: World, app: App, shared: frozenset[str] | None) -> str:
    is_clear = (shared is not None and app.name not in shared) or app.space not in world.spaces
    return app.name if is_clear else f"{name_space(world, app.space)}/{app.name}"


def name_space(world: World, guid: str) -> str:
    space = world.spaces[guid]
    return f"{world.organizations[space.organization].name}/{space.name}"


def list_gone_names(world: World, shared: frozenset[str] | None) -> dict[str, str]:
    """The names of apps and processes of which there are audit events."""
    names: dict[str, str] = {}
    for event in world.latest_events():
        app = event.target
        name = name_app(world, app, shared)
        if event.kind.startswith("audit.app.process."):
            data = event.data
            process = names[PROCESS_PREFIX + data["process_guid"]] = f"{name}/{data['process_type']}"
            names.setdefault(data["process_guid"], process)
        names[app.guid] = name
    return names
