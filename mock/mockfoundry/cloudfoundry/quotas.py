"""Quotas: whether a change fits its app, space and organization. Never changes anything.

Source: cloud_controller_ng, app/models/runtime/process_model.rb and app/models/runtime/constraints/.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mockfoundry.cloudfoundry.errors import UNPROCESSABLE_ENTITY, refuse
from mockfoundry.cloudfoundry.world import Process, Quota, World

if TYPE_CHECKING:
    from mockfoundry.cloudfoundry.operations.finding import Found

UNLIMITED = -1


def must_fit(world: World, found: "Found", wanted: Process) -> None:
    """Raises Refusal (422), with every limit that the wanted process would break, in the database's words."""
    problems = list(disk_problems(world, wanted))
    if found.app.state == "STARTED":
        others = [each for each in started_processes(world) if each.guid != wanted.guid]
        in_space = [each for each in others if world.apps[each.app].space == found.space.guid]
        in_organization = [
            each for each in others if world.spaces[world.apps[each.app].space].organization == found.organization.guid
        ]
        problems += quota_problems(found.space.quota, in_space, found.process, wanted, "space_", "space log rate")
        problems += quota_problems(
            found.organization.quota, in_organization, found.process, wanted, "", "organization log rate"
        )
    if problems:
        raise refuse(UNPROCESSABLE_ENTITY, ", ".join(problems))


def started_processes(world: World) -> Iterator[Process]:
    return (process for process in world.processes.values() if world.apps[process.app].state == "STARTED")


def disk_problems(world: World, wanted: Process) -> Iterator[str]:
    most = world.settings.maximum_disk_in_mb
    if wanted.disk_in_mb > most:
        yield (
            f"disk_quota too much disk requested (requested {wanted.disk_in_mb} MB - must be less than {most} MB)"
        )


def quota_problems(
    quota: Quota | None, others: list[Process], before: Process, wanted: Process, level: str, log_rate: str
) -> Iterator[str]:
    """What one quota does not allow.

    Args:
        others: the other started processes that the quota counts.
        level: what the words of a space's quota have before them.
        log_rate: the name of the log rate quota.
    """
    if quota is None:
        return
    asked = memory_of(wanted)
    if quota.total_memory_in_mb is not None and asked > memory_of(before):
        left = quota.total_memory_in_mb - sum(memory_of(each) for each in others)
        if asked > left:
            yield f"memory {level}quota_exceeded"
    if quota.per_process_memory_in_mb is not None and wanted.memory_in_mb > quota.per_process_memory_in_mb:
        yield f"memory {level}instance_memory_limit_exceeded"
    if quota.total_instances is not None and wanted.instances > before.instances:
        if wanted.instances + sum(each.instances for each in others) > quota.total_instances:
            yield f"app_instance_limit {level}app_instance_limit_exceeded"
    limit = quota.log_rate_limit_in_bytes_per_second
    if limit is not None and limit != UNLIMITED:
        rate = wanted.log_rate_limit_in_bytes_per_second
        used = sum(log_rate_of(each) for each in others)
        if rate == UNLIMITED or used + log_rate_of(wanted) > limit:
            yield f"log_rate_limit exceeds {log_rate} quota"


def memory_of(process: Process) -> int:
    return process.memory_in_mb * process.instances


def log_rate_of(process: Process) -> int:
    return max(0, process.log_rate_limit_in_bytes_per_second) * process.instances
