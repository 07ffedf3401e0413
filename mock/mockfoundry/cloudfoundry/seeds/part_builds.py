"""Building what belongs to apps: from the fields that a seed gives, the rest from the app. Never reads text."""

import re
from collections.abc import Iterable, Sequence

import msgspec

from mockfoundry.cloudfoundry.app_parts import ENDED_STATES, Destination, Package, Revision, RouteModel, Task
from mockfoundry.cloudfoundry.clock import EARLIEST_MOMENT, SECOND
from mockfoundry.cloudfoundry.generator import derive_guid
from mockfoundry.cloudfoundry.model import App, Droplet
from mockfoundry.cloudfoundry.route_table import DEFAULT_DOMAIN
from mockfoundry.cloudfoundry.seeds.part_forms import DROPLET, PACKAGE, REVISION, ROUTE, TASK
from mockfoundry.cloudfoundry.seeds.values import NOTHING, SeedFields
from mockfoundry.cloudfoundry.staging import MAX_VERSION

replace = msgspec.structs.replace

INTERVAL = 60 * SECOND
"""How much older than the next one each part of a list is, where a seed does not say."""

DESCRIPTIONS = {1: "Initial revision."}
LATER_DESCRIPTION = "New droplet deployed."


class PartBuilder(msgspec.Struct, frozen=True, kw_only=True):
    """Builds what belongs to one app.

    Attributes:
        path: the names of its organization, its space and its own.
        created: when the newest part was created, where the seed does not say.
        interval: how much older each is than the one after it.
        moment: when this is built.
        moved: by how many microseconds the moments of a snapshot are moved.
    """

    random_seed: int
    path: tuple[str, ...]
    created: int
    interval: int
    moment: int
    moved: int = 0

    def derive_guid(self, kind: str, *names: str | int) -> str:
        return derive_guid(self.random_seed, kind, *self.path, *names)

    def read_timestamps(self, fields: SeedFields, age: int = 0) -> tuple[int, int]:
        """When a part was created and last changed.

        Args:
            age: how many parts are newer.
        """
        created: int = fields.get("created_at", max(EARLIEST_MOMENT, self.created - age * self.interval))
        return created, fields.get("updated_at", created)

    # Droplets and packages

    def build_droplet(
        self, fields: SeedFields, packages: Sequence[Package], age: int = 0, number: int | None = None
    ) -> Droplet:
        """A droplet.

        Args:
            packages: that the app names.
            number: of a droplet that is not the current one.
        """
        created, updated = self.read_timestamps(fields, age)
        names = () if number is None else (number,)
        ready = [package.guid for package in packages if package.state == "READY"]
        begun = Droplet(
            guid=fields.get("guid") or self.derive_guid("droplet", *names),
            process_types=NOTHING,
            package=ready[-1] if ready else None,
            labels=NOTHING,
            annotations=NOTHING,
            created_at=created,
            updated_at=updated,
        )
        return replace(begun, **DROPLET.collect_attributes(fields))

    def build_droplets(self, given: Sequence[SeedFields], packages: Sequence[Package]) -> tuple[Droplet, ...]:
        """The droplets of an app that are not the current one."""
        return tuple(
            self.build_droplet(fields, packages, len(given) - position, position + 1)
            for position, fields in enumerate(given)
        )

    def build_package(self, fields: SeedFields, number: int, age: int = 0) -> Package:
        created, updated = self.read_timestamps(fields, age)
        guid = fields.get("guid") or self.derive_guid("package", number)
        begun = Package(guid=guid, created_at=created, updated_at=updated)
        return replace(begun, **PACKAGE.collect_attributes(fields))

    def build_packages(self, given: Sequence[SeedFields]) -> tuple[Package, ...]:
        return tuple(
            self.build_package(fields, position + 1, len(given) - 1 - position) for position, fields in enumerate(given)
        )

    # Revisions and tasks

    def build_revision(self, fields: SeedFields, version: int, age: int = 0) -> Revision:
        """A revision.

        Args:
            version: that it has unless the fields say otherwise.
        """
        created, updated = self.read_timestamps(fields, age)
        version = fields.get("version", version)
        begun = Revision(
            guid=fields.get("guid") or self.derive_guid("revision", version),
            version=version,
            description=DESCRIPTIONS.get(version, LATER_DESCRIPTION),
            created_at=created,
            updated_at=updated,
        )
        return replace(begun, **REVISION.collect_attributes(fields))

    def build_revisions(self, given: Sequence[SeedFields]) -> tuple[Revision, ...]:
        revisions: list[Revision] = []
        for position, fields in enumerate(given):
            version = min(revisions[-1].version + 1, MAX_VERSION) if revisions else 1
            revisions.append(self.build_revision(fields, version, len(given) - 1 - position))
        return tuple(revisions)

    def build_task(self, fields: SeedFields, sequence_id: int) -> Task:
        """A task. One that runs and ends counts from now, unless it says when it last changed.

        Args:
            sequence_id: that it has unless the fields say otherwise.
        """
        created, updated = self.read_timestamps(fields)
        number = fields.get("sequence_id", sequence_id)
        begun = Task(
            guid=fields.get("guid") or self.derive_guid("task", number),
            sequence_id=number,
            name=f"task-{number}",
            command="./task",
            created_at=created,
            updated_at=updated,
        )
        task = replace(begun, **TASK.collect_attributes(fields))
        return self.restart_countdown(task, fields)

    def restart_countdown(self, task: Task, fields: SeedFields) -> Task:
        """A task that ends so long after now, or after the moment of a snapshot that is moved to now."""
        if task.seconds is None or task.state in ENDED_STATES:
            return task
        if "updated_at" not in fields:
            return replace(task, updated_at=self.moment)
        ends_at = task.updated_at + task.seconds
        if self.moved and ends_at > self.moment - self.moved:
            return replace(task, updated_at=max(EARLIEST_MOMENT, task.updated_at + self.moved))
        return task

    def build_tasks(self, given: Iterable[SeedFields]) -> tuple[Task, ...]:
        tasks: list[Task] = []
        for fields in given:
            tasks.append(self.build_task(fields, tasks[-1].sequence_id + 1 if tasks else 1))
        return tuple(tasks)


