"""Given: changes of a running world in a seed file's words, as scenarios make them. Never makes half of a change.

An entry is found by its name (a process by its type), `*` means each existing one, and one that does not exist is
added. The keys that are named replace what is there; a quota is merged key by key.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.deployments import cancel_deployment, change_deployment
from mockfoundry.cloudfoundry.instance_ranges import (
    apply_crash_setting,
    hold_instance_states,
    resize_ranges,
    start_instances,
    stop_instances,
)
from mockfoundry.cloudfoundry.model import App, Organization, ProcessModel, Space
from mockfoundry.cloudfoundry.seeds.build import WorldBuilder, apply_fields
from mockfoundry.cloudfoundry.seeds.format import APP, EACH, ORGANIZATION, PROCESS, SEED, SETTINGS, SPACE
from mockfoundry.cloudfoundry.seeds.kinds import begin_seed_reading, describe_seed_value
from mockfoundry.cloudfoundry.seeds.values import SeedFields
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents.declare import Finding, Path, format_path
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
    reading = begin_seed_reading()
    fields = SEED.read(given, (), reading)
    findings = reading.findings or find_patch_misfits(world, fields)
    if findings:
        raise DocumentError(
            Problem("given", 1, 1, f"{format_path(finding.path) or 'given'}: {finding.text}") for finding in findings
        )
    WorldPatcher(world, now).apply(fields)


class WorldPatcher:
    """Merges a document in part into a world, at a moment."""

    def __init__(self, world: World, now: int) -> None:
        self.world = world
        self.now = now
        self.builder = WorldBuilder(world, now - now % SECOND, now)

    def apply(self, fields: SeedFields) -> None:
        world = self.world
        if "settings" in fields:
            world.settings = apply_fields(SETTINGS, world.settings, fields["settings"])
        if "feature_flags" in fields:
            world.own_table("feature_flags").update(fields["feature_flags"])
        for each in fields.get("organizations", ()):
            found = find_by_name(world.organizations.values(), each["name"])
            for organization in found:
                self.patch_organization(organization, each)
            if not found and each["name"] != EACH:
                self.builder.add_organization(each)
        for each in fields.get("users", ()):
            self.builder.add_user(each)

    def patch_organization(self, organization: Organization, fields: SeedFields) -> None:
        world = self.world
        changed = apply_fields(ORGANIZATION, organization, fields)
        if changed != organization:
            world.own_table("organizations")[organization.guid] = changed
        for each in fields.get("spaces", ()):
            inside = (space for space in world.spaces.values() if space.organization == organization.guid)
            found = find_by_name(inside, each["name"])
            for space in found:
                self.patch_space(space, changed, each)
            if not found and each["name"] != EACH:
                self.builder.add_space(each, changed)

    def patch_space(self, space: Space, organization: Organization, fields: SeedFields) -> None:
        world = self.world
        changed = apply_fields(SPACE, space, fields)
        if changed != space:
            world.own_table("spaces")[space.guid] = changed
        for each in fields.get("apps", ()):
            found = find_by_name((app for app in world.apps.values() if app.space == space.guid), each["name"])
            for app in found:
                self.patch_app(app, changed, organization, each)
            if not found and each["name"] != EACH:
                self.builder.add_app(each, changed, organization)

    def patch_app(self, app: App, space: Space, organization: Organization, fields: SeedFields) -> None:
        world, now = self.world, self.now
        path = (organization.name, space.name, app.name)
        changed = apply_fields(APP, app, fields)
        if "droplet" in fields:
            changed = replace(changed, droplet=self.builder.build_droplet(fields["droplet"], path, now))
        if "sidecars" in fields:
            sidecars = tuple(self.builder.build_sidecar(each, path, now) for each in fields["sidecars"])
            changed = replace(changed, sidecars=sidecars)
        if changed != app:
            world.put_app(changed)
        if fields.get("state", app.state) != app.state:
            self.switch_app(changed, fields["state"])
        for each in fields.get("processes", ()):
            processes = world.list_app_processes(app.guid)
            found = [process for process in processes if each["type"] in (EACH, process.type)]
            for process in found:
                self.patch_process(world.apps[app.guid], process, each)
            if not found and each["type"] != EACH:
                self.builder.add_process(each, world.apps[app.guid], path)
        if "deployment" in fields:
            if fields["deployment"] is None:
                cancel_deployment(world, app.guid, now)
            else:
                change_deployment(world, app.guid, now, fields["deployment"])

    def switch_app(self, app: App, state: Any) -> None:
        """Starts or stops an app, whatever its quotas say."""
        world, now = self.world, self.now
        switched = replace(app, state=state)
        world.put_app(switched)
        change = start_instances if state == "STARTED" else stop_instances
        for process in world.list_app_processes(app.guid):
            runs, leaving = change(world, process, now)
            world.put_process(replace(process, instance_ranges=runs, stopping_ranges=leaving), now)

    def patch_process(self, app: App, process: ProcessModel, fields: SeedFields) -> None:
        world, now = self.world, self.now
        changed = apply_fields(PROCESS, process, fields)
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


def find_by_name(entities: Iterable[Any], name: str) -> list[Any]:
    """The entities of that name, or each of them."""
    return [entity for entity in entities if name in (EACH, entity.name)]


def find_patch_misfits(world: World, fields: SeedFields) -> list[Finding]:
    """What a document in part has that this world does not allow."""
    findings: list[Finding] = []
    organizations = {each.name for each in world.organizations.values()}
    spaces = {f"{world.organizations[each.organization].name}/{each.name}" for each in world.spaces.values()}
    for position, organization in enumerate(fields.get("organizations", ())):
        path: Path = ("organizations", position)
        findings += find_immutable_keys(organization, path, {each.name for each in world.organizations.values()})
        organizations.add(organization["name"])
        for place, space in enumerate(organization.get("spaces", ())):
            spaces.add(f"{organization['name']}/{space['name']}")
            findings += find_immutable_keys(
                space, (*path, "spaces", place), {each.name for each in world.spaces.values()}
            )
            for number, app in enumerate(space.get("apps", ())):
                below = (*path, "spaces", place, "apps", number)
                findings += find_immutable_keys(app, below, {each.name for each in world.apps.values()})
                findings += find_unknown_instances(app, below)
    for position, user in enumerate(fields.get("users", ())):
        for key, kind, names in (("organizations", "organization", organizations), ("spaces", "space", spaces)):
            for name in user.get(key, {}):
                if name not in names:
                    text = f"there is no {kind} {describe_seed_value(name)}{did_you_mean(name, names)}"
                    findings.append(Finding(("users", position, key, name), text))
    return findings


def find_immutable_keys(fields: SeedFields, path: Path, names: set[str]) -> list[Finding]:
    """Keys that only a new entity takes."""
    if fields["name"] != EACH and fields["name"] not in names:
        return []
    text = "an entity that is there keeps its guid; leave it out"
    return [Finding((*path, name), text) for name in IMMUTABLE_KEYS if name in fields]


def find_unknown_instances(app: SeedFields, path: Path) -> list[Finding]:
    """States of instances beyond those that the document itself asks for."""
    return [
        Finding(
            (*path, "processes", position, "instance_states", index),
            f"there is no instance {index}; the document asks for {process['instances']}, counted from 0",
        )
        for position, process in enumerate(app.get("processes", ()))
        for index in process.get("instance_states", {})
        if "instances" in process and index >= process["instances"]
    ]
