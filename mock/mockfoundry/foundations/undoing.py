"""Undoing: what a scenario changed in a world, and how it is taken back. Never decides when.

Entities are values, so what changed is seen by comparing tables; a field that something else has changed since keeps
that later value.
"""

from typing import Any

import msgspec

from mockfoundry.cloudfoundry.deployments import call_off_deployment
from mockfoundry.cloudfoundry.world import World

TABLES = ("feature_flags", "organizations", "spaces", "apps", "processes", "users")
SETTINGS = "settings"


class Change(msgspec.Struct, frozen=True):
    """One entity that a scenario changed.

    Attributes:
        table: of the world, or `settings`.
        before: its value until then; None where it was not there.
        after: its value from then on.
    """

    table: str
    key: str
    before: Any
    after: Any


def changes_between(before: World, after: World) -> list[Change]:
    """What is another value in `after`, a world that began as a copy of `before`."""
    found = [
        Change(table, key, held.get(key), value)
        for table in TABLES
        if (held := getattr(before, table)) is not getattr(after, table)
        for key, value in getattr(after, table).items()
        if held.get(key) is not value
    ]
    if before.settings != after.settings:
        found.append(Change(SETTINGS, "", before.settings, after.settings))
    return found


def take_back(world: World, changes: list[Change], now: int) -> None:
    """Gives every changed field its earlier value, the latest change first."""
    for change in changes:
        if change.table == "apps" and change.after.deployment is not None and change.key in world.deploying:
            call_off_deployment(world, change.key, now)
    for change in reversed(changes):
        if change.table == SETTINGS:
            world.settings = earlier(change, world.settings)
            continue
        current = getattr(world, change.table).get(change.key)
        if current is None:
            continue
        if change.before is None:
            remove(world, change.table, change.key)
        elif change.table == "processes":
            world.put(earlier(change, current), now)
        elif change.table == "apps":
            world.put_app(earlier(change, current))
        else:
            world.own(change.table)[change.key] = earlier(change, current)


def earlier(change: Change, current: Any) -> Any:
    """An entity with the fields that the change gave it as they were before."""
    if current is change.after:
        return change.before
    fields = {
        name: getattr(change.before, name)
        for name in current.__struct_fields__
        if getattr(change.before, name) != getattr(change.after, name)
        and getattr(current, name) == getattr(change.after, name)
    }
    return msgspec.structs.replace(current, **fields)


def remove(world: World, table: str, key: str) -> None:
    """Takes away what a scenario had added."""
    if table == "processes":
        process = world.processes[key]
        # A deployment that is over has left its new process as the only one of its type.
        if sum(each.type == process.type for each in world.app_processes(process.app)) > 1:
            world.remove(key)
    elif table == "apps" and world.processes_of.get(key):
        return
    else:
        world.own(table).pop(key, None)
