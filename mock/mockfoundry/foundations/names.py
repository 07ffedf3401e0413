"""Names: what the guids are called that requests name, as their foundation knows them. Never changes a world.

An app or a process that was deleted is called as it was: by the world that the foundation began as, or by the audit
events of its deletion.
"""

from collections.abc import Iterable, Iterator

from mockfoundry.cloudfoundry.model import App
from mockfoundry.cloudfoundry.world import World

MAX_COMPARED_APPS = 1_000
"""Of how many apps it is found out whether two have one name; in a larger world each is called in full."""


def find_names(world: World, initial_world: World, guids: Iterable[str]) -> dict[str, str]:
    """The names of those guids that are of something known: `dora`, `dora/web`, `acme/dev`, `acme`.

    By `apps/GUID` where it is that of an app, and by the guid alone, since the web process of an app may have its guid.
    An app that shares its name with another one is called in full: `acme/dev/dora`.

    Args:
        initial_world: the world that its foundation began as.
    """
    found: dict[str, str] = {}
    gone: dict[str, dict[str, str]] | None = None
    shared = find_shared_names(world)
    for guid in guids:
        named = dict(iterate_names(world, guid, shared)) or dict(iterate_names(initial_world, guid, shared))
        if not named:
            gone = list_gone_names(world, shared) if gone is None else gone
            named = gone.get(guid, {})
        for kind, name in named.items():
            found[f"{kind}/{guid}"] = found[guid] = name
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
    """What has a guid in a world, as its kind in a path of the API and its name; an app last."""
    process = world.processes.get(guid)
    if process is not None:
        yield "processes", f"{name_app(world, world.apps[process.app], shared)}/{process.type}"
    if guid in world.spaces:
        yield "spaces", name_space(world, guid)
    if guid in world.organizations:
        yield "organizations", world.organizations[guid].name
    deployment = world.find_deployment(guid)
    if deployment is not None:
        yield "deployments", name_app(world, world.apps[deployment.app], shared)
    if guid in world.apps:
        yield "apps", name_app(world, world.apps[guid], shared)


def name_app(world: World, app: App, shared: frozenset[str] | None) -> str:
    is_clear = (shared is not None and app.name not in shared) or app.space not in world.spaces
    return app.name if is_clear else f"{name_space(world, app.space)}/{app.name}"


def name_space(world: World, guid: str) -> str:
    space = world.spaces[guid]
    return f"{world.organizations[space.organization].name}/{space.name}"


def list_gone_names(world: World, shared: frozenset[str] | None) -> dict[str, dict[str, str]]:
    """The apps and processes of which there are audit events: by guid, the name of each kind, an app's last."""
    names: dict[str, dict[str, str]] = {}
    for event in world.latest_events():
        name = name_app(world, event.target, shared)
        if event.kind.startswith("audit.app.process."):
            data = event.data
            of_guid = names.setdefault(data["process_guid"], {})
            names[data["process_guid"]] = {"processes": f"{name}/{data['process_type']}", **of_guid}
        names.setdefault(event.target.guid, {})["apps"] = name
    return names
