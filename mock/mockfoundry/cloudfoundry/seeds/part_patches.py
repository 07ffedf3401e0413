"""Patching what belongs to apps: what a document in part gives is merged into what is there. Never reads text.

A part is found by its guid, else a revision by its version, a task by its name, a route by its address; what is not
found is added. A package or a revision that only followed from its app is held from then on.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from mockfoundry.cloudfoundry.app_parts import Package, Revision, RouteModel, Task
from mockfoundry.cloudfoundry.model import App, Droplet
from mockfoundry.cloudfoundry.seeds.build import WorldBuilder
from mockfoundry.cloudfoundry.seeds.part_builds import PartBuilder, RouteAddress, read_route_address
from mockfoundry.cloudfoundry.seeds.part_forms import DROPLET, PACKAGE, REVISION, TASK
from mockfoundry.cloudfoundry.seeds.values import SeedFields
from mockfoundry.cloudfoundry.staging import find_next_version, list_droplets, list_packages, list_revisions
from mockfoundry.documents.declare import Form

replace = msgspec.structs.replace

PartT = TypeVar("PartT", bound=msgspec.Struct)


def merge_parts(
    form: Form,
    held: tuple[PartT, ...],
    shown: Sequence[PartT],
    given: Sequence[SeedFields],
    name: str,
    build: Callable[[SeedFields, tuple[PartT, ...]], PartT],
    finish: Callable[[PartT, SeedFields], PartT] = lambda part, _: part,
) -> tuple[PartT, ...]:
    """The parts that an app holds, once what is given is merged into them.

    Args:
        shown: all that the app shows, those that it doesn't hold too.
        name: of the attribute that a part without a guid is found by; empty for none.
        build: a part that is not there.
        finish: what becomes of one that was merged.
    """
    for fields in given:
        known = {getattr(part, "guid"): part for part in (*shown, *held)}  # noqa: B009 (any Struct)
        found = find_guid(known, fields, name)
        if found is None:
            held = (*held, build(fields, held))
            continue
        merged = finish(merge_fields(form, known[found], fields), fields)
        there = any(getattr(part, "guid") == found for part in held)  # noqa: B009
        held = tuple(merged if getattr(part, "guid") == found else part for part in held)  # noqa: B009
        held = held if there else (*held, merged)
    return held


def find_guid(known: dict[str, Any], fields: SeedFields, name: str) -> str | None:
    """The guid of the part that fields are about; None where it is not there."""
    if "guid" in fields:
        return fields["guid"] if fields["guid"] in known else None
    if not name or name not in fields:
        return None
    return next((guid for guid, part in known.items() if getattr(part, name) == fields[name]), None)


def merge_fields(form: Form, part: PartT, fields: SeedFields) -> PartT:
    return replace(part, **form.collect_attributes(fields))


class PartPatcher:
    """Merges what a document gives of the parts of apps into a world, at a moment."""

    def __init__(self, builder: WorldBuilder, now: int) -> None:
        self.builder = builder
        self.now = now

    def patch_parts(self, app: App, fields: SeedFields, path: tuple[str, ...]) -> App:
        """An app with what is given of its droplets, packages, revisions and tasks.

        Args:
            path: the names of its organization, its space and its own.
        """
        parts = self.builder.build_parts_of(path, self.now, 0)
        if fields.get("packages"):
            app = replace(app, packages=patch_packages(app, fields["packages"], parts))
        if "droplet" in fields:
            app = patch_current_droplet(app, fields["droplet"], parts)
        for each in fields.get("droplets", ()):
            app = patch_droplets(app, each, parts)
        if fields.get("revisions"):
            app = replace(app, revisions=patch_revisions(app, fields["revisions"], parts))
        if fields.get("tasks"):
            app = replace(app, tasks=patch_tasks(app, fields["tasks"], parts))
        return app

    def patch_routes(self, app: App, fields: SeedFields) -> None:
        """Changes the routes that lead to an app."""
        routes = self.builder.world.routes
        for each in fields.get("routes", ()):
            address = read_route_address(each, app.name)
            there = routes.get(each["guid"]) if "guid" in each else find_route(routes.values(), address)
            self.builder.put_route(each, app.space, app, there)
            routes = self.builder.world.routes

    def patch_space_routes(self, space: str, fields: SeedFields) -> None:
        """Changes the routes of a space that lead to no app."""
        for each in fields.get("routes", ()):
            routes = self.builder.world.routes
            address = read_route_address(each, None)
            there = routes.get(each["guid"]) if "guid" in each else find_route(routes.values(), address)
            self.builder.put_route(each, space, None, there)


def find_route(routes: Any, address: RouteAddress) -> RouteModel | None:
    """The route of an address."""
    found = (each for each in routes if (each.host, each.domain, each.path, each.port) == address)
    return next(found, None)


def patch_packages(app: App, given: Sequence[SeedFields], parts: PartBuilder) -> tuple[Package, ...]:
    def build(fields: SeedFields, held: tuple[Package, ...]) -> Package:
        return parts.build_package(fields, len(held) + 1)

    return merge_parts(PACKAGE, app.packages, list_packages(app), given, "", build)


def patch_current_droplet(app: App, fields: SeedFields | None, parts: PartBuilder) -> App:
    """An app with what is given of its current droplet.

    The guid of another one of its droplets makes that one current; one that is new makes another droplet.
    """
    droplet = app.droplet
    if fields is None:
        return replace(app, droplet=None)
    if droplet is not None and fields.get("guid", droplet.guid) == droplet.guid:
        return replace(app, droplet=merge_droplet(droplet, fields))
    for other in app.droplets:
        if other.guid == fields.get("guid"):
            rest = tuple(each for each in list_droplets(app) if each.guid != other.guid)
            return replace(app, droplet=merge_droplet(other, fields), droplets=rest)
    return replace(app, droplet=parts.build_droplet(fields, app.packages))


def merge_droplet(droplet: Droplet, fields: SeedFields) -> Droplet:
    types = {**droplet.process_types, **fields.get("process_types", {})}
    return merge_fields(DROPLET, droplet, {**fields, "process_types": types})


def patch_droplets(app: App, fields: SeedFields, parts: PartBuilder) -> App:
    """An app with what is given of one of its droplets; the current one may be named by its guid, too."""
    if app.droplet is not None and fields.get("guid") == app.droplet.guid:
        return replace(app, droplet=merge_droplet(app.droplet, fields))
    if any(each.guid == fields.get("guid") for each in app.droplets):
        changed = (merge_droplet(each, fields) if each.guid == fields["guid"] else each for each in app.droplets)
        return replace(app, droplets=tuple(changed))
    added = parts.build_droplet(fields, app.packages, number=len(app.droplets) + 1)
    return replace(app, droplets=(*app.droplets, added))


def patch_revisions(app: App, given: Sequence[SeedFields], parts: PartBuilder) -> tuple[Revision, ...]:
    def build(fields: SeedFields, held: tuple[Revision, ...]) -> Revision:
        return parts.build_revision(fields, find_next_version(replace(app, revisions=held)))

    return merge_parts(REVISION, app.revisions, list_revisions(app), given, "version", build)


def patch_tasks(app: App, given: Sequence[SeedFields], parts: PartBuilder) -> tuple[Task, ...]:
    def build(fields: SeedFields, held: tuple[Task, ...]) -> Task:
        return parts.build_task(fields, max((task.sequence_id for task in held), default=0) + 1)

    def finish(task: Task, fields: SeedFields) -> Task:
        return parts.restart_countdown(task, fields) if fields.keys() & {"seconds", "state"} else task

    return merge_parts(TASK, app.tasks, app.tasks, given, "name", build, finish)
