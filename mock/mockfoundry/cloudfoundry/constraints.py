"""Quotas: whether a process of a started app fits its space and its organization. Never changes anything.

Source: cloud_controller_ng, app/models/runtime/constraints/ (max_memory_policy, max_app_instances_policy,
max_log_rate_limit_policy), app/models/runtime/space.rb and organization.rb. Quotas are asked at every save of such a
process, so one in a space that is over its quota is refused whatever does not free enough.

Saving: what the model checks of a process whenever it is saved, by scale, update or start. Never changes anything.

Source: cloud_controller_ng, app/models/runtime/process_model.rb (`validation_policies`) and
app/models/runtime/constraints/.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from mockfoundry.cloudfoundry.errors import UNPROCESSABLE_ENTITY, refuse
from mockfoundry.cloudfoundry.model import UNLIMITED, App, HealthCheck, Organization, ProcessModel, Quota, Space
from mockfoundry.cloudfoundry.world import NO_USAGE, QuotaUsage, World


class ConstraintViolation(NamedTuple):
    """What the model minds.

    Attributes:
        column: of the database, which the real one names.
        text: what it says of that.
        limit: whose limit it is, what is used of it and what was asked for, which the real one does not tell.
    """

    column: str
    text: str
    limit: str = ""


QuotaTarget = tuple[Quota, QuotaUsage, str, str]
"""A quota, what is used of it, what its words have before them, and what it is the quota of."""


def find_quota_violations(
    world: World, space: Space, organization: Organization, before: ProcessModel | None, after: ProcessModel
) -> list[ConstraintViolation]:
    """Every limit that a process of a started app breaks, in the order in which they are checked.

    Args:
        before: as it is stored, and counted in what is used; None where its app was not started.
    """
    targets: list[QuotaTarget] = []
    if space.quota is not None:
        targets.append((space.quota, world.usage.get(space.guid, NO_USAGE), "space_", f"space '{space.name}'"))
    if organization.quota is not None:
        used = world.usage.get(organization.guid, NO_USAGE)
        targets.append((organization.quota, used, "", f"organization '{organization.name}'"))
    memory, instances = after.memory_in_mb * after.instances, after.instances
    if before is not None:
        memory -= before.memory_in_mb * before.instances
        instances -= before.instances
    faults: list[ConstraintViolation] = []
    for quota, used, prefix, named in targets:
        limit = quota.total_memory_in_mb
        if limit is not None and limit - used.memory < memory:
            why = f"{named} has {limit} MB, {used.memory} used, {memory} more asked for"
            faults.append(ConstraintViolation("memory", f"{prefix}quota_exceeded", why))
    targets.reverse()
    for quota, _, prefix, named in targets:
        limit = quota.per_process_memory_in_mb
        if limit is not None and after.memory_in_mb > limit:
            why = f"{named} allows {limit} MB for an instance, {after.memory_in_mb} asked for"
            faults.append(ConstraintViolation("memory", f"{prefix}instance_memory_limit_exceeded", why))
    for quota, used, prefix, named in targets:
        limit = quota.total_instances
        if limit is not None and used.instances + instances > limit:
            why = f"{named} has {limit} instances, {used.instances} used, {instances} more asked for"
            faults.append(ConstraintViolation("app_instance_limit", f"{prefix}app_instance_limit_exceeded", why))
    rate = after.log_rate_limit_in_bytes_per_second
    if before is None or instances or before.log_rate_limit_in_bytes_per_second != rate:
        for quota, used, _, named in reversed(targets):
            limit = quota.log_rate_limit_in_bytes_per_second
            if limit is not None:
                faults += find_log_rate_violations(limit - used.log_rate, before, after, named)
    return faults


def find_log_rate_violations(
    left: int, before: ProcessModel | None, after: ProcessModel, named: str
) -> list[ConstraintViolation]:
    """What a limit of the log rate does not allow; unlimited counts as -1 [process_log_rate_limit_calculator.rb]."""
    rate = after.log_rate_limit_in_bytes_per_second
    if rate == UNLIMITED:
        faults = [ConstraintViolation("log_rate_limit", f"cannot be unlimited in {named}.", f"{named} has a limit")]
        more = UNLIMITED
    else:
        faults = []
        more = rate * after.instances
        if before is not None and before.log_rate_limit_in_bytes_per_second != UNLIMITED:
            more -= before.log_rate_limit_in_bytes_per_second * before.instances
    if left < more:
        why = f"{named} has {left} bytes per second left, {more} more asked for"
        faults.append(ConstraintViolation("log_rate_limit", f"exceeds {named.partition(' ')[0]} log rate quota", why))
    return faults


DEFAULT_USER = "vcap"

SIDECARS_NEED_MORE = "The requested memory allocation is not large enough to run all of your sidecar processes"


def validate_model(
    world: World,
    app: App,
    space: Space,
    organization: Organization,
    before: ProcessModel,
    after: ProcessModel,
    was_started: bool = True,
) -> None:
    """Checks a new value of a process.

    Args:
        app: as it is to be.
        was_started: whether the app was started before, where it is to be.

    Raises:
        Refusal: 422, with everything that the model minds, in the database's words.
    """
    settings = world.settings
    faults: list[ConstraintViolation] = []
    if app.state == "STARTED" and (space.quota is not None or organization.quota is not None):
        faults = find_quota_violations(world, space, organization, before if was_started else None, after)
    if after.disk_in_mb > settings.maximum_disk_in_mb:
        most = settings.maximum_disk_in_mb
        asked = f"requested {after.disk_in_mb} MB - must be less than {most} MB"
        faults.insert(
            0, ConstraintViolation("disk_quota", f"too much disk requested ({asked})", "settings.maximum_disk_in_mb")
        )
    check, readiness = after.health_check, after.readiness_health_check
    if check.timeout is not None or check.type == "http":
        faults += find_health_check_violations("", check, settings.maximum_health_check_timeout_in_seconds)
    if readiness.type == "http":
        faults += find_health_check_violations("readiness ", readiness, None)
    if after.user is not None:
        faults += find_user_violations(after.user, settings.allowed_process_users)
    if (
        app.sidecars
        and before.memory_in_mb != after.memory_in_mb
        and sidecar_memory_of(app, after) >= after.memory_in_mb
    ):
        taken = f"the sidecars take {sidecar_memory_of(app, after)} MB of {after.memory_in_mb}"
        raise refuse(UNPROCESSABLE_ENTITY, SIDECARS_NEED_MORE, f"world: {taken}")
    if faults:
        words = format_violations(faults)
        limits = "; ".join(each.limit for each in faults if each.limit)
        raise refuse(UNPROCESSABLE_ENTITY, words, f"world: {words}{f' ({limits})' if limits else ''}")


def format_violations(faults: list[ConstraintViolation]) -> str:
    """Faults as one text: those of one column together, in the order of each column's first."""
    columns = dict.fromkeys(each.column for each in faults)
    return ", ".join(f"{column} {each.text}" for column in columns for each in faults if each.column == column)


