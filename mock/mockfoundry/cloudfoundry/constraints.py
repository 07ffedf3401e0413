"""Constraints: what must hold of a process whenever it is saved, by scale, update or start. Never changes anything.

Quotas are checked at every save of a process of a started app. So in a space that is over its quota, every save is
refused that does not free enough.

Source: cloud_controller_ng, app/models/runtime/: process_model.rb (`validation_policies`), constraints/
(max_memory_policy, max_app_instances_policy, max_log_rate_limit_policy), space.rb and organization.rb.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from mockfoundry.cloudfoundry.errors import UNPROCESSABLE_ENTITY, Refusal
from mockfoundry.cloudfoundry.model import DEFAULT_USER, UNLIMITED, App, HealthCheck, ProcessModel
from mockfoundry.cloudfoundry.organizations import Organization, Quota, Space
from mockfoundry.cloudfoundry.world import NO_USAGE, QuotaUsage, World


class ConstraintViolation(NamedTuple):
    """One constraint that a process breaks.

    Attributes:
        column: the database column that the Cloud Controller names.
        text: what it says of that column.
        limit: whose limit it is, how much of it is used and how much was asked for, which only `X-Mock-Why` says.
    """

    column: str
    text: str
    limit: str = ""


QuotaTarget = tuple[Quota, QuotaUsage, str, str]
"""A quota, what is used of it, what the names of its errors begin with, and its owner: `space 'dev'`."""


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
        app: as it would be after the change.
        was_started: whether the app was started before, where it is to be.

    Raises:
        Refusal: 422, with every violation, as the database's columns and texts.
    """
    settings = world.settings
    violations: list[ConstraintViolation] = []
    if app.state == "STARTED" and (
        organization.quota is not None or space.quota is not None or world.default_quota.limits_processes
    ):
        violations = find_quota_violations(world, space, organization, before if was_started else None, after)
    if after.disk_in_mb > settings.maximum_disk_in_mb:
        violations.insert(0, build_disk_violation(after.disk_in_mb, settings.maximum_disk_in_mb))
    check, readiness = after.health_check, after.readiness_health_check
    if check.timeout is not None or check.type == "http":
        violations += find_health_check_violations("", check, settings.maximum_health_check_timeout_in_seconds)
    if readiness.type == "http":
        violations += find_health_check_violations("readiness ", readiness, None)
    if after.user is not None:
        violations += find_user_violations(after.user, settings.allowed_process_users)
    if app.sidecars and before.memory_in_mb != after.memory_in_mb:
        require_room_for_sidecars(app, after)
    if violations:
        detail = format_violations(violations)
        limits = "; ".join(each.limit for each in violations if each.limit)
        raise Refusal(UNPROCESSABLE_ENTITY, detail, f"world: {detail}{f' ({limits})' if limits else ''}")


def format_violations(violations: list[ConstraintViolation]) -> str:
    """Violations as one text, grouped by column in the order in which the columns first occur."""
    columns = dict.fromkeys(each.column for each in violations)
    return ", ".join(f"{column} {each.text}" for column in columns for each in violations if each.column == column)


# Quotas


def find_quota_violations(
    world: World, space: Space, organization: Organization, before: ProcessModel | None, after: ProcessModel
) -> list[ConstraintViolation]:
    """Every limit that a process of a started app breaks, in the order in which they are checked.

    Args:
        before: as it is stored and counted in the usage; None if its app was not started.
    """
    targets: list[QuotaTarget] = []
    if space.quota is not None:
        usage = world.usage.get(space.guid, NO_USAGE)
        targets.append((space.quota, usage, "space_", f"space '{space.name}'"))
    usage = world.usage.get(organization.guid, NO_USAGE)
    targets.append((world.quota_of(organization), usage, "", f"organization '{organization.name}'"))
    memory, instances = after.memory_in_mb * after.instances, after.instances
    if before is not None:
        memory -= before.memory_in_mb * before.instances
        instances -= before.instances
    violations: list[ConstraintViolation] = []
    for quota, usage, prefix, owner in targets:
        limit = quota.total_memory_in_mb
        if limit is not None and limit - usage.memory < memory:
            why = f"{owner} has {limit} MB, {usage.memory} used, {memory} more asked for"
            violations.append(ConstraintViolation("memory", f"{prefix}quota_exceeded", why))
    # The Cloud Controller checks these two limits of the organization before those of the space.
    targets.reverse()
    for quota, _, prefix, owner in targets:
        limit = quota.per_process_memory_in_mb
        if limit is not None and after.memory_in_mb > limit:
            why = f"{owner} allows {limit} MB for an instance, {after.memory_in_mb} asked for"
            violations.append(ConstraintViolation("memory", f"{prefix}instance_memory_limit_exceeded", why))
    for quota, usage, prefix, owner in targets:
        limit = quota.total_instances
        if limit is not None and usage.instances + instances > limit:
            why = f"{owner} has {limit} instances, {usage.instances} used, {instances} more asked for"
            violations.append(ConstraintViolation("app_instance_limit", f"{prefix}app_instance_limit_exceeded", why))
    log_rate = after.log_rate_limit_in_bytes_per_second
    if before is None or instances or before.log_rate_limit_in_bytes_per_second != log_rate:
        for quota, usage, _, owner in reversed(targets):
            limit = quota.log_rate_limit_in_bytes_per_second
            if limit is not None:
                violations += find_log_rate_violations(limit - usage.log_rate, before, after, owner)
    return violations


