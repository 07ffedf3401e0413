"""Building: entities from the fields that a seed gives, the rest from the random seed. Never reads text.

Each entity begins with what a seed may leave out, and the fields that are given are applied to it, as a scenario's
`given:` applies them to an entity that is there.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from mockfoundry.cloudfoundry.auth import READ, WRITE
from mockfoundry.cloudfoundry.clock import SECOND, Clock
from mockfoundry.cloudfoundry.deployments import begin_deployment
from mockfoundry.cloudfoundry.generator import Generator, derive_guid
from mockfoundry.cloudfoundry.instance_ranges import create_range, hold_instance_states
from mockfoundry.cloudfoundry.model import (
    DEFAULT_DISK_IN_MB,
    UNLIMITED,
    App,
    Droplet,
    FeatureFlag,
    HealthCheck,
    InstanceRange,
    Organization,
    ProcessModel,
    Quota,
    Settings,
    Sidecar,
    Space,
    User,
)
from mockfoundry.cloudfoundry.seeds.format import APP, DROPLET, ORGANIZATION, PROCESS, SETTINGS, SIDECAR, SPACE
from mockfoundry.cloudfoundry.seeds.values import FEATURE_FLAGS, SeedFields
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents.declare import Form

EntityT = TypeVar("EntityT", bound=msgspec.Struct)

SEEDED_UPTIME = 3600 * SECOND
"""How long seeded instances have been running when the world begins."""

DEFAULT_MEMORY_IN_MB = 1024

replace = msgspec.structs.replace


class WorldBuilder:
    """Adds what a seed describes to a world.

    Attributes:
        world: what is being built.
        created: when the next process is created, where the seed does not say; each a second after the one before.
        moment: when this is built.
        running: how long the instances of started apps have been running by then.
    """

    def __init__(self, world: World, created: int, moment: int, running: int = 0) -> None:
        self.world = world
        self.created = created
        self.moment = moment
        self.running = running

    def derive_guid(self, *names: str) -> str:
        return derive_guid(self.world.seed, *names)

    def read_timestamps(self, fields: SeedFields, created: int | None = None) -> tuple[int, int]:
        """When an entity was created and last changed."""
        began: int = fields.get("created_at", self.created if created is None else created)
        return began, fields.get("updated_at", began)

    def add_organization(self, fields: SeedFields) -> None:
        name = fields["name"]
        guid = fields.get("guid") or self.derive_guid("organization", name)
        created, updated = self.read_timestamps(fields)
        organization = apply_fields(
            ORGANIZATION, Organization(guid=guid, name=name, created_at=created, updated_at=updated), fields
        )
        self.world.own_table("organizations")[guid] = organization
        for space in fields.get("spaces", ()):
            self.add_space(space, organization)

    def add_space(self, fields: SeedFields, organization: Organization) -> None:
        name = fields["name"]
        guid = fields.get("guid") or self.derive_guid("space", organization.name, name)
        created, updated = self.read_timestamps(fields)
        begun = Space(guid=guid, name=name, organization=organization.guid, created_at=created, updated_at=updated)
        space = apply_fields(SPACE, begun, fields)
        self.world.own_table("spaces")[guid] = space
        for app in fields.get("apps", ()):
            self.add_app(app, space, organization)

    def add_app(self, fields: SeedFields, space: Space, organization: Organization) -> None:
        world, name = self.world, fields["name"]
        path = (organization.name, space.name, name)
        created, updated = self.read_timestamps(fields)
        begun = App(
            guid=fields.get("guid") or self.derive_guid("app", *path),
            name=name,
            space=space.guid,
            state=fields.get("state", "STARTED"),
            droplet=self.build_droplet(fields.get("droplet", {}), path, created),
            revision=self.derive_guid("revision", *path),
            sidecars=tuple(self.build_sidecar(each, path, created) for each in fields.get("sidecars", ())),
            created_at=created,
            updated_at=updated,
        )
        app = apply_fields(APP, begun, fields)
        world.put_app(app)
        for each in fields.get("processes", ({"type": "web"},)):
            self.add_process(each, app, path)
        deployment = fields.get("deployment")
        if deployment is not None:
            begin_deployment(world, app.guid, self.moment, deployment)

    def build_droplet(self, fields: SeedFields | None, path: tuple[str, ...], created: int) -> Droplet | None:
        if fields is None:
            return None
        created, updated = self.read_timestamps(fields, created)
        guid = fields.get("guid") or self.derive_guid("droplet", *path)
        begun = Droplet(guid=guid, process_types={}, created_at=created, updated_at=updated)
        return apply_fields(DROPLET, begun, fields)

    def build_sidecar(self, fields: SeedFields, path: tuple[str, ...], created: int) -> Sidecar:
        created, updated = self.read_timestamps(fields, created)
        begun = Sidecar(
            guid=fields.get("guid") or self.derive_guid("sidecar", *path, fields["name"]),
            name=fields["name"],
            process_types=(),
            memory_in_mb=None,
            command="./sidecar",
            created_at=created,
            updated_at=updated,
        )
        return apply_fields(SIDECAR, begun, fields)

    def add_process(self, fields: SeedFields, app: App, path: tuple[str, ...]) -> None:
        world, kind = self.world, fields["type"]
        created, updated = self.read_timestamps(fields)
        begun = ProcessModel(
            guid=fields.get("guid") or (app.guid if kind == "web" else self.derive_guid("process", *path, kind)),
            app=app.guid,
            type=kind,
            version=self.derive_guid("version", *path, kind),
            instances=1 if kind == "web" else 0,
            memory_in_mb=DEFAULT_MEMORY_IN_MB,
            disk_in_mb=DEFAULT_DISK_IN_MB,
            log_rate_limit_in_bytes_per_second=UNLIMITED,
            revision=app.revision,
            health_check=HealthCheck(type="port" if kind == "web" else "process"),
            readiness_health_check=HealthCheck(type="process"),
            labels={},
            annotations={},
            created_at=created,
            updated_at=updated,
        )
        process = apply_fields(PROCESS, begun, fields)
        if app.state == "STARTED" and process.instances:
            ranges = self.build_instance_ranges(process, fields.get("instance_states", {}))
            process = replace(process, instance_ranges=ranges)
        world.put_process(process, self.moment)
        self.created = min(self.created + SECOND, self.moment)

    def build_instance_ranges(self, process: ProcessModel, states: Mapping[int, Any]) -> tuple[InstanceRange, ...]:
        """The instances of a started process; those that crash or never start begin with it at this moment."""
        run = create_range(self.world, process, 0, process.instances, self.moment)
        if self.running and run.crash_after is None:
            run = replace(run, since=self.moment - self.running - run.start)
        return hold_instance_states((run,), states, self.moment - self.running)

    def add_user(self, fields: SeedFields) -> None:
        name = fields["name"]
        organizations = {each.name: each.guid for each in self.world.organizations.values()}
        spaces = {
            f"{self.world.organizations[each.organization].name}/{each.name}": each.guid
            for each in self.world.spaces.values()
        }
        self.world.own_table("users")[name] = User(
            guid=fields.get("guid") or self.derive_guid("user", name),
            name=name,
            scopes=frozenset(fields.get("scopes", (READ, WRITE))),
            organization_roles={
                organizations[each]: frozenset(roles) for each, roles in fields.get("organizations", {}).items()
            },
            space_roles={spaces[each]: frozenset(roles) for each, roles in fields.get("spaces", {}).items()},
        )


def build_world(fields: SeedFields, random_seed: int, born: int) -> World:
    """The world that a whole seed describes."""
    began = born - born % SECOND
    world = World(
        seed=random_seed,
        born=born,
        clock=Clock(born, born),
        generator=Generator(random_seed),
        settings=apply_fields(SETTINGS, Settings(), fields.get("settings", {})),
        feature_flags={**_DEFAULT_FLAGS, **fields.get("feature_flags", {})},
    )
    builder = WorldBuilder(world, began - 24 * SEEDED_UPTIME, born, SEEDED_UPTIME)
    for organization in fields.get("organizations", ()):
        builder.add_organization(organization)
    for user in fields.get("users", ()):
        builder.add_user(user)
    return world


_DEFAULT_FLAGS = {name: FeatureFlag(enabled) for name, enabled in FEATURE_FLAGS.items()}


def apply_fields(form: Form, entity: EntityT, fields: SeedFields) -> EntityT:
    """An entity with what a document says of its fields; what makes it the entity that it is stays."""
    changes = form.collect_attributes(fields)
    for key in form.keys:
        if key.role == "merged" and fields.get(key.name) is not None:
            current = getattr(entity, key.attribute)
            merged = key.form.collect_attributes(fields[key.name])
            changes[key.attribute] = replace(Quota() if current is None else current, **merged)
        elif key.role == "merged" and key.name in fields:
            changes[key.attribute] = None
    return replace(entity, **changes) if changes else entity
