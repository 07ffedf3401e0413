"""Shapes: what a value in a seed may look like, and what is wrong with one that does not. Knows no entity.

A reader takes a value of JSON, its path and the list of faults, and gives the value as the world holds it. Where it
can't, it says why and where, and gives WRONG; the rest is read all the same, so that a file's faults are told at once.

Forms: the keys of a seed file and what each may hold, as tables. Never looks from one entity at another.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from mockfoundry.cloudfoundry.api.metadata import find_key_error, find_label_value_error
from mockfoundry.cloudfoundry.model import LARGEST_INTEGER, LARGEST_LONG
from mockfoundry.documents.problems import did_you_mean
from mockfoundry.documents.times import parse_duration

SeedPath = tuple[str | int, ...]


class SeedProblem(NamedTuple):
    """What is wrong in a document, and where: the keys and positions that lead there."""

    path: SeedPath
    text: str


SeedProblems = list[SeedProblem]
ValueReader = Callable[[Any, SeedPath, SeedProblems], Any]


class UnreadableValue:
    """In the place of a value that could not be read."""


UNREADABLE: Final = UnreadableValue()


def describe_seed_value(value: Any) -> str:
    """A value as it may stand in a line of text."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def report_unreadable(faults: SeedProblems, path: SeedPath, value: Any, allowed: str) -> UnreadableValue:
    faults.append(SeedProblem(path, f"{describe_seed_value(value)} is not {allowed}"))
    return UNREADABLE


def text_reader(least: int = 1, most: int = 255, form: str | None = None, says: str = "") -> ValueReader:
    """Text of a length, of a form where one is given."""
    pattern = re.compile(form) if form else None
    bounds = f"text of at most {most} signs" if least == 0 else f"text of {least} to {most} signs"

    def read(value: Any, path: SeedPath, faults: SeedProblems) -> Any:
        if not isinstance(value, str) or not least <= len(value) <= most:
            return report_unreadable(faults, path, value, says or bounds)
        if not value.isprintable() and pattern is None and any(sign < " " and sign not in "\n\t" for sign in value):
            return report_unreadable(faults, path, value, "text without control signs")
        if pattern is not None and not pattern.fullmatch(value):
            return report_unreadable(faults, path, value, says)
        return value

    return read


def integer_reader(least: int, most: int) -> ValueReader:
    """A whole number between bounds."""

    def read(value: Any, path: SeedPath, faults: SeedProblems) -> Any:
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        return report_unreadable(faults, path, value, f"a whole number from {least} to {most}")

    return read


def number_reader(least: float, most: float) -> ValueReader:
    """A number between bounds."""

    def read(value: Any, path: SeedPath, faults: SeedProblems) -> Any:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most:
            return float(value)
        return report_unreadable(faults, path, value, f"a number from {least:g} to {most:g}")

    return read


def read_seconds(value: Any, path: SeedPath, faults: SeedProblems) -> Any:
    """A duration as seconds: a number of them, or text with a unit."""
    span = read_microseconds(value, path, faults)
    return UNREADABLE if span is UNREADABLE else span / 1_000_000


def read_microseconds(value: Any, path: SeedPath, faults: SeedProblems) -> Any:
    """A duration as microseconds: a number of seconds, or text with a unit."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 31_536_000:
        return round(value * 1_000_000)
    try:
        return parse_duration(value if isinstance(value, str) else "")
    except ValueError:
        return report_unreadable(
            faults, path, value, "a number of seconds or a duration such as 250ms, 1.5s or 2m, up to a year"
        )


def read_timestamp(value: Any, path: SeedPath, faults: SeedProblems) -> Any:
    """A timestamp as microseconds since the epoch."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", value, re.ASCII):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            return report_unreadable(faults, path, value, "a day and time that there are")
        since = found - EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return report_unreadable(faults, path, value, "a timestamp such as 2016-03-23T18:48:22Z")


EPOCH = datetime.fromisoformat("1970-01-01T00:00:00Z")


def read_boolean(value: Any, path: SeedPath, faults: SeedProblems) -> Any:
    """True or false."""
    return value if isinstance(value, bool) else report_unreadable(faults, path, value, "true or false")