def find_log_rate_violations(
    remaining: int, before: ProcessModel | None, after: ProcessModel, owner: str
) -> list[ConstraintViolation]:
    """The violations of a limited log rate; unlimited counts as -1 [process_log_rate_limit_calculator.rb].

    Args:
        remaining: bytes per second of the quota that are not used.
    """
    log_rate = after.log_rate_limit_in_bytes_per_second
    if log_rate == UNLIMITED:
        text = f"cannot be unlimited in {owner}."
        violations = [ConstraintViolation("log_rate_limit", text, f"{owner} has a limit")]
        more = UNLIMITED
    else:
        violations = []
        more = log_rate * after.instances
        if before is not None and before.log_rate_limit_in_bytes_per_second != UNLIMITED:
            more -= before.log_rate_limit_in_bytes_per_second * before.instances
    if remaining < more:
        why = f"{owner} has {remaining} bytes per second left, {more} more asked for"
        text = f"exceeds {owner.partition(' ')[0]} log rate quota"
        violations.append(ConstraintViolation("log_rate_limit", text, why))
    return violations


# Limits of the platform


def build_disk_violation(requested: int, maximum: int) -> ConstraintViolation:
    text = f"too much disk requested (requested {requested} MB - must be less than {maximum} MB)"
    return ConstraintViolation("disk_quota", text, "settings.maximum_disk_in_mb")


def find_health_check_violations(
    kind: str, check: HealthCheck, maximum_timeout: int | None
) -> Iterator[ConstraintViolation]:
    column = f"{kind}health_check".replace(" ", "_")
    if maximum_timeout is not None and check.timeout is not None and check.timeout > maximum_timeout:
        yield ConstraintViolation(f"{column}_timeout", f"Maximum exceeded: max {maximum_timeout}s")
    if check.type == "http" and not is_uri_path(check.endpoint):
        text = f"HTTP {kind}health check endpoint is not a valid URI path: {check.endpoint or ''}"
        yield ConstraintViolation(f"{column}_http_endpoint", text)


def find_user_violations(user: str, allowed: tuple[str, ...]) -> Iterator[ConstraintViolation]:
    permitted = (DEFAULT_USER, *allowed)
    if user.strip() and user.lower() not in {each.lower() for each in permitted}:
        names = ", ".join(f"'{each}'" for each in permitted)
        text = f"invalid (requested user '{user}' not allowed, permitted users are: {names})"
        yield ConstraintViolation("user", text)


SIDECARS_NEED_MORE = "The requested memory allocation is not large enough to run all of your sidecar processes"


def require_room_for_sidecars(app: App, process: ProcessModel) -> None:
    """Raises Refusal (422) where the sidecars of a process take all of its memory."""
    taken = sidecar_memory_of(app, process)
    if taken >= process.memory_in_mb:
        why = f"world: the sidecars take {taken} MB of {process.memory_in_mb}"
        raise Refusal(UNPROCESSABLE_ENTITY, SIDECARS_NEED_MORE, why)


def sidecar_memory_of(app: App, process: ProcessModel) -> int:
    """The memory that the sidecars of a process take of it, in MB."""
    return sum(each.memory_in_mb or 0 for each in app.sidecars if process.type in each.process_types)


# Ruby's `^` and `$` are the ends of a line, so one good line is enough [lib/utils/uri_utils.rb].
_URI_PATH = re.compile(r"^(?:/|/([^\s/]\S*)?)$", re.ASCII | re.MULTILINE)


def is_uri_path(value: Any) -> bool:
    """Whether the Cloud Controller takes a value for a URI path."""
    return isinstance(value, str) and _URI_PATH.search(value) is not None
