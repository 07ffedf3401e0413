"""Names: what the guids are called that requests name, as their foundation knows them. Never changes a world.

An app or a process that was deleted is called as it was: by the world that the foundation began as, or by the audit
events of its deletion.
"""

from collections.abc import Iterable

from mockfoundry.cloudfoundry.model import App
from mockfoundry.cloudfoundry.world import World

MAX_COMPARED_APPS = 1_000
"""Of how many apps it is found out whether two have one name; in a larger world each is called in full."""


def find_names(world: World, initial_world: World, guids: Iterable[str]) -> dict[str, str]:
    """The names of those guids that are of something known: `dora/web`, `dora`, `acme/dev`, `acme`.

    An app that shares its name with another one is called in full: `acme/dev/dora`.

    Args:
        initial_world: the world that its foundation began as.
    """
    found: dict[str, str] = {}
    unknown: list[str] = []
    shared = find_shared_names(world)
    for guid in guids:
        name = find_name(world, guid, shared) or find_name(initial_world, guid, shared)
        if name:
            found[guid] = name
        else:
            unknown.append(guid)
    if unknown:
        gone = list_gone_names(world, shared)
        found.update((guid, gone[guid]) for guid in unknown if guid in gone)
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


def find_name(world: World, guid: str, shared: frozenset[str] | None) -> str:
    """The name of what has a guid in a world, empty where nothing has."""
    process = world.processes.get(guid)
    if process is not None:
        return f"{name_app(world, world.apps[process.app], shared)}/{process.type}"
    app = world.apps.get(guid)
    if app is not None:
        return name_app(world, app, shared)
    if guid in world.spaces:
        return name_space(world, guid)
    organization = world.organizations.get(guid)
    if organization is not None:
        return organization.name
    deployment = world.find_deployment(guid)
    return "" if deployment is None else name_app(world, world.apps[deployment.app], shared)


def name_app(world: World, app: App, shared: frozenset[str] | None) -> str:
    is_clear = (shared is not None and app.name not in shared) or app.space not in world.spaces
    return app.name if is_clear else f"{name_space(world, app.space)}/{app.name}"


def name_space(world: World, guid: str) -> str:
    space = world.spaces[guid]
    return f"{world.organizations[space.organization].name}/{space.name}"


def list_gone_names(world: World, shared: frozenset[str] | None) -> dict[str, str]:
    """The names of apps and processes of which there are audit events, by guid."""
    names: dict[str, str] = {}
    for event in world.latest_events():
        app = event.target
        name = names[app.guid] = name_app(world, app, shared)
        if event.kind.startswith("audit.app.process."):
            data = event.data
            names[data["process_guid"]] = f"{name}/{data['process_type']}"
    return names
