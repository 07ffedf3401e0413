"""Misfits: what a change in a seed file's words says that its world does not allow. Never changes a world.

What a change makes of a world must be what a seed may say, or its export could not be read again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from mockfoundry.cloudfoundry.model import App, ProcessModel
from mockfoundry.cloudfoundry.organizations import Organization, Space
from mockfoundry.cloudfoundry.seeds.keys import EACH
from mockfoundry.cloudfoundry.seeds.part_misfits import RouteAddresses, find_part_misfits, find_route_misfits
from mockfoundry.cloudfoundry.seeds.patch_words import find_patch_disagreements
from mockfoundry.cloudfoundry.seeds.platform_builds import apply_fields
from mockfoundry.cloudfoundry.seeds.process_forms import PROCESS
from mockfoundry.cloudfoundry.seeds.read import (
    MISSING_TYPES_TEXT,
    PLATFORM_LISTS,
    find_app_disagreements,
    find_missing_endpoints,
    find_repeated_names,
    find_unknown_places,
    find_unknown_plan,
    find_unknown_roles,
    list_entries,
    list_plan_names,
)
from mockfoundry.cloudfoundry.seeds.values import SeedFields
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents.declare import Finding, Path
from mockfoundry.documents.wording import describe_value

KEPT_GUID_TEXT = "an entity that is there keeps its guid; leave it out"


def find_by_name(entities: Iterable[Any], name: str) -> list[Any]:
    """The entities of that name, or each of them."""
    return [entity for entity in entities if name in (EACH, entity.name)]


def find_patch_misfits(world: World, fields: SeedFields) -> list[Finding]:
    """What a document in part has that this world does not allow."""
    findings = list(find_patch_disagreements(fields))
    organizations = [each.name for each in world.organizations.values()]
    spaces = [f"{world.organizations[each.organization].name}/{each.name}" for each in world.spaces.values()]
    guids = TakenGuids(world)
    plans = [*world.service_plans, *list_plan_names(fields)]
    findings += find_platform_misfits(world, fields, guids)
    for position, organization in enumerate(fields.get("organizations", ())):
        organizations.append(organization["name"])
        spaces += [f"{organization['name']}/{space['name']}" for space in organization.get("spaces", ())]
        there = find_by_name(world.organizations.values(), organization["name"])
        findings += find_organization_misfits(world, organization, ("organizations", position), there, guids, plans)
    for group, at in list_entries(fields, "security_groups", ()):
        findings += find_unknown_places(group, at, spaces)
    users = list_entries(fields, "users", ())
    for user, at in users:
        findings += guids.check(user, at, [world.users[user["name"]]] if user["name"] in world.users else [])
        findings += find_unknown_roles(user, at, "organizations", "organization", organizations)
        findings += find_unknown_roles(user, at, "spaces", "space", spaces)
    return list(dict.fromkeys(findings))


class TakenGuids:
    """The guids of a world's entities, and those that a document gives to new ones. Processes have theirs apart."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._given: set[str] = set()

    @cached_property
    def addresses(self) -> RouteAddresses:
        """Of routes, which are found by them."""
        return RouteAddresses(self._world)

    @cached_property
    def _there(self) -> set[str]:
        world = self._world
        tables: tuple[Iterable[Any], ...] = (
            world.organizations.values(),
            world.spaces.values(),
            world.apps.values(),
            world.users.values(),
            world.isolation_segments.values(),
            world.security_groups.values(),
            world.service_offerings.values(),
            world.service_plans.values(),
            world.service_instances.values(),
            [world.default_quota],
            [each.quota for each in world.organizations.values() if each.quota is not None],
            [each.quota for each in world.spaces.values() if each.quota is not None],
        )
        return {each.guid for table in tables for each in table}

    def check(self, fields: SeedFields, path: Path, there: list[Any], kind: str = "") -> Iterator[Finding]:
        """What is wrong with the guid of one entry.

        Args:
            there: the entities that it names.
            kind: `process ` for a process.
        """
        guid = fields.get("guid")
        if guid is None:
            return
        if there or fields.get("name", fields.get("type")) == EACH:
            if [each.guid for each in there] != [guid]:
                yield Finding((*path, "guid"), KEPT_GUID_TEXT)
            return
        if kind + guid in self._given or guid in (self._world.processes if kind else self._there):
            yield Finding((*path, "guid"), f"the guid {describe_value(guid)} is taken; each is there once")
        self._given.add(kind + guid)


def find_platform_misfits(world: World, fields: SeedFields, guids: TakenGuids) -> Iterator[Finding]:
    """Guids, beside those of organizations, that are taken or that would change."""
    if "default_quota" in fields:
        yield from guids.check(fields["default_quota"], ("default_quota",), [world.default_quota])
    tables: tuple[Mapping[str, Any], ...] = (world.isolation_segments, world.security_groups, world.service_offerings)
    for key, table in zip(PLATFORM_LISTS, tables, strict=True):
        for entry, at in list_entries(fields, key, ()):
            yield from guids.check(entry, at, find_by_name(table.values(), entry["name"]))
            for plan, below in list_entries(entry, "plans", at):
                inside = (each for each in world.service_plans.values() if entry["name"] in (EACH, each.offering))
                yield from guids.check(plan, below, find_by_name(inside, plan["name"]))


