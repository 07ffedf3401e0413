"""Given: changes of a running world in a seed file's words, as scenarios make them. Never makes half of a change.

An entry is found by its name (a process by its type), `*` means each existing one, and one that does not exist is
added. The keys that are named replace what is there; what is a mapping in itself (a quota, a rate limit, a droplet,
the roles of a user) is merged key by key.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.deployments import cancel_deployment, change_deployment, restart_process
from mockfoundry.cloudfoundry.instance_ranges import (
    apply_crash_setting,
    hold_instance_states,
    resize_ranges,
    start_instances,
    stop_instances,
)
from mockfoundry.cloudfoundry.model import App, ProcessModel, Sidecar
from mockfoundry.cloudfoundry.organizations import Organization, Space
from mockfoundry.cloudfoundry.seeds.app_forms import APP, SIDECAR
from mockfoundry.cloudfoundry.seeds.build import WorldBuilder, apply_settings
from mockfoundry.cloudfoundry.seeds.format import SEED, begin_seed_reading
from mockfoundry.cloudfoundry.seeds.keys import EACH
from mockfoundry.cloudfoundry.seeds.misfits import find_by_name, find_patch_misfits
from mockfoundry.cloudfoundry.seeds.part_patches import PartPatcher
from mockfoundry.cloudfoundry.seeds.platform_builds import apply_fields, list_keys
from mockfoundry.cloudfoundry.seeds.process_forms import PROCESS
from mockfoundry.cloudfoundry.seeds.values import SeedFields, merge_feature_flags
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents.declare import Finding, format_path
from mockfoundry.documents.problems import DocumentError, Problem

replace = msgspec.structs.replace


def apply_world_patch(world: World, given: Any, now: int) -> None:
    """Changes a world.

    Args:
        given: a seed document in part.
        now: virtual microseconds.

    Raises:
        WorldPatchError: it is faulty or does not fit this world, with every reason; nothing is changed.
    """
    reading = begin_seed_reading()
    fields = SEED.read(given, (), reading)
    if reading.findings:
        raise WorldPatchError(reading.findings, "given")
    apply_patch_fields(world, fields, now)


def apply_patch_fields(world: World, fields: SeedFields, now: int, source: str = "given") -> None:
    """The same for a document whose fields were read.

    Args:
        source: what problems call the document.
    """
    findings = find_patch_misfits(world, fields)
    if findings:
        raise WorldPatchError(findings, source)
    WorldPatcher(world, now).apply(fields)


class WorldPatchError(DocumentError):
    """A change can't be made in a world. `findings` says why, each with its path in the change."""

    def __init__(self, findings: Iterable[Finding], source: str) -> None:
        self.findings = tuple(findings)
        super().__init__(
            Problem(source, 1, 1, f"{format_path(finding.path) or source}: {finding.text}") for finding in self.findings
        )


