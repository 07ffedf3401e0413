"""Effects: scenarios switched on and off in a foundation, and what they change in its world. Never matches a request.

Entities are frozen values, so what a scenario changed is found by comparing tables, and can be reverted. A field that
something else has changed since keeps that later value.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.app_parts import Revision
from mockfoundry.cloudfoundry.deployments import cancel_deployment
from mockfoundry.cloudfoundry.instance_ranges import resize_ranges
from mockfoundry.cloudfoundry.jobs import advance_world
from mockfoundry.cloudfoundry.model import App, Deployment, Droplet, ProcessModel
from mockfoundry.cloudfoundry.seeds.patch import apply_world_patch
from mockfoundry.cloudfoundry.staging import droplet_guid_of, list_droplets, list_revisions
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents.problems import DocumentError
from mockfoundry.foundations.foundation import EntityChange, FoundationState
from mockfoundry.scenarios.engine import switch_off, switch_on, take_due_events
from mockfoundry.scenarios.model import Event, Scenario
from mockfoundry.scenarios.rule_index import CompiledScenario, CompiledScenarios

log = logging.getLogger("mockfoundry")

# What others name comes before them, so that it is reverted after them.
ENTITY_TABLES = (
    "isolation_segments",
    "security_groups",
    "service_offerings",
    "service_plans",
    "feature_flags",
    "organizations",
    "spaces",
    "apps",
    "processes",
    "routes",
    "users",
    "service_instances",
    "clients",
)
SINGLE_VALUES = ("settings", "default_quota")
"""What a world has one of."""


def compare_worlds(before: World, after: World) -> list[EntityChange]:
    """The entities that differ in `after`, a world that began as a copy of `before`."""
    changes = [
        EntityChange(table, key, entities.get(key), value)
        for table in ENTITY_TABLES
        if (entities := getattr(before, table)) is not getattr(after, table)
        for key, value in getattr(after, table).items()
        if entities.get(key) is not value
    ]
    if before.processes is not after.processes:
        # A deployment that began takes those of the one before it away.
        changes += [
            EntityChange("processes", key, process, None)
            for key, process in before.processes.items()
            if key not in after.processes
        ]
    changes += [
        EntityChange(name, "", one, other)
        for name in SINGLE_VALUES
        if (one := getattr(before, name)) != (other := getattr(after, name))
    ]
    return changes


def revert_changes(world: World, changes: list[EntityChange], now: int) -> None:
    """Gives every changed field its value from before, the latest change first."""
    # First, since what they have moved meanwhile belongs to the processes and not to the change.
    called_off = [change for change in reversed(changes) if change.table == "apps" and call_off(world, change, now)]
    resumed = frozenset(change.key for change in called_off)
    for change in reversed(changes):
        if change.table in SINGLE_VALUES:
            setattr(world, change.table, restore_entity(change, getattr(world, change.table)))
            continue
        current = getattr(world, change.table).get(change.key)
        if change.after is None:
            if current is None and change.before.app in resumed:
                world.put_process(change.before, now)
        elif current is None:
            continue
        elif change.before is None:
            remove_added_entity(world, change.table, change.key)
        elif change.table == "processes":
            world.put_process(restore_process(world, change, current, now), now)
        elif change.table == "apps":
            world.put_app(restore_app(change, current))
        else:
            world.own_table(change.table)[change.key] = restore_entity(change, current)


def call_off(world: World, change: EntityChange, now: int) -> bool:
    """Takes back the deployment that a change of an app began, if it is the app's latest; gives whether it did.

    Nothing tells of it any more, and the one that it ended is in flight again.
    """
    app = world.apps.get(change.key)
    begun = change.after.deployment
    had = None if change.before is None else change.before.deployment
    if app is None or app.deployment is None or begun is None or app.deployment.guid != begun.guid:
        return False
    if change.key not in world.deploying_apps or (had is not None and had.guid == begun.guid):
        return False
    cancel_deployment(world, change.key, now)
    kept = tuple(each for each in world.list_deployments(change.key) if each.guid != begun.guid)
    world.own_table("deployments")[change.key] = kept
    world.put_app(msgspec.structs.replace(world.apps[change.key], deployment=had))
    return True


def restore_app(change: EntityChange, current: App) -> App:
    """An app as it is without a change.

    Its current droplet is one of its droplets, so they are restored together. A deployment is restored as a whole.
    """
    before, after = change.before, change.after
    deployment = before.deployment if current.deployment == after.deployment else current.deployment
    by_guid = [{droplet.guid: droplet for droplet in list_droplets(app)} for app in (before, after, current)]
    droplets = restore_mapping(*by_guid)
    droplet = before.droplet if guid_of(current.droplet) == guid_of(after.droplet) else current.droplet
    if droplet is not None:
        droplet = droplets.get(droplet.guid, droplet)
    others = tuple(each for each in droplets.values() if each.guid != guid_of(droplet))
    is_later = deployment is not None and guid_of(deployment) not in (
        guid_of(before.deployment),
        guid_of(after.deployment),
    )
    if deployment is not None and is_later and deployment.previous_droplet == guid_of(after.droplet):
        # It goes back there where it is canceled.
        deployment = msgspec.structs.replace(deployment, previous_droplet=guid_of(before.droplet))
    restored: App = restore_entity(change, current)
    return msgspec.structs.replace(
        restored,
        deployment=deployment,
        droplet=droplet,
        droplets=others,
        revisions=restore_revisions(before, after, current),
    )


def restore_revisions(before: App, after: App, current: App) -> tuple[Revision, ...]:
    """The revisions of an app as they are without a change.

    One that was made to say itself what it ran, while the app had the change, says what it would without that.
    """
    if current.revisions == after.revisions:
        return before.revisions
    held = {revision.guid: revision for revision in current.revisions}
    by_guid = [
        {each.guid: state_contents(app, each, held.get(each.guid)) for each in list_revisions(app)}
        for app in (before, after, current)
    ]
    stated = held.keys() | {revision.guid for revision in before.revisions}
    return tuple(each for each in restore_mapping(*by_guid).values() if each.guid in stated)


def state_contents(app: App, revision: Revision, held: Revision | None) -> Revision:
    """A revision of an app that says itself what the later one `held` does: its droplet, and its variables."""
    if held is None:
        return revision
    droplet, variables = revision.droplet, revision.environment_variables
    if held.droplet is not None:
        droplet = droplet_guid_of(app, revision)
    if held.environment_variables is not None and variables is None:
        variables = dict(app.environment_variables or {})
    return msgspec.structs.replace(revision, droplet=droplet, environment_variables=variables)


def restore_process(world: World, change: EntityChange, current: ProcessModel, now: int) -> ProcessModel:
    """A process as it is without a change; its instances are as many as it says, where something else moved them."""
    restored: ProcessModel = restore_entity(change, current)
    moved = restored.instance_ranges == current.instance_ranges and world.apps[current.app].state == "STARTED"
    if not moved or restored.instances == current.instances:
        return restored
    ranges, stopping = resize_ranges(world, current, restored.instances, now)
    return msgspec.structs.replace(restored, instance_ranges=ranges, stopping_ranges=stopping)


def guid_of(value: Droplet | Deployment | None) -> str | None:
    return None if value is None else value.guid


def restore_entity(change: EntityChange, current: Any) -> Any:
    """An entity with its values from before the change in all that still has the change's."""
    return restore_value(change.before, change.after, current)