def find_quota_misfits(
    fields: SeedFields, path: Path, there: Sequence[Organization | Space], guids: TakenGuids
) -> Iterator[Finding]:
    """A guid that a quota would change, or that many would have."""
    quota = fields.get("quota")
    if quota is not None and "guid" in quota:
        named = {"name": fields["name"], "guid": quota["guid"]}
        yield from guids.check(named, (*path, "quota"), [each.quota for each in there if each.quota is not None])


def find_organization_misfits(
    world: World, fields: SeedFields, path: Path, there: list[Organization], guids: TakenGuids, plans: list[str]
) -> Iterator[Finding]:
    yield from guids.check(fields, path, there)
    yield from find_quota_misfits(fields, path, there, guids)
    organizations = {each.guid for each in there}
    spaces = [each for each in world.spaces.values() if each.organization in organizations]
    inside = list_entries(fields, "spaces", path)
    if not there:
        yield from find_repeated_names(inside, "space", "name")
    for space, below in inside:
        yield from find_space_misfits(world, space, below, find_by_name(spaces, space["name"]), guids, plans)


def find_space_misfits(
    world: World, fields: SeedFields, path: Path, there: list[Space], guids: TakenGuids, plans: list[str]
) -> Iterator[Finding]:
    yield from guids.check(fields, path, there)
    yield from find_quota_misfits(fields, path, there, guids)
    services = list_entries(fields, "service_instances", path)
    if not there:
        yield from find_repeated_names(services, "service instance", "name")
    for service, at in services:
        owners = {each.guid for each in there}
        known = (each for each in world.service_instances.values() if each.space in owners)
        yield from guids.check(service, at, find_by_name(known, service["name"]))
        yield from find_unknown_plan(service, at, plans)
    inside, spaces = list_entries(fields, "apps", path), {each.guid for each in there}
    apps = [app for app in world.apps.values() if app.space in spaces] if inside and spaces else []
    by_name: dict[str, list[App]] = {EACH: apps}
    for app in apps:
        if app.name != EACH:
            by_name.setdefault(app.name, []).append(app)
    if not there:
        yield from find_repeated_names(inside, "app", "name")
    named = [(each, below, by_name.get(each["name"], [])) for each, below in inside]
    for each, below, found in named:
        yield from find_app_misfits(world, each, below, found, guids)
    yield from find_route_misfits(fields, path, there, named, guids.addresses)


def find_app_misfits(
    world: World, fields: SeedFields, path: Path, there: list[App], guids: TakenGuids
) -> Iterator[Finding]:
    yield from guids.check(fields, path, there)
    inside = list_entries(fields, "processes", path)
    if there or fields["name"] == EACH:
        yield from find_missing_deployment(world, fields, path, there)
    else:
        yield from find_app_disagreements(fields, path, {})
    for process, below in inside:
        processes: list[ProcessModel] = []
        if "guid" in process or "health_check" in process or "readiness_health_check" in process:
            all_of_apps = [each for app in there for each in world.list_app_processes(app.guid)]
            processes = [each for each in all_of_apps if process["type"] in (EACH, each.type)]
        own = process if "guid" in process or process["type"] != "web" else {"guid": fields.get("guid")}
        yield from guids.check(own if not there else process, below, processes, "process ")
        if there:
            yield from find_endpoint_misfits(process, below, processes)
    yield from find_part_misfits(world, fields, path, there)
    if there and fields.get("sidecars"):
        yield from find_sidecar_misfits(fields, path, there)


def find_missing_deployment(world: World, fields: SeedFields, path: Path, there: list[App]) -> Iterator[Finding]:
    """A deployment that is to be continued or canceled, where that one is not in flight."""
    deployment = fields.get("deployment")
    if not deployment or deployment.get("reason") not in ("DEPLOYING", "CANCELING") or deployment.keys() - CONTINUING:
        return
    flying = [app.deployment.guid for app in there if app.deployment is not None and app.guid in world.deploying_apps]
    guid = deployment.get("guid")
    if guid in flying or (guid is None and not flying):
        return
    found = "to continue or cancel a deployment, name its guid" if guid is None else f"{guid} is not in flight"
    yield Finding((*path, "deployment"), f"{found}; {', '.join(flying[:3]) or 'none'} is")


CONTINUING = frozenset({"guid", "reason", "status"})
"""The keys of a deployment that is continued or canceled; one that begins has others."""


def find_endpoint_misfits(fields: SeedFields, path: Path, there: list[ProcessModel]) -> Iterator[Finding]:
    """Health checks over HTTP that would not say what to ask for."""
    if not there:
        if fields["type"] != EACH:
            yield from find_missing_endpoints(fields, path)
        return
    for name in ("health_check", "readiness_health_check"):
        if name in fields:
            checks = (getattr(apply_fields(PROCESS, each, {name: fields[name]}), name) for each in there)
            if any(check.type == "http" and check.endpoint is None for check in checks):
                text = "a check of type http needs an endpoint in its data, such as /health"
                yield Finding((*path, name), text)


def find_sidecar_misfits(fields: SeedFields, path: Path, there: list[App]) -> Iterator[Finding]:
    """Sidecars that run beside nothing; guids that would change."""
    for app in there:
        guids = {each.name: each.guid for each in app.sidecars}
        for position, sidecar in enumerate(fields["sidecars"]):
            name, at = sidecar["name"], (*path, "sidecars", position)
            if name != EACH and name not in guids:
                if "process_types" not in sidecar:
                    yield Finding(at, MISSING_TYPES_TEXT)
                guids[name] = sidecar.get("guid")
            elif "guid" in sidecar and sidecar["guid"] != guids.get(name):
                yield Finding((*at, "guid"), KEPT_GUID_TEXT)