def choice_reader(*words: str) -> ValueReader:
    """One of these words."""

    def read(value: Any, path: SeedPath, faults: SeedProblems) -> Any:
        if isinstance(value, str) and value in words:
            return value
        hint = did_you_mean(value, words) if isinstance(value, str) else f"; allowed: {', '.join(words)}"
        faults.append(SeedProblem(path, f"{describe_seed_value(value)} is not allowed here{hint}"))
        return UNREADABLE

    return read


def nullable_reader(read: ValueReader) -> ValueReader:
    """Null, or what another reader reads."""

    def read_unless_null(value: Any, path: SeedPath, faults: SeedProblems) -> Any:
        return None if value is None else read(value, path, faults)

    return read_unless_null


def list_reader(read: ValueReader, most: int = 100_000) -> ValueReader:
    """A list, as a tuple of what could be read."""

    def read_items(value: Any, path: SeedPath, faults: SeedProblems) -> Any:
        if not isinstance(value, list):
            return report_unreadable(faults, path, value, "a list")
        if len(value) > most:
            return report_unreadable(faults, path, value, f"at most {most} entries long")
        found = (read(item, (*path, index), faults) for index, item in enumerate(value))
        return tuple(item for item in found if item is not UNREADABLE)

    return read_items


def mapping_reader(key: ValueReader, read: ValueReader) -> ValueReader:
    """A mapping with keys of a kind."""

    def read_table(value: Any, path: SeedPath, faults: SeedProblems) -> Any:
        if not isinstance(value, Mapping):
            return report_unreadable(faults, path, value, "a mapping")
        found = [(key(name, (*path, name), faults), read(item, (*path, name), faults)) for name, item in value.items()]
        return {name: item for name, item in found if name is not UNREADABLE and item is not UNREADABLE}

    return read_table


@dataclass(frozen=True)
class RecordReader:
    """A mapping with known keys, read as a dict of those that were given and could be read.

    Attributes:
        kind: what it is called: `a process`.
        fields: what reads the value of each key.
        required: the keys that must be there.
    """

    kind: str
    fields: Mapping[str, ValueReader]
    required: tuple[str, ...] = ()

    def __call__(self, value: Any, path: SeedPath, faults: SeedProblems) -> Any:
        if not isinstance(value, Mapping):
            return report_unreadable(faults, path, value, f"{self.kind}: it must be a mapping")
        for name in self.required:
            if name not in value:
                faults.append(SeedProblem(path, f"{self.kind} needs `{name}:`"))
        found = {}
        for name, item in value.items():
            read = self.fields.get(name)
            if read is None:
                hint = did_you_mean(str(name), self.fields)
                faults.append(SeedProblem((*path, name), f"{self.kind} has no key {name}{hint}"))
                continue
            given = read(item, (*path, name), faults)
            if given is not UNREADABLE:
                found[name] = given
        return found


def either_reader(test: Callable[[Any], bool], first: ValueReader, second: ValueReader) -> ValueReader:
    """What the first reads where the test holds for the value, else what the second reads."""

    def read(value: Any, path: SeedPath, faults: SeedProblems) -> Any:
        return (first if test(value) else second)(value, path, faults)

    return read


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

read_guid = text_reader(1, 255, r"[A-Za-z0-9_-]+", "a guid: 1 to 255 letters, digits, '-' or '_'")
read_name = text_reader()
read_count = integer_reader(0, LARGEST_INTEGER)
read_positive = integer_reader(1, LARGEST_INTEGER)
read_limit = nullable_reader(read_count)
read_instant = read_timestamp


def is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def read_index(value: Any, path: SeedPath, faults: SeedProblems) -> Any:
    """The index of an instance, a key of a mapping: a whole number, or the text of one."""
    digits = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(digits, str) and digits.isascii() and digits.isdigit() and int(digits[:12]) < LARGEST_INTEGER:
        return int(digits)
    return report_unreadable(faults, path, value, "the index of an instance: 0, 1, 2, …")


COMMON_FIELDS = {"guid": read_guid, "created_at": read_instant, "updated_at": read_instant}

