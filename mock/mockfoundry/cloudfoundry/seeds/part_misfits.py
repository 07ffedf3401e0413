"""Misfits of what belongs to apps: what of it does not agree, in a seed or with a world. Never changes a world."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mockfoundry.cloudfoundry.model import App
from mockfoundry.cloudfoundry.organizations import Space
from mockfoundry.cloudfoundry.route_table import DEFAULT_DOMAIN
from mockfoundry.cloudfoundry.seeds.part_builds import RouteAddress, read_route_address
from mockfoundry.cloudfoundry.seeds.values import SeedFields
from mockfoundry.cloudfoundry.staging import (
    find_droplet,
    find_package,
    find_revision,
    list_droplets,
    list_packages,
    list_revisions,
)
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents.declare import Finding, Path
from mockfoundry.documents.wording import describe_value

NUMBERS = {"revisions": "version", "tasks": "sequence_id"}
"""What numbers the parts of a list; each number is there once."""


def list_part_entries(app: SeedFields, at: Path) -> Iterator[tuple[str, SeedFields, Path]]:
    """The droplets, packages, revisions and tasks of an app, each behind the name of its list."""
    if isinstance(app.get("droplet"), Mapping):
        yield "droplets", app["droplet"], (*at, "droplet")
    for key in ("droplets", "packages", "revisions", "tasks"):
        found = app.get(key)
        for position, each in enumerate(found if isinstance(found, list | tuple) else ()):
            if isinstance(each, Mapping):
                yield key, each, (*at, key, position)


def refuse_taken(guid: str, path: Path) -> Finding:
    return Finding((*path, "guid"), f"the guid {describe_value(guid)} is taken; each is there once")


# In a seed


def find_part_disagreements(app: SeedFields, at: Path, guids: dict[str, Path]) -> Iterator[Finding]:
    """Parts of an app that have the guid of an earlier one, of any app, or the number of an earlier one of this app."""
    numbers: set[tuple[str, Any]] = set()
    for key, part, path in list_part_entries(app, at):
        guid = part.get("guid")
        if isinstance(guid, str):
            if f"{key} {guid}" in guids:
                yield refuse_taken(guid, path)
            guids[f"{key} {guid}"] = path
        name = NUMBERS.get(key, "")
        number = part.get(name)
        if isinstance(number, int):
            if (key, number) in numbers:
                yield Finding((*path, name), f"there is a second {name} {number}; each {name} is there once")
            numbers.add((key, number))


class RouteAddresses:
    """The addresses of routes that a document names, each with its guid and its space.

    Args:
        world: that the document changes; None for a seed, whose routes can't be found by their addresses.
    """

    def __init__(self, world: World | None = None) -> None:
        self._named: dict[RouteAddress, tuple[str | None, Any]] = {}
        self._guids: dict[str, RouteAddress] = {}
        self._counts: Counter[tuple[str, bool]] = Counter()
        self._changes_world = world is not None
        for route in world.routes.values() if world is not None else ():
            address = (route.host, route.domain, route.path, route.port)
            self._named[address] = (route.guid, route.space)
            self._guids[route.guid] = address
            self._counts[route.domain, route.port is not None] += 1

    def check(self, route: SeedFields, app: Any, space: Any, path: Path) -> Iterator[Finding]:
        """What is wrong with the address or the guid of one entry.

        Args:
            app: the name of the app that it leads to, None where it leads to none.
            space: what names its space, the same for each entry in it.
        """
        yield from find_protocol_misfits(route, path)
        guid = route.get("guid")
        address = read_route_address(route, app if app is None else str(app))
        if not all(isinstance(each, str | int | None) for each in (guid, *address)):
            return
        before = None if guid is None else self._guids.get(guid)
        if before is not None and guid is not None:
            yield from self._check_known(route, guid, before, space, path)
            return
        if address not in self._named:
            yield from self._check_domain(address, path)
        known = self._named.setdefault(address, (guid, space))
        if guid is not None:
            self._guids[guid] = address
        text = f"the route {describe_address(address)} is there"
        if known[1] != space:
            yield Finding(path, f"{text}, in another space; a route is in one")
        elif known[0] != guid and (guid is not None or not self._changes_world):
            at = path if guid is None else (*path, "guid")
            which = "without a guid" if known[0] is None else f"with the guid {describe_value(known[0])}"
            yield Finding(at, f"{text} {which}; give the same one in both places")

    def _check_known(
        self, route: SeedFields, guid: str, before: RouteAddress, space: Any, path: Path
    ) -> Iterator[Finding]:
        """What is wrong with an entry whose guid was named before, with that address."""
        names = ("host", "domain", "path", "port")
        address: Any = tuple(route.get(name, old) for name, old in zip(names, before, strict=True))
        if self._named[before][1] != space:
            text = f"the route {describe_address(before)} is in another space; a route is in one"
            yield Finding(path, text)
        elif address != before and not self._changes_world:
            yield refuse_taken(guid, path)
        elif address != before and address in self._named:
            yield Finding(path, f"the route {describe_address(address)} is there, with another guid")
        elif address != before:
            self._counts[before[1], before[3] is not None] -= 1
            yield from self._check_domain(address, path)
            self._named[address] = self._named.pop(before)
            self._guids[guid] = address

    def _check_domain(self, address: RouteAddress, path: Path) -> Iterator[Finding]:
        """What is wrong with a new route beside those of its domain: a domain is of HTTP or of TCP, as its router group
        is [app/models/runtime/shared_domain.rb, app/actions/route_create.rb]."""
        _, domain, _, port = address
        if self._counts[domain, port is None] and domain != DEFAULT_DOMAIN:
            rule = "'tcp' must specify a port" if port is None else "'http' do not support ports"
            having = "with" if port is None else "without"
            text = f"Routes with protocol {rule}. {domain} has a route {having} a port; name another domain"
            yield Finding((*path, "domain"), text)
        self._counts[domain, port is not None] += 1


def find_protocol_misfits(route: SeedFields, path: Path) -> Iterator[Finding]:
    """Keys of a route that its protocol does not have [app/actions/route_create.rb]: a port makes it one of TCP."""
    if not route.get("port"):
        return
    if route.get("domain", DEFAULT_DOMAIN) == DEFAULT_DOMAIN and "guid" not in route:
        text = f"Routes with protocol 'http' do not support ports. {DEFAULT_DOMAIN} is of http; name another domain"
        yield Finding((*path, "port"), text)
    for name, noun in (("host", "Hosts"), ("path", "Paths")):
        if route.get(name):
            text = f"{noun} are not supported for TCP routes. Leave out {name} or port"
            yield Finding((*path, name), text)


def describe_address(address: RouteAddress) -> str:
    host, domain, path, port = address
    return f"{host}{'.' if host else ''}{domain}{path}{'' if port is None else f':{port}'}"


def list_route_entries(owner: SeedFields, at: Path) -> Iterator[tuple[SeedFields, Path]]:
    """The routes of an app or a space, each with its path."""
    found = owner.get("routes")
    for position, each in enumerate(found if isinstance(found, list | tuple) else ()):
        if isinstance(each, Mapping):
            yield each, (*at, "routes", position)


def find_route_disagreements(
    space: SeedFields, at: Path, addresses: RouteAddresses, apps: list[tuple[SeedFields, Path]]
) -> Iterator[Finding]:
    """Routes whose address or guid does not agree with that of an earlier one."""
    for owner, place, name in [*((app, path, app.get("name")) for app, path in apps), (space, at, None)]:
        for route, path in list_route_entries(owner, place):
            yield from addresses.check(route, name, at, path)


# With a world


def list_tasks_of(app: App) -> tuple[Any, ...]:
    return app.tasks


def find_task_app(world: World, guid: str) -> Any:
    return next((app for app in world.apps.values() if any(task.guid == guid for task in app.tasks)), None)


_PARTS: Mapping[str, tuple[Callable[[App], Any], Callable[[World, str], Any]]] = {
    "droplets": (list_droplets, find_droplet),
    "packages": (list_packages, find_package),
    "revisions": (list_revisions, find_revision),
    "tasks": (list_tasks_of, find_task_app),
}
"""By the name of a list: those of an app, and what finds one of any app."""


def find_part_misfits(world: World, fields: SeedFields, path: Path, there: list[App]) -> Iterator[Finding]:
    """Parts with a guid that one of another app has, or that several apps would get.

    Args:
        there: the apps that the fields name.
    """
    given: set[tuple[str, str]] = set()
    for key, part, at in list_part_entries(fields, path):
        guid = part.get("guid")
        if guid is None:
            continue
        list_parts, find_part = _PARTS[key]
        own = sum(any(each.guid == guid for each in list_parts(app)) for app in there)
        if len(there) > 1:
            yield Finding((*at, "guid"), "several apps would get this guid; leave it out, or name one app")
        elif (not own and find_part(world, guid) is not None) or (key, guid) in given:
            yield refuse_taken(guid, at)
        given.add((key, guid))


def find_route_misfits(
    fields: SeedFields,
    path: Path,
    there: list[Space],
    apps: list[tuple[SeedFields, Path, list[App]]],
    addresses: RouteAddresses,
) -> Iterator[Finding]:
    """Routes of a space and of its apps whose address or guid another route has.

    Args:
        there: the spaces that the fields name; none for a new one.
        apps: the entries of its apps, each with its path and the apps that it names.
    """
    spaces: list[Any] = [space.guid for space in there] or [path]
    for entry, at, named in apps:
        for route, below in list_route_entries(entry, at):
            for app in named:
                yield from addresses.check(route, app.name, app.space, below)
            if not named:
                yield from addresses.check(route, entry["name"], spaces[0], below)
    for route, below in list_route_entries(fields, path):
        for space in spaces:
            yield from addresses.check(route, None, space, below)