def restore_value(before: Any, after: Any, current: Any) -> Any:
    """A value as it is without a change: what the change made is as before, what something else made since stays.

    Entities are compared field by field, mappings key by key, and lists of entities by their guids.

    Args:
        before, after: the change.
    """
    if current is after or current == after:
        return before
    if before == after:
        return current
    if isinstance(current, dict) and isinstance(after, dict) and isinstance(before, dict | None):
        return restore_mapping(before or {}, after, current)
    if isinstance(current, msgspec.Struct) and type(before) is type(after) is type(current):
        names = current.__struct_fields__
        return msgspec.structs.replace(
            current,
            **{
                name: restore_value(getattr(before, name), getattr(after, name), getattr(current, name))
                for name in names
                if getattr(before, name) != getattr(after, name)
            },
        )
    if all(map(is_list_of_entities, (before, after, current))):
        by_guid = ({entity.guid: entity for entity in entities} for entities in (before, after, current))
        return tuple(restore_mapping(*by_guid).values())
    return current


def restore_mapping(before: dict[str, Any], after: dict[str, Any], current: dict[str, Any]) -> dict[str, Any]:
    """The same for a mapping; what the change took away comes back in its place."""
    restored: dict[str, Any] = {}
    for key in (*before, *(key for key in current if key not in before)):
        if key not in after:
            restored[key] = current.get(key, before.get(key))
        elif key not in current:
            # Something else has taken it away since.
            continue
        elif key in before:
            restored[key] = restore_value(before[key], after[key], current[key])
        elif current[key] != after[key] and not hasattr(current[key], "guid"):
            # An entity that the change added goes with it, whatever was done to it, as those of the tables do.
            restored[key] = current[key]
    return restored