RATE_LIMIT = RecordReader(
    "a rate limit",
    {
        "requests": read_count,
        "unauthenticated": read_count,
        "admins": read_limit,
        "interval_seconds": number_reader(1, 31_536_000),
    },
    ("requests",),
)

SETTINGS = RecordReader(
    "settings",
    {
        "start_seconds": read_seconds,
        "stop_seconds": read_seconds,
        "deployment_seconds": read_seconds,
        "crash_seconds": nullable_reader(read_seconds),
        "stale_seconds": read_seconds,
        "platform": choice_reader("available", "unavailable"),
        "metrics": choice_reader("available", "unavailable"),
        "rate_limit": nullable_reader(either_reader(is_mapping, RATE_LIMIT, read_count)),
        "maximum_disk_in_mb": read_positive,
        "maximum_health_check_timeout_in_seconds": read_positive,
        "allowed_process_users": list_reader(read_name),
    },
)

FEATURE_FLAG = RecordReader(
    "a feature flag", {"enabled": read_boolean, "error_message": nullable_reader(text_reader(1, 1000))}, ("enabled",)
)

QUOTA = RecordReader(
    "a quota",
    {
        "total_memory_in_mb": read_limit,
        "per_process_memory_in_mb": read_limit,
        "total_instances": read_limit,
        "log_rate_limit_in_bytes_per_second": nullable_reader(integer_reader(0, LARGEST_LONG)),
    },
)

CHECK_DATA: dict[str, ValueReader] = {
    "invocation_timeout": nullable_reader(read_positive),
    "interval": nullable_reader(read_positive),
    "endpoint": nullable_reader(text_reader(1, 255, r"/(?:[^\s/]\S*)?", "a URI path such as /health")),
}
CHECK_TYPE = choice_reader("port", "process", "http")
HEALTH_CHECK_DATA = RecordReader("a health check's data", {"timeout": nullable_reader(read_positive), **CHECK_DATA})
READINESS_CHECK_DATA = RecordReader("a readiness health check's data", CHECK_DATA)
HEALTH_CHECK = RecordReader("a health check", {"type": CHECK_TYPE, "data": HEALTH_CHECK_DATA})
READINESS_CHECK = RecordReader("a readiness health check", {"type": CHECK_TYPE, "data": READINESS_CHECK_DATA})


def metadata_text_reader(judge: Callable[[str], str], kind: str) -> ValueReader:
    """Text that the Cloud Controller's own rule for metadata takes."""

    def read(value: Any, path: SeedPath, faults: SeedProblems) -> Any:
        fault = judge(value) if isinstance(value, str) else "it must be text"
        return report_unreadable(faults, path, value, f"{kind}: {fault}") if fault else value

    return read


METADATA = RecordReader(
    "metadata",
    {
        "labels": mapping_reader(
            metadata_text_reader(find_key_error, "the key of a label"),
            metadata_text_reader(find_label_value_error, "the value of a label"),
        ),
        "annotations": mapping_reader(
            metadata_text_reader(find_key_error, "the key of an annotation"), text_reader(0, 5000)
        ),
    },
)

STATE_NAME = choice_reader("RUNNING", "STARTING", "CRASHED", "DOWN")
HELD_STATE = RecordReader(
    "an instance's state", {"state": STATE_NAME, "details": nullable_reader(text_reader(1, 1000))}, ("state",)
)
INSTANCE_STATE = either_reader(is_mapping, HELD_STATE, STATE_NAME)

CORES = number_reader(0, 1_000_000)
LOAD_STEP = RecordReader("a step of a load", {"at": read_microseconds, "total_cpu": CORES}, ("at", "total_cpu"))
SINE = RecordReader(
    "a sine", {"mean": CORES, "amplitude": CORES, "period": read_microseconds}, ("mean", "amplitude", "period")
)
OVERLOAD = RecordReader("an overload", {"crash_above": CORES})
LOAD = RecordReader(
    "a load",
    {
        "total_cpu": CORES,
        "steps": list_reader(LOAD_STEP, 1000),
        "sine": SINE,
        "memory_per_cpu_in_mb": read_count,
        "overload": OVERLOAD,
    },
)

