"""Forms: the keys of a seed file and what each may hold, as tables. Never looks from one entity at another."""

from collections.abc import Callable, Mapping
from typing import Any

from mockfoundry.cloudfoundry.entities import LARGEST_INTEGER, LARGEST_LONG
from mockfoundry.cloudfoundry.messages.metadata import key_fault, value_fault
from mockfoundry.cloudfoundry.seeds.shapes import (
    Faults,
    Path,
    Read,
    Record,
    either,
    flag,
    items,
    microseconds,
    moment,
    nullable,
    number,
    one_of,
    seconds,
    table,
    text,
    whole,
    wrong,
)

FEATURE_FLAGS: Mapping[str, bool] = {
    "user_org_creation": False,
    "private_domain_creation": True,
    "app_bits_upload": True,
    "app_scaling": True,
    "route_creation": True,
    "service_instance_creation": True,
    "diego_docker": False,
    "diego_cnb": False,
    "set_roles_by_username": True,
    "unset_roles_by_username": True,
    "task_creation": True,
    "env_var_visibility": True,
    "space_scoped_private_broker_creation": True,
    "space_developer_env_var_visibility": True,
    "service_instance_sharing": False,
    "hide_marketplace_from_unauthenticated_users": False,
    "resource_matching": True,
    "route_sharing": False,
    "hash_based_routing": False,
}
"""Every feature flag and what it is unless somebody says otherwise [app/models/runtime/feature_flag.rb]."""

ORGANIZATION_ROLES = (
    "organization_user",
    "organization_auditor",
    "organization_manager",
    "organization_billing_manager",
)
SPACE_ROLES = ("space_developer", "space_supporter", "space_manager", "space_auditor")
SCOPES = tuple(f"cloud_controller.{scope}" for scope in ("admin", "admin_read_only", "global_auditor", "read", "write"))

EACH = "*"
"""In place of a name: each one that is there (in `given:` only)."""

guid = text(1, 255, r"[A-Za-z0-9_-]+", "a guid: 1 to 255 letters, digits, '-' or '_'")
name = text()
count = whole(0, LARGEST_INTEGER)
positive = whole(1, LARGEST_INTEGER)
limit = nullable(count)
when = moment


def is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def index(value: Any, path: Path, faults: Faults) -> Any:
    """The index of an instance, a key of a mapping: a whole number, or the text of one."""
    digits = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(digits, str) and digits.isascii() and digits.isdigit() and int(digits[:12]) < LARGEST_INTEGER:
        return int(digits)
    return wrong(faults, path, value, "the index of an instance: 0, 1, 2, …")


LIFE = {"guid": guid, "created_at": when, "updated_at": when}

RATE_LIMIT = Record(
    "a rate limit",
    {
        "requests": count,
        "unauthenticated": count,
        "admins": limit,
        "interval_seconds": number(1, 31_536_000),
    },
    ("requests",),
)

SETTINGS = Record(
    "settings",
    {
        "start_seconds": seconds,
        "stop_seconds": seconds,
        "deployment_seconds": seconds,
        "crash_seconds": nullable(seconds),
        "stale_seconds": seconds,
        "platform": one_of("available", "unavailable"),
        "metrics": one_of("available", "unavailable"),
        "rate_limit": nullable(either(is_mapping, RATE_LIMIT, count)),
        "maximum_disk_in_mb": positive,
        "maximum_health_check_timeout_in_seconds": positive,
        "allowed_process_users": items(name),
    },
)

FLAG = Record("a feature flag", {"enabled": flag, "error_message": nullable(text(1, 1000))}, ("enabled",))

QUOTA = Record(
    "a quota",
    {
        "total_memory_in_mb": limit,
        "per_process_memory_in_mb": limit,
        "total_instances": limit,
        "log_rate_limit_in_bytes_per_second": nullable(whole(0, LARGEST_LONG)),
    },
)

CHECK_DATA: dict[str, Read] = {
    "invocation_timeout": nullable(positive),
    "interval": nullable(positive),
    "endpoint": nullable(text(1, 255, r"/(?:[^\s/]\S*)?", "a URI path such as /health")),
}
CHECK_TYPE = one_of("port", "process", "http")
HEALTH_CHECK_DATA = Record("a health check's data", {"timeout": nullable(positive), **CHECK_DATA})
READINESS_CHECK_DATA = Record("a readiness health check's data", CHECK_DATA)
HEALTH_CHECK = Record("a health check", {"type": CHECK_TYPE, "data": HEALTH_CHECK_DATA})
READINESS_CHECK = Record("a readiness health check", {"type": CHECK_TYPE, "data": READINESS_CHECK_DATA})