def is_list_of_entities(value: Any) -> bool:
    return isinstance(value, tuple) and all(hasattr(entity, "guid") for entity in value)


def remove_added_entity(world: World, table: str, key: str) -> None:
    """Removes an entity that a scenario had added, unless others now depend on it."""
    if table == "processes":
        process = world.processes[key]
        # A deployment that is over has left its new process as the only one of its type.
        if sum(each.type == process.type for each in world.list_app_processes(process.app)) > 1:
            world.remove_process(key)
    elif table == "apps":
        world.remove_app(key)
    elif not is_named(world, table, key):
        world.own_table(table).pop(key, None)


def is_named(world: World, table: str, name: str) -> bool:
    """Whether an entity that others name is named by one."""
    if table == "isolation_segments":
        organizations, spaces = world.organizations.values(), world.spaces.values()
        return any(name in (*each.isolation_segments, each.default_isolation_segment) for each in organizations) or any(
            name == each.isolation_segment for each in spaces
        )
    if table == "spaces":
        apps, instances, routes = world.apps.values(), world.service_instances.values(), world.routes.values()
        return any(name == each.space for inside in (apps, instances, routes) for each in inside)
    if table == "organizations":
        return any(name == each.organization for each in world.spaces.values())
    if table == "service_plans":
        return any(each.plan == name for each in world.service_instances.values())
    return table == "service_offerings" and any(each.offering == name for each in world.service_plans.values())


def switch_scenario_on(foundation: FoundationState, compiled: CompiledScenario, now: int) -> None:
    """Switches a scenario on, or begins it again; requests are matched with it after those that are on already.

    Args:
        now: virtual microseconds.

    Raises:
        DocumentError: its `given` does not fit this world; nothing is changed.
    """
    others = foundation.compiled_scenarios.without(compiled.scenario.name)
    begin_among(foundation, compiled.scenario, CompiledScenarios((*others, compiled)), now)


def begin_in_its_place(foundation: FoundationState, compiled: CompiledScenario, now: int) -> None:
    """Begins a scenario where the one of its name stands among those that are on.

    Args:
        now: virtual microseconds.

    Raises:
        DocumentError: its `given` does not fit this world; nothing is changed.
    """
    name, playing = compiled.scenario.name, foundation.compiled_scenarios.compiled
    lineup = CompiledScenarios(compiled if each.scenario.name == name else each for each in playing)
    begin_among(foundation, compiled.scenario, lineup, now)


