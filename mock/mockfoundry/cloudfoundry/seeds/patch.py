"""Given: changes of a running world in a seed file's words, as scenarios make them. Nothing is changed by a faulty one.

An entry is found by its name (a process by its type), `*` is each one that is there, and one that is not there is
added. The keys that are named replace what is there; a quota is merged key by key.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.deployments import begin_deployment, cancel_deployment
from mockfoundry.cloudfoundry.instance_ranges import (
    apply_crash_setting,
    hold_instance_states,
    resize_ranges,
    start_instances,
    stop_instances,
)
from mockfoundry.cloudfoundry.model import App, HealthCheck, Organization, ProcessModel, Quota, Space
from mockfoundry.cloudfoundry.seeds.build import (
    SeedFields,
    WorldBuilder,
    apply_settings,
    build_feature_flags,
    build_load,
)
from mockfoundry.cloudfoundry.seeds.format import EACH, SEED, SeedPath, SeedProblem, SeedProblems, describe_seed_value
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents.problems import DocumentError, Problem, did_you_mean

replace = msgspec.structs.replace

IMMUTABLE_KEYS = ("guid",)
"""What an entity keeps as long as it lives."""


def apply_world_patch(world: World, given: Any, now: int) -> None:
    """Changes a world.

    Args:
        given: a seed document in part.
        now: virtual microseconds.

    Raises:
        DocumentError: it is faulty or does not fit this world, with every reason; nothing is changed.
    """
    faults: SeedProblems = []
    fields = SEED(given, (), faults)
    if not faults:
        faults.extend(find_patch_misfits(world, fields))
    if faults:
        raise DocumentError(
            Problem("given", 1, 1, f"{'/'.join(str(step) for step in fault.path) or 'given'}: {fault.text}")
            for fault in faults
        )
    WorldPatch(world, now).apply_fields(fields)


def find_patch_problems(given: Any) -> list[SeedProblem]:
    """What is wrong with a document in part, whatever world it meets."""
    faults: SeedProblems = []
    SEED(given, (), faults)
    return faults


class WorldPatch:
    """One document in part, being merged into a world at a moment."""

    def __init__(self, world: World, now: int) -> None:
        self.world = world
        self.now = now
        self.builder = WorldBuilder(world, now - now % SECOND, now)

    def apply_fields(self, fields: SeedFields) -> None:
        world = self.world
        if "settings" in fields:
            world.settings = apply_settings(world.settings, fields["settings"])
        if "feature_flags" in fields:
            world.own_table("feature_flags").update(build_feature_flags(fields["feature_flags"]))
        for each in fields.get("organizations", ()):
            found = find_by_name(world.organizations.values(), each["name"])
            for organization in found:
                self.organization(organization, each)
            if not found and each["name"] != EACH:
                self.builder.organization(each)
        for each in fields.get("users", ()):
            self.builder.user(each)

    def organization(self, organization: Organization, fields: SeedFields) -> None:
        world = self.world
        changed = replace(organization, **pick_fields(fields, "suspended", "being_deleted", "created_at", "updated_at"))
        if "quota" in fields:
            changed = replace(changed, quota=merge_quota(organization.quota, fields["quota"]))
        if changed != organization:
            world.own_table("organizations")[organization.guid] = changed
        for each in fields.get("spaces", ()):
            inside = (space for space in world.spaces.values() if space.organization == organization.guid)
            found = find_by_name(inside, each["name"])
            for space in found:
                self.space(space, changed, each)
            if not found and each["name"] != EACH:
                self.builder.space(each, changed)

    def space(self, space: Space, organization: Organization, fields: SeedFields) -> None:
        world = self.world
        names = ("suspended", "being_deleted", "isolation_segment", "created_at", "updated_at")
        changed = replace(space, **pick_fields(fields, *names))
        if "quota" in fields:
            changed = replace(changed, quota=merge_quota(space.quota, fields["quota"]))
        if changed != space:
            world.own_table("spaces")[space.guid] = changed
        for each in fields.get("apps", ()):
            found = find_by_name((app for app in world.apps.values() if app.space == space.guid), each["name"])
            for app in found:
                self.app(app, changed, organization, each)
            if not found and each["name"] != EACH:
                self.builder.app(each, changed, organization)

    def app(self, app: App, space: Space, organization: Organization, fields: SeedFields) -> None:
        world, now = self.world, self.now
        path = (organization.name, space.name, app.name)
        changed = replace(app, **pick_fields(fields, "lifecycle", "revision", "created_at", "updated_at"))
        if "droplet" in fields:
            changed = replace(changed, droplet=self.builder.droplet(fields["droplet"], path, now))
        if "sidecars" in fields:
            sidecars = tuple(self.builder.sidecar(each, path, now) for each in fields["sidecars"])
            changed = replace(changed, sidecars=sidecars)
        if changed != app:
            world.put_app(changed)
        if fields.get("state", app.state) != app.state:
            self.switch(changed, fields["state"])
        for each in fields.get("processes", ()):
            processes = world.list_app_processes(app.guid)
            found = [process for process in processes if each["type"] in (EACH, process.type)]
            for process in found:
                self.process(world.apps[app.guid], process, each)
            if not found and each["type"] != EACH:
                self.builder.process(each, world.apps[app.guid], path)
        if "deployment" in fields:
            if fields["deployment"] is None:
                cancel_deployment(world, app.guid, now)
            else:
                begin_deployment(world, app.guid, now, fields["deployment"])

    def switch(self, app: App, state: Any) -> None:
        """Starts or stops an app, whatever its quotas say."""
        world, now = self.world, self.now
        switched = replace(app, state=state)
        world.put_app(switched)
        change = start_instances if state == "STARTED" else stop_instances
        for process in world.list_app_processes(app.guid):
            runs, leaving = change(world, process, now)
            world.put_process(replace(process, instance_ranges=runs, stopping_ranges=leaving), now)

    def process(self, app: App, process: ProcessModel, fields: SeedFields) -> None:
        world, now = self.world, self.now
        changes: dict[str, Any] = {name: fields[name] for name in PLAIN_FIELDS if name in fields}
        for name, read in FIELD_READERS.items():
            if name in fields:
                changes[name] = read(process, fields[name])
        metadata = fields.get("metadata", {})
        changes.update({name: metadata[name] for name in ("labels", "annotations") if name in metadata})
        changed = replace(process, **changes)
        if app.state == "STARTED":
            if changed.version != process.version:
                runs, leaving = start_instances(world, changed, now)
                changed = replace(changed, instance_ranges=runs, stopping_ranges=leaving, allotment=None)
            elif changed.instances != process.instances:
                runs, leaving = resize_ranges(world, changed, changed.instances, now)
                changed = replace(changed, instance_ranges=runs, stopping_ranges=leaving)
            if "crash_after" in fields:
                changed = replace(changed, instance_ranges=apply_crash_setting(world, changed, now))
            if "ready" in fields:
                changed = replace(
                    changed, instance_ranges=tuple(replace(run, ready=changed.ready) for run in changed.instance_ranges)
                )
            if "instance_states" in fields:
                changed = replace(
                    changed,
                    instance_ranges=hold_instance_states(changed.instance_ranges, fields["instance_states"], now),
                )
        if changed != process:
            world.put_process(changed, now)


PLAIN_FIELDS = (
    "created_at",
    "updated_at",
    "version",
    "instances",
    "memory_in_mb",
    "disk_in_mb",
    "log_rate_limit_in_bytes_per_second",
    "command",
    "user",
    "revision",
    "registry_credential",
    "registry_credential_last_synced_at",
    "crash_after",
    "starts",
    "ready",
    "placement_error",
)
"""The fields of a process that hold what the document says."""

FIELD_READERS: Mapping[str, Callable[[ProcessModel, Any], Any]] = {
    "health_check": lambda process, fields: merge_health_check(process.health_check, fields),
    "readiness_health_check": lambda process, fields: merge_health_check(process.readiness_health_check, fields),
    "load": lambda _, fields: build_load(fields),
}


def merge_health_check(check: HealthCheck, fields: SeedFields) -> HealthCheck:
    """A health check with what a document says of it."""
    return replace(check, **pick_fields(fields, "type"), **fields.get("data", {}))


def find_by_name(entities: Iterable[Any], name: str) -> list[Any]:
    """The entities of that name, or each of them."""
    return [entity for entity in entities if name in (EACH, entity.name)]


def pick_fields(fields: SeedFields, *names: str) -> dict[str, Any]:
    return {name: fields[name] for name in names if name in fields}


def merge_quota(quota: Quota | None, fields: SeedFields | None) -> Quota | None:
    """A quota with the limits that a document names; null takes the whole quota away."""
    return None if fields is None else replace(quota or Quota(), **fields)


def find_patch_misfits(world: World, fields: SeedFields) -> list[SeedProblem]:
    """What a document in part has that this world does not allow."""
    faults: list[SeedProblem] = []
    organizations = {each.name for each in world.organizations.values()}
    spaces = {f"{world.organizations[each.organization].name}/{each.name}" for each in world.spaces.values()}
    for position, organization in enumerate(fields.get("organizations", ())):
        path: SeedPath = ("organizations", position)
        faults += find_immutable_keys(organization, path, {each.name for each in world.organizations.values()})
        organizations.add(organization["name"])
        for place, space in enumerate(organization.get("spaces", ())):
            spaces.add(f"{organization['name']}/{space['name']}")
            faults += find_immutable_keys(
                space, (*path, "spaces", place), {each.name for each in world.spaces.values()}
            )
            for number, app in enumerate(space.get("apps", ())):
                below = (*path, "spaces", place, "apps", number)
                faults += find_immutable_keys(app, below, {each.name for each in world.apps.values()})
                faults += find_unknown_instances(app, below)
    for position, user in enumerate(fields.get("users", ())):
        for key, kind, names in (("organizations", "organization", organizations), ("spaces", "space", spaces)):
            for name in user.get(key, {}):
                if name not in names:
                    text = f"there is no {kind} {describe_seed_value(name)}{did_you_mean(name, names)}"
                    faults.append(SeedProblem(("users", position, key, name), text))
    return faults


def find_immutable_keys(fields: SeedFields, path: SeedPath, names: set[str]) -> list[SeedProblem]:
    """Keys that only a new entity takes."""
    if fields["name"] != EACH and fields["name"] not in names:
        return []
    text = "an entity that is there keeps its guid; leave it out"
    return [SeedProblem((*path, name), text) for name in IMMUTABLE_KEYS if name in fields]


def find_unknown_instances(app: SeedFields, path: SeedPath) -> list[SeedProblem]:
    """States of instances beyond those that the document itself asks for."""
    return [
        SeedProblem(
            (*path, "processes", position, "instance_states", index),
            f"there is no instance {index}; the document asks for {process['instances']}, counted from 0",
        )
        for position, process in enumerate(app.get("processes", ()))
        for index in process.get("instance_states", {})
        if "instances" in process and index >= process["instances"]
    ]