def judged(judge: Callable[[str], str], kind: str) -> Read:
    """Text that the Cloud Controller's own rule for metadata takes."""

    def read(value: Any, path: Path, faults: Faults) -> Any:
        fault = judge(value) if isinstance(value, str) else "it must be text"
        return wrong(faults, path, value, f"{kind}: {fault}") if fault else value

    return read


METADATA = Record(
    "metadata",
    {
        "labels": table(judged(key_fault, "the key of a label"), judged(value_fault, "the value of a label")),
        "annotations": table(judged(key_fault, "the key of an annotation"), text(0, 5000)),
    },
)

STATE = one_of("RUNNING", "STARTING", "CRASHED", "DOWN")
HELD_STATE = Record("an instance's state", {"state": STATE, "details": nullable(text(1, 1000))}, ("state",))
INSTANCE_STATE = either(is_mapping, HELD_STATE, STATE)

CORES = number(0, 1_000_000)
STEP = Record("a step of a load", {"at": microseconds, "total_cpu": CORES}, ("at", "total_cpu"))
SINE = Record("a sine", {"mean": CORES, "amplitude": CORES, "period": microseconds}, ("mean", "amplitude", "period"))
OVERLOAD = Record("an overload", {"crash_above": CORES})
LOAD = Record(
    "a load",
    {
        "total_cpu": CORES,
        "steps": items(STEP, 1000),
        "sine": SINE,
        "memory_per_cpu_in_mb": count,
        "overload": OVERLOAD,
    },
)

PROCESS = Record(
    "a process",
    {
        **LIFE,
        "type": text(1, 255, r"[^/\x00-\x1f]+", "a process type: 1 to 255 signs without '/'"),
        "version": guid,
        "instances": count,
        "memory_in_mb": positive,
        "disk_in_mb": positive,
        "log_rate_limit_in_bytes_per_second": whole(-1, LARGEST_LONG),
        "command": nullable(text(0, 4096)),
        "user": nullable(name),
        "revision": nullable(guid),
        "registry_credential": nullable(guid),
        "registry_credential_last_synced_at": nullable(when),
        "health_check": HEALTH_CHECK,
        "readiness_health_check": READINESS_CHECK,
        "metadata": METADATA,
        "instance_states": table(index, INSTANCE_STATE),
        "crash_after": nullable(microseconds),
        "starts": flag,
        "ready": flag,
        "placement_error": nullable(text(1, 1000)),
        "load": nullable(LOAD),
    },
    ("type",),
)

SIDECAR = Record(
    "a sidecar",
    {
        **LIFE,
        "name": name,
        "process_types": items(name),
        "memory_in_mb": nullable(positive),
        "command": text(1, 4096),
    },
    ("name", "process_types"),
)

DEPLOYMENT = Record(
    "a deployment",
    {
        "guid": guid,
        "created_at": when,
        "strategy": one_of("rolling", "canary", "recreate"),
        "status": one_of("ACTIVE"),
        "reason": one_of("DEPLOYING", "PAUSED", "CANCELING"),
        "seconds": nullable(microseconds),
    },
)

DROPLET = Record("a droplet", {**LIFE, "process_types": table(name, text(0, 4096))})

APP = Record(
    "an app",
    {
        **LIFE,
        "name": name,
        "state": one_of("STARTED", "STOPPED"),
        "lifecycle": one_of("buildpack", "cnb", "docker"),
        "droplet": nullable(DROPLET),
        "revision": nullable(guid),
        "deployment": nullable(DEPLOYMENT),
        "sidecars": items(SIDECAR),
        "processes": items(PROCESS),
    },
    ("name",),
)

SPACE = Record(
    "a space",
    {
        **LIFE,
        "name": name,
        "suspended": flag,
        "being_deleted": flag,
        "quota": nullable(QUOTA),
        "isolation_segment": nullable(name),
        "apps": items(APP),
    },
    ("name",),
)

ORGANIZATION = Record(
    "an organization",
    {
        **LIFE,
        "name": name,
        "suspended": flag,
        "being_deleted": flag,
        "quota": nullable(QUOTA),
        "spaces": items(SPACE),
    },
    ("name",),
)

USER = Record(
    "a user",
    {
        "guid": guid,
        "name": name,
        "scopes": items(one_of(*SCOPES)),
        "organizations": table(name, items(one_of(*ORGANIZATION_ROLES))),
        "spaces": table(text(1, 511), items(one_of(*SPACE_ROLES))),
    },
    ("name",),
)

SEED = Record(
    "a seed",
    {
        "settings": SETTINGS,
        "feature_flags": Record(
            "the list of feature flags", {each: either(is_mapping, FLAG, flag) for each in FEATURE_FLAGS}
        ),
        "organizations": items(ORGANIZATION),
        "users": items(USER),
    },
)
"""A whole seed; `given:` has the same form, and is merged into the world that is there."""