# Routes

_NO_HOST = re.compile(r"[^a-z0-9-]+")
MAX_HOST_LENGTH = 63

RouteAddress = tuple[str, str, str, int | None]
"""The host, the domain, the path and the port of a route."""


def read_route_address(fields: SeedFields, app: str | None) -> RouteAddress:
    """The address that a document gives a route.

    Args:
        app: the name of the app that it leads to.
    """
    port = fields.get("port")
    own = "" if app is None or port is not None else _NO_HOST.sub("-", app.lower())[:MAX_HOST_LENGTH]
    return fields.get("host", own), fields.get("domain", DEFAULT_DOMAIN), fields.get("path", ""), port


def derive_route_guid(random_seed: int, address: RouteAddress) -> str:
    host, domain, path, port = address
    return derive_guid(random_seed, "route", host, domain, path, port or 0)


def merge_route(route: RouteModel, fields: SeedFields, app: App | None) -> RouteModel:
    """A route with what a document says of it, and of where it leads."""
    changed = replace(route, **ROUTE.collect_attributes(fields))
    if app is None:
        return changed
    return replace(changed, destinations=merge_destination(changed.destinations, fields, app.guid))


def merge_destination(destinations: tuple[Destination, ...], fields: SeedFields, app: str) -> tuple[Destination, ...]:
    """Destinations with the one that a document gives: of that app, that type of process and that port."""
    kind = fields.get("process_type", "web")
    given = {name: fields[name] for name in ("protocol", "weight") if name in fields}
    there = [each for each in destinations if each.app == app and each.process_type == kind]
    if "app_port" in fields:
        there = [each for each in there if each.port == fields["app_port"]]
    if not there:
        added = Destination(app=app, process_type=kind, port=fields.get("app_port"), **given)
        return (*destinations, added)
    return tuple(replace(each, **given) if each in there else each for each in destinations)
