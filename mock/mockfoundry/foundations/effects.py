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

from mockfoundry.cloudfoundry.deployments import cancel_deployment
from mockfoundry.cloudfoundry.jobs import advance_world
from mockfoundry.cloudfoundry.seeds.patch import apply_world_patch
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
    changes += [
        EntityChange(name, "", one, other)
        for name in SINGLE_VALUES
        if (one := getattr(before, name)) != (other := getattr(after, name))
    ]
    return changes


def revert_changes(world: World, changes: list[EntityChange], now: int) -> None:
    """Gives every changed field its value from before, the latest change first."""
    for change in changes:
        if change.table == "apps" and change.after.deployment is not None and change.key in world.deploying_apps:
            cancel_deployment(world, change.key, now)
    for change in reversed(changes):
        if change.table in SINGLE_VALUES:
            setattr(world, change.table, restore_entity(change, getattr(world, change.table)))
            continue
        current = getattr(world, change.table).get(change.key)
        if current is None:
            continue
        if change.before is None:
            remove_added_entity(world, change.table, change.key)
        elif change.table == "processes":
            world.put_process(restore_entity(change, current), now)
        elif change.table == "apps":
            world.put_app(restore_entity(change, current))
        else:
            world.own_table(change.table)[change.key] = restore_entity(change, current)


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
        elif current[key] != after[key]:
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
    apply_due_events(foundation, now)
    scenario = compiled.scenario
    compiled_scenarios = CompiledScenarios((*foundation.compiled_scenarios.without(scenario.name), compiled))
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