class WorldPatcher:
    """Merges a document in part into a world, at a moment."""

    def __init__(self, world: World, now: int) -> None:
        self.world = world
        self.now = now
        self.builder = WorldBuilder(world, now - now % SECOND, now)
        self.parts = PartPatcher(self.builder, now)

    def apply(self, fields: SeedFields) -> None:
        world = self.world
        if "settings" in fields:
            world.settings = apply_settings(world.settings, fields["settings"])
        if "feature_flags" in fields:
            changed = merge_feature_flags(world.feature_flags, fields["feature_flags"])
            world.own_table("feature_flags").update(changed)
        if "default_quota" in fields:
            self.builder.put_default_quota(fields["default_quota"])
        for each in fields.get("isolation_segments", ()):
            for name in list_keys(world.isolation_segments, "", each["name"]):
                self.builder.put_isolation_segment({**each, "name": name})
        for each in fields.get("security_groups", ()):
            for name in list_keys(world.security_groups, "", each["name"]):
                self.builder.put_security_group({**each, "name": name})
        for each in fields.get("service_offerings", ()):
            for name in list_keys(world.service_offerings, "", each["name"]):
                self.builder.put_service_offering({**each, "name": name})
        for each in fields.get("organizations", ()):
            found = find_by_name(world.organizations.values(), each["name"])
            for organization in found:
                self.patch_organization(organization, each)
            if not found and each["name"] != EACH:
                self.builder.add_organization(each)
        for each in fields.get("users", ()):
            self.builder.put_user(each)
        for each in fields.get("clients", ()):
            self.builder.put_client(each)

    def patch_organization(self, organization: Organization, fields: SeedFields) -> None:
        world = self.world
        changed = self.builder.apply_organization_fields(organization, fields)
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
        changed = self.builder.apply_space_fields(space, organization, fields)
        if changed != space:
            world.own_table("spaces")[space.guid] = changed
        for each in fields.get("service_instances", ()):
            self.builder.put_service_instance(each, changed, organization)
        self.parts.patch_space_routes(space.guid, fields)
        guids: dict[str, list[str]] = {EACH: []}
        for app in world.apps.values() if fields.get("apps") else ():
            if app.space == space.guid:
                guids[EACH].append(app.guid)
                # A client may have given an app the name that means each one.
                if app.name != EACH:
                    guids.setdefault(app.name, []).append(app.guid)
        for each in fields.get("apps", ()):
            name = each["name"]
            for guid in guids.get(name, ()):
                self.patch_app(world.apps[guid], changed, organization, each)
            if name not in guids:
                self.builder.add_app(each, changed, organization, self.choose_path(organization, space, name))
                guids[name] = [next(reversed(world.apps))]
                guids[EACH] += guids[name]

    def choose_path(self, organization: Organization, space: Space, name: str) -> tuple[str, ...]:
        """What the guids of a new app are derived from: of another app that had this name before, it has none."""
        path = (organization.name, space.name, name)
        derived = (self.builder.derive_guid(kind, *path) for kind in ("app", "droplet", "revision"))
        return path if self.taken_guids.isdisjoint(derived) else (*path, str(self.world.next_nonce()))

    @cached_property
    def taken_guids(self) -> frozenset[str]:
        """The guids of the apps that were there before, and of what is derived with theirs."""
        apps = self.world.apps.values()
        droplets = (droplet.guid for app in apps for droplet in (app.droplet, *app.droplets) if droplet is not None)
        return frozenset({app.guid for app in apps} | {app.revision or "" for app in apps} | set(droplets))

    def patch_app(self, app: App, space: Space, organization: Organization, fields: SeedFields) -> None:
        world, now = self.world, self.now
        path = (organization.name, space.name, app.name)
        changed = apply_fields(APP, app, fields)
        changed = self.parts.patch_parts(changed, fields, path)
        if "sidecars" in fields:
            changed = replace(changed, sidecars=self.patch_sidecars(app.sidecars, fields["sidecars"], path))
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
        self.parts.patch_routes(world.apps[app.guid], fields)
        if "deployment" in fields:
            if fields["deployment"] is None:
                cancel_deployment(world, app.guid, now)
            else:
                change_deployment(world, app.guid, now, fields["deployment"])

    def patch_sidecars(
        self, sidecars: tuple[Sidecar, ...], given: Iterable[SeedFields], path: tuple[str, ...]
    ) -> tuple[Sidecar, ...]:
        for fields in given:
            found = find_by_name(sidecars, fields["name"])
            sidecars = tuple(apply_fields(SIDECAR, each, fields) if each in found else each for each in sidecars)
            if not found and fields["name"] != EACH:
                sidecars = (*sidecars, self.builder.build_sidecar(fields, path, self.now))
        return sidecars

    def switch_app(self, app: App, state: Any) -> None:
        """Starts or stops an app, whatever its quotas say."""
        world, now = self.world, self.now
        switched = replace(app, state=state)
        world.put_app(switched)
        for process in world.list_app_processes(app.guid):
            if state == "STARTED":
                changed = restart_process(world, switched, process, now)
            else:
                ranges, stopping = stop_instances(world, process, now)
                changed = replace(process, instance_ranges=ranges, stopping_ranges=stopping)
            world.put_process(changed, now)

    def patch_process(self, app: App, process: ProcessModel, fields: SeedFields) -> None:
        world, now = self.world, self.now
        changed = apply_fields(PROCESS, process, fields)
        if app.state == "STARTED":
            if changed.version != process.version:
                changed = start_instances(world, changed, now)
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
