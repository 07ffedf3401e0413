"""Building: entities from the fields that a seed gives, the rest from the random seed. Never reads text."""

from collections.abc import Mapping
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.auth import READ, WRITE
from mockfoundry.cloudfoundry.clock import SECOND, Clock
from mockfoundry.cloudfoundry.deployments import begin_deployment
from mockfoundry.cloudfoundry.generator import Generator, derive_guid
from mockfoundry.cloudfoundry.instance_ranges import create_range, hold_instance_states
from mockfoundry.cloudfoundry.model import (
    DEFAULT_DISK_IN_MB,
    App,
    Droplet,
    FeatureFlag,
    HealthCheck,
    InstanceRange,
    Load,
    Organization,
    ProcessModel,
    Quota,
    RateLimit,
    Settings,
    Sidecar,
    Space,
    User,
)
from mockfoundry.cloudfoundry.seeds.format import FEATURE_FLAGS
from mockfoundry.cloudfoundry.world import World

SeedFields = Mapping[str, Any]

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

    def guid(self, *names: str) -> str:
        return derive_guid(self.world.seed, *names)

    def read_timestamps(self, fields: SeedFields, created: int | None = None) -> tuple[int, int]:
        """When an entity was created and last changed."""
        began: int = fields.get("created_at", self.created if created is None else created)
        return began, fields.get("updated_at", began)

    def organization(self, fields: SeedFields) -> None:
        name = fields["name"]
        guid = fields.get("guid") or self.guid("organization", name)
        created, updated = self.read_timestamps(fields)
        self.world.own_table("organizations")[guid] = Organization(
            guid=guid,
            name=name,
            suspended=fields.get("suspended", False),
            being_deleted=fields.get("being_deleted", False),
            quota=build_quota(fields.get("quota")),
            created_at=created,
            updated_at=updated,
        )
        for space in fields.get("spaces", ()):
            self.space(space, self.world.organizations[guid])

    def space(self, fields: SeedFields, organization: Organization) -> None:
        name = fields["name"]
        guid = fields.get("guid") or self.guid("space", organization.name, name)
        created, updated = self.read_timestamps(fields)
        self.world.own_table("spaces")[guid] = Space(
            guid=guid,
            name=name,
            organization=organization.guid,
            suspended=fields.get("suspended", False),
            being_deleted=fields.get("being_deleted", False),
            quota=build_quota(fields.get("quota")),
            isolation_segment=fields.get("isolation_segment"),
            created_at=created,
            updated_at=updated,
        )
        for app in fields.get("apps", ()):
            self.app(app, self.world.spaces[guid], organization)

    def app(self, fields: SeedFields, space: Space, organization: Organization) -> None:
        world, name = self.world, fields["name"]
        path = (organization.name, space.name, name)
        guid = fields.get("guid") or self.guid("app", *path)
        created, updated = self.read_timestamps(fields)
        app = App(
            guid=guid,
            name=name,
            space=space.guid,
            state=fields.get("state", "STARTED"),
            lifecycle=fields.get("lifecycle", "buildpack"),
            droplet=self.droplet(fields.get("droplet", {}), path, created),
            revision=fields["revision"] if "revision" in fields else self.guid("revision", *path),
            sidecars=tuple(self.sidecar(each, path, created) for each in fields.get("sidecars", ())),
            created_at=created,
            updated_at=updated,
        )
        world.put_app(app)
        for each in fields.get("processes", ({"type": "web"},)):
            self.process(each, app, path)
        deployment = fields.get("deployment")
        if deployment is not None:
            begin_deployment(world, app.guid, self.moment, deployment)

    def droplet(self, fields: SeedFields | None, path: tuple[str, ...], created: int) -> Droplet | None:
        if fields is None:
            return None
        created, updated = self.read_timestamps(fields, created)
        return Droplet(
            guid=fields.get("guid") or self.guid("droplet", *path),
            process_types=fields.get("process_types", {}),
            created_at=created,
            updated_at=updated,
        )

    def sidecar(self, fields: SeedFields, path: tuple[str, ...], created: int) -> Sidecar:
        created, updated = self.read_timestamps(fields, created)
        return Sidecar(
            guid=fields.get("guid") or self.guid("sidecar", *path, fields["name"]),
            name=fields["name"],
            process_types=fields["process_types"],
            memory_in_mb=fields.get("memory_in_mb"),
            command=fields.get("command", "./sidecar"),
            created_at=created,
            updated_at=updated,
        )

    def process(self, fields: SeedFields, app: App, path: tuple[str, ...]) -> None:
        world, kind = self.world, fields["type"]
        of_app = app.guid if kind == "web" else self.guid("process", *path, kind)
        metadata = fields.get("metadata", {})
        created, updated = self.read_timestamps(fields)
        process = ProcessModel(
            guid=fields.get("guid") or of_app,
            app=app.guid,
            type=kind,
            version=fields.get("version") or self.guid("version", *path, kind),
            instances=fields.get("instances", 1 if kind == "web" else 0),
            memory_in_mb=fields.get("memory_in_mb", DEFAULT_MEMORY_IN_MB),
            disk_in_mb=fields.get("disk_in_mb", DEFAULT_DISK_IN_MB),
            log_rate_limit_in_bytes_per_second=fields.get("log_rate_limit_in_bytes_per_second", -1),
            command=fields.get("command"),
            user=fields.get("user"),
            revision=fields.get("revision", app.revision),
            registry_credential=fields.get("registry_credential"),
            registry_credential_last_synced_at=fields.get("registry_credential_last_synced_at"),
            health_check=build_health_check(fields.get("health_check", {}), "port" if kind == "web" else "process"),
            readiness_health_check=build_health_check(fields.get("readiness_health_check", {}), "process"),
            labels=metadata.get("labels", {}),
            annotations=metadata.get("annotations", {}),
            crash_after=fields.get("crash_after"),
            starts=fields.get("starts", True),
            ready=fields.get("ready", True),
            placement_error=fields.get("placement_error"),
            load=build_load(fields.get("load")),
            created_at=created,
            updated_at=updated,
        )
        if app.state == "STARTED" and process.instances:
            process = replace(process, instance_ranges=self.instance_ranges(process, fields.get("instance_states", {})))
        world.put_process(process, self.moment)
        self.created = min(self.created + SECOND, self.moment)

    def instance_ranges(self, process: ProcessModel, states: Mapping[int, Any]) -> tuple[InstanceRange, ...]:
        """The instances of a started process; those that crash or never start begin with it at this moment."""
        run = create_range(self.world, process, 0, process.instances, self.moment)
        if self.running and run.crash_after is None:
            run = replace(run, since=self.moment - self.running - run.start)
        return hold_instance_states((run,), states, self.moment - self.running)

    def user(self, fields: SeedFields) -> None:
        name = fields["name"]
        organizations = {each.name: each.guid for each in self.world.organizations.values()}
        spaces = {
            f"{self.world.organizations[each.organization].name}/{each.name}": each.guid
            for each in self.world.spaces.values()
        }
        self.world.own_table("users")[name] = User(
            guid=fields.get("guid") or self.guid("user", name),
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
        settings=apply_settings(Settings(), fields.get("settings", {})),
        feature_flags={**_DEFAULT_FLAGS, **build_feature_flags(fields.get("feature_flags", {}))},
    )
    builder = WorldBuilder(world, began - 24 * SEEDED_UPTIME, born, SEEDED_UPTIME)
    for organization in fields.get("organizations", ()):
        builder.organization(organization)
    for user in fields.get("users", ()):
        builder.user(user)
    return world