def find_health_check_violations(kind: str, check: HealthCheck, longest: int | None) -> Iterator[ConstraintViolation]:
    column = f"{kind}health_check".replace(" ", "_")
    if longest is not None and check.timeout is not None and check.timeout > longest:
        yield ConstraintViolation(f"{column}_timeout", f"Maximum exceeded: max {longest}s")
    if check.type == "http" and not is_uri_path(check.endpoint):
        path = check.endpoint or ""
        yield ConstraintViolation(
            f"{column}_http_endpoint", f"HTTP {kind}health check endpoint is not a valid URI path: {path}"
        )


def find_user_violations(user: str, allowed: tuple[str, ...]) -> Iterator[ConstraintViolation]:
    permitted = (DEFAULT_USER, *allowed)
    if user.strip() and user.lower() not in {each.lower() for each in permitted}:
        names = ", ".join(f"'{each}'" for each in permitted)
        yield ConstraintViolation(
            "user", f"invalid (requested user '{user}' not allowed, permitted users are: {names})"
        )


def sidecar_memory_of(app: App, process: ProcessModel) -> int:
    """What the sidecars of a process take of its memory."""
    return sum(each.memory_in_mb or 0 for each in app.sidecars if process.type in each.process_types)


# Ruby's `^` and `$` are the ends of a line, so one good line is enough [lib/utils/uri_utils.rb].
_URI_PATH = re.compile(r"^(?:/|/([^\s/]\S*)?)$", re.ASCII | re.MULTILINE)


def is_uri_path(value: Any) -> bool:
    """Whether a value is a URI path as the Cloud Controller has it."""
    return isinstance(value, str) and _URI_PATH.search(value) is not None
