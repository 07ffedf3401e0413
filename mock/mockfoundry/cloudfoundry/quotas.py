"""Quotas: whether a process of a started app fits its space and its organization. Never changes anything.

Source: cloud_controller_ng, app/models/runtime/constraints/ (max_memory_policy, max_app_instances_policy,
max_log_rate_limit_policy), app/models/runtime/space.rb and organization.rb. Quotas are asked at every save of such a
process, so one in a space that is over its quota is refused whatever does not free enough.
"""

from typing import NamedTuple

from mockfoundry.cloudfoundry.entities import UNLIMITED, Organization, Process, Quota, Space
from mockfoundry.cloudfoundry.world import UNUSED, Usage, World


class Fault(NamedTuple):
    """What the model minds.

    Attributes:
        column: of the database, which the real one names.
        text: what it says of that.
        limit: whose limit it is, what is used of it and what was asked for, which the real one does not tell.
    """

    column: str
    text: str
    limit: str = ""


Target = tuple[Quota, Usage, str, str]
"""A quota, what is used of it, what its words have before them, and what it is the quota of."""


def quota_faults(
    world: World, space: Space, organization: Organization, before: Process | None, after: Process
) -> list[Fault]:
    """Every limit that a process of a started app breaks, in the order in which they are checked.

    Args:
        before: as it is stored, and counted in what is used; None where its app was not started.
    """
    targets: list[Target] = []
    if space.quota is not None:
        targets.append((space.quota, world.usage.get(space.guid, UNUSED), "space_", f"space '{space.name}'"))
    if organization.quota is not None:
        used = world.usage.get(organization.guid, UNUSED)
        targets.append((organization.quota, used, "", f"organization '{organization.name}'"))
    memory, instances = after.memory_in_mb * after.instances, after.instances
    if before is not None:
        memory -= before.memory_in_mb * before.instances
        instances -= before.instances
    faults: list[Fault] = []
    for quota, used, prefix, named in targets:
        limit = quota.total_memory_in_mb
        if limit is not None and limit - used.memory < memory:
            why = f"{named} has {limit} MB, {used.memory} used, {memory} more asked for"
            faults.append(Fault("memory", f"{prefix}quota_exceeded", why))
    targets.reverse()
    for quota, _, prefix, named in targets:
        limit = quota.per_process_memory_in_mb
        if limit is not None and after.memory_in_mb > limit:
            why = f"{named} allows {limit} MB for an instance, {after.memory_in_mb} asked for"
            faults.append(Fault("memory", f"{prefix}instance_memory_limit_exceeded", why))
    for quota, used, prefix, named in targets:
        limit = quota.total_instances
        if limit is not None and used.instances + instances > limit:
            why = f"{named} has {limit} instances, {used.instances} used, {instances} more asked for"
            faults.append(Fault("app_instance_limit", f"{prefix}app_instance_limit_exceeded", why))
    rate = after.log_rate_limit_in_bytes_per_second
    if before is None or instances or before.log_rate_limit_in_bytes_per_second != rate:
        for quota, used, _, named in reversed(targets):
            limit = quota.log_rate_limit_in_bytes_per_second
            if limit is not None:
                faults += log_rate_faults(limit - used.log_rate, before, after, named)
    return faults


def log_rate_faults(left: int, before: Process | None, after: Process, named: str) -> list[Fault]:
    """What a limit of the log rate does not allow; unlimited counts as -1 [process_log_rate_limit_calculator.rb]."""
    rate = after.log_rate_limit_in_bytes_per_second
    if rate == UNLIMITED:
        faults = [Fault("log_rate_limit", f"cannot be unlimited in {named}.", f"{named} has a limit")]
        more = UNLIMITED
    else:
        faults = []
        more = rate * after.instances
        if before is not None and before.log_rate_limit_in_bytes_per_second != UNLIMITED:
            more -= before.log_rate_limit_in_bytes_per_second * before.instances
    if left < more:
        why = f"{named} has {left} bytes per second left, {more} more asked for"
        faults.append(Fault("log_rate_limit", f"exceeds {named.partition(' ')[0]} log rate quota", why))
    return faults