_DEFAULT_FLAGS = {name: FeatureFlag(enabled) for name, enabled in FEATURE_FLAGS.items()}


def build_feature_flags(fields: SeedFields) -> dict[str, FeatureFlag]:
    return {
        name: FeatureFlag(given)
        if isinstance(given, bool)
        else FeatureFlag(given["enabled"], given.get("error_message"))
        for name, given in fields.items()
    }


def apply_settings(settings: Settings, fields: SeedFields) -> Settings:
    """Settings with those that a seed gives."""
    given = dict(fields)
    if "rate_limit" in given:
        given["rate_limit"] = build_rate_limit(given["rate_limit"])
    return replace(settings, **given)


def build_rate_limit(given: int | SeedFields | None) -> RateLimit | None:
    """A rate limit; a number alone is a limit for everybody, admins too, since any unknown bearer is one."""
    if given is None:
        return None
    if isinstance(given, int):
        return RateLimit(requests=given, unauthenticated=given, admins=given)
    return RateLimit(**{"unauthenticated": given["requests"], "admins": None, **given})


def build_quota(fields: SeedFields | None) -> Quota | None:
    return None if fields is None else Quota(**fields)


def build_health_check(fields: SeedFields, usual: Any) -> HealthCheck:
    return HealthCheck(type=fields.get("type", usual), **fields.get("data", {}))


def build_load(fields: SeedFields | None) -> Load | None:
    if fields is None:
        return None
    steps = [(each["at"], each["total_cpu"]) for each in fields.get("steps", ())]
    if "total_cpu" in fields:
        steps.append((0, fields["total_cpu"]))
    return Load(
        steps=tuple(sorted(steps)),
        crash_above=fields.get("overload", {}).get("crash_above"),
        memory_per_core_in_mb=fields.get("memory_per_cpu_in_mb", 0),
        **fields.get("sine", {}),
    )