def begin_among(
    foundation: FoundationState, scenario: Scenario, compiled_scenarios: CompiledScenarios, now: int
) -> None:
    """Begins a scenario, with which these are on then.

    Raises:
        DocumentError: its `given` does not fit this world; nothing is changed.
    """
    apply_due_events(foundation, now)
    world, changes = foundation.world, foundation.changes.get(scenario.name)
    if changes is not None:
        foundation.world = world.copy()
        revert_changes(foundation.world, foundation.changes.pop(scenario.name), now)
    try:
        begin_scenario(foundation, scenario, now)
    except DocumentError:
        foundation.world = world
        if changes is not None:
            foundation.changes[scenario.name] = changes
        raise
    foundation.compiled_scenarios = compiled_scenarios


def begin_scenario(foundation: FoundationState, scenario: Scenario, now: int) -> None:
    """Starts the time of a scenario, and changes the world as its `given` says."""
    if scenario.given:
        record_world_change(foundation, scenario.name, scenario.given, now)
    switch_on(foundation.progress, scenario, now)


def switch_scenario_off(foundation: FoundationState, name: str, now: int) -> bool:
    """Switches a scenario off and reverts what it changed; gives whether it was on."""
    others = foundation.compiled_scenarios.without(name)
    if len(others) == len(foundation.compiled_scenarios.scenarios):
        return False
    foundation.compiled_scenarios = CompiledScenarios(others)
    switch_off(foundation.progress, name)
    revert_changes(foundation.world, foundation.changes.pop(name, []), now)
    return True


def apply_due_events(foundation: FoundationState, now: int) -> None:
    """Applies what is due by now of the scenarios that are on: their events, and the reverting at their ends."""
    compiled_scenarios, progress = foundation.compiled_scenarios, foundation.progress
    due = take_due_events(compiled_scenarios, progress, now) if compiled_scenarios.events else ()
    for name, events in groupby(due, key=lambda each: each[0]):
        apply_events(foundation, name, [event for _, event in events], now)
    if foundation.changes:
        for scenario in compiled_scenarios.scenarios:
            since = progress.since.get(scenario.name)
            if scenario.for_ is not None and since is not None and now >= since + scenario.for_:
                revert_changes(foundation.world, foundation.changes.pop(scenario.name, []), now)


def apply_events(foundation: FoundationState, name: str, events: list[Event], now: int) -> None:
    """Applies events of one scenario, each at its own moment.

    The world is compared once for all of them: to compare it takes long where it is large and they are many. Only where
    something else may move between two of them, it is compared in between, so that this is not taken for their doing.
    """
    since = foundation.progress.since.get(name, now)
    moments = [min(now, since + event.at) for event in events]
    advance_world(foundation.world, moments[0])
    before = foundation.world.copy()
    changes: list[EntityChange] = []
    for event, moment in zip(events, moments, strict=True):
        if foundation.world.deploying_apps or foundation.world.waiting_jobs:
            changes += compare_worlds(before, foundation.world)
            advance_world(foundation.world, moment)
            before = foundation.world.copy()
        try:
            apply_world_patch(foundation.world, event.given, moment)
        except DocumentError as error:
            # It fitted when the scenario was switched on; the world was replaced since.
            log.warning("scenario %s: an event was left out, since it does not fit the world any more: %s", name, error)
    changes += compare_worlds(before, foundation.world)
    foundation.changes.setdefault(name, []).extend(changes)


def record_world_change(foundation: FoundationState, name: str, given: object, now: int) -> None:
    """Changes the world as a `given` says, and remembers what that changed, so that it can be reverted."""
    changes = change_world(foundation, given, now)
    foundation.changes.setdefault(name, []).extend(changes)


def change_world(foundation: FoundationState, given: object, now: int) -> list[EntityChange]:
    """Changes the world as a `given` says, in a seed file's keys; gives what that changed."""
    advance_world(foundation.world, now)
    before = foundation.world.copy()
    apply_world_patch(foundation.world, given, now)
    return compare_worlds(before, foundation.world)


@contextmanager
def temporarily_applied(foundation: FoundationState, scenario: Scenario, now: int) -> Iterator[None]:
    """Changes the world as a scenario says, for one exchange; what the exchange itself changes stays."""
    changes = change_world(foundation, scenario.given, now)
    try:
        yield
    finally:
        revert_changes(foundation.world, changes, now)