PROCESS = RecordReader(
    "a process",
    {
        **COMMON_FIELDS,
        "type": text_reader(1, 255, r"[^/\x00-\x1f]+", "a process type: 1 to 255 signs without '/'"),
        "version": read_guid,
        "instances": read_count,
        "memory_in_mb": read_positive,
        "disk_in_mb": read_positive,
        "log_rate_limit_in_bytes_per_second": integer_reader(-1, LARGEST_LONG),
        "command": nullable_reader(text_reader(0, 4096)),
        "user": nullable_reader(read_name),
        "revision": nullable_reader(read_guid),
        "registry_credential": nullable_reader(read_guid),
        "registry_credential_last_synced_at": nullable_reader(read_instant),
        "health_check": HEALTH_CHECK,
        "readiness_health_check": READINESS_CHECK,
        "metadata": METADATA,
        "instance_states": mapping_reader(read_index, INSTANCE_STATE),
        "crash_after": nullable_reader(read_microseconds),
        "starts": read_boolean,
        "ready": read_boolean,
        "placement_error": nullable_reader(text_reader(1, 1000)),
        "load": nullable_reader(LOAD),
    },
    ("type",),
)

SIDECAR = RecordReader(
    "a sidecar",
    {
        **COMMON_FIELDS,
        "name": read_name,
        "process_types": list_reader(read_name),
        "memory_in_mb": nullable_reader(read_positive),
        "command": text_reader(1, 4096),
    },
    ("name", "process_types"),
)

DEPLOYMENT = RecordReader(
    "a deployment",
    {
        "guid": read_guid,
        "created_at": read_instant,
        "strategy": choice_reader("rolling", "canary", "recreate"),
        "status": choice_reader("ACTIVE"),
        "reason": choice_reader("DEPLOYING", "PAUSED", "CANCELING"),
        "seconds": nullable_reader(read_microseconds),
    },
)

DROPLET = RecordReader("a droplet", {**COMMON_FIELDS, "process_types": mapping_reader(read_name, text_reader(0, 4096))})

APP = RecordReader(
    "an app",
    {
        **COMMON_FIELDS,
        "name": read_name,
        "state": choice_reader("STARTED", "STOPPED"),
        "lifecycle": choice_reader("buildpack", "cnb", "docker"),
        "droplet": nullable_reader(DROPLET),
        "revision": nullable_reader(read_guid),
        "deployment": nullable_reader(DEPLOYMENT),
        "sidecars": list_reader(SIDECAR),
        "processes": list_reader(PROCESS),
    },
    ("name",),
)

SPACE = RecordReader(
    "a space",
    {
        **COMMON_FIELDS,
        "name": read_name,
        "suspended": read_boolean,
        "being_deleted": read_boolean,
        "quota": nullable_reader(QUOTA),
        "isolation_segment": nullable_reader(read_name),
        "apps": list_reader(APP),
    },
    ("name",),
)

ORGANIZATION = RecordReader(
    "an organization",
    {
        **COMMON_FIELDS,
        "name": read_name,
        "suspended": read_boolean,
        "being_deleted": read_boolean,
        "quota": nullable_reader(QUOTA),
        "spaces": list_reader(SPACE),
    },
    ("name",),
)

USER = RecordReader(
    "a user",
    {
        "guid": read_guid,
        "name": read_name,
        "scopes": list_reader(choice_reader(*SCOPES)),
        "organizations": mapping_reader(read_name, list_reader(choice_reader(*ORGANIZATION_ROLES))),
        "spaces": mapping_reader(text_reader(1, 511), list_reader(choice_reader(*SPACE_ROLES))),
    },
    ("name",),
)

SEED = RecordReader(
    "a seed",
    {
        "settings": SETTINGS,
        "feature_flags": RecordReader(
            "the list of feature flags",
            {each: either_reader(is_mapping, FEATURE_FLAG, read_boolean) for each in FEATURE_FLAGS},
        ),
        "organizations": list_reader(ORGANIZATION),
        "users": list_reader(USER),
    },
)
"""A whole seed; `given:` has the same form, and is merged into the world that is there."""
