"""The forms of processes: their sizes, checks, instances and load. Never looks at an entity."""

from mockfoundry.cloudfoundry.model import LARGEST_INTEGER, LARGEST_LONG
from mockfoundry.cloudfoundry.seeds.keys import BOOLEAN, COMMON_KEYS, COUNT, GUID, METADATA, NAME, POSITIVE, SPAN
from mockfoundry.cloudfoundry.seeds.kinds import BuiltKind, IndexKind
from mockfoundry.cloudfoundry.seeds.snapshot import INSTANCE_KEYS, MOMENT
from mockfoundry.cloudfoundry.seeds.values import build_load, write_load
from mockfoundry.documents.declare import Form, FormKey, NullableKind
from mockfoundry.documents.kinds import (
    ChoiceKind,
    IntegerKind,
    ListKind,
    MappingOrKind,
    NumberKind,
    TableKind,
    TextKind,
)

CORES = NumberKind(0, 1_000_000)
LOAD_STEP = Form(
    "a step of a load",
    (
        FormKey("at", SPAN, "When it begins, counted from the beginning of the world.", required=True),
        FormKey("total_cpu", CORES, "How many cores the load is from then on.", required=True),
    ),
)
SINE = Form(
    "a sine",
    (
        FormKey("mean", CORES, "The cores around which it swings.", required=True),
        FormKey("amplitude", CORES, "How many cores it swings up and down.", required=True),
        FormKey("period", SPAN, "How long one swing takes.", required=True),
    ),
)
OVERLOAD = Form(
    "an overload",
    (
        FormKey(
            "crash_above",
            CORES,
            "If the load of each instance is above so many cores, all instances crash. They keep crashing until there "
            "are enough of them, or the load is lower.",
            "null",
        ),
    ),
)
LOAD_FORM = Form(
    "a load",
    (
        FormKey("total_cpu", CORES, "A constant load."),
        FormKey("steps", ListKind(LOAD_STEP, 1000), "A load that changes: a list of `at` and `total_cpu`.", "none"),
        FormKey("sine", SINE, "A load that swings, on top of the steps.", "none"),
        FormKey("memory_per_cpu_in_mb", COUNT, "The memory that each core of the load takes.", "0"),
        FormKey("overload", OVERLOAD, "When the load makes instances crash.", "never"),
    ),
)
LOAD = BuiltKind(LOAD_FORM, build_load, write_load)

CHECK_TYPE = ChoiceKind(("port", "process", "http"))
CHECK_KEYS = (
    FormKey("invocation_timeout", NullableKind(POSITIVE), "Seconds that one check may take.", "null"),
    FormKey("interval", NullableKind(POSITIVE), "Seconds between two checks.", "null"),
    FormKey(
        "endpoint",
        NullableKind(TextKind(1, 255, r"/(?:[^\s/]\S*)?", "a URI path such as /health")),
        "The path that a check of type http requests; required for that type.",
        "null",
    ),
)
HEALTH_CHECK_DATA = Form(
    "a health check's data",
    (
        FormKey("timeout", NullableKind(POSITIVE), "Seconds within which an instance must become healthy.", "null"),
        *CHECK_KEYS,
    ),
)
READINESS_CHECK_DATA = Form("a readiness health check's data", CHECK_KEYS)
HEALTH_CHECK = Form(
    "a health check",
    (
        FormKey("type", CHECK_TYPE, "port, process or http.", "port for web, else process"),
        FormKey("data", HEALTH_CHECK_DATA, "How the check is made.", role="flat"),
    ),
)
READINESS_CHECK = Form(
    "a readiness health check",
    (
        FormKey("type", CHECK_TYPE, "port, process or http.", "process"),
        FormKey("data", READINESS_CHECK_DATA, "How the check is made.", role="flat"),
    ),
)

STATE_NAME = ChoiceKind(("RUNNING", "STARTING", "CRASHED", "DOWN"), "the state of an instance")
HELD_STATE = Form(
    "an instance's state",
    (
        FormKey("state", STATE_NAME, "RUNNING, STARTING, CRASHED or DOWN.", required=True),
        FormKey("details", NullableKind(TextKind(1, 1000)), "The reason that stats show.", "null"),
    ),
)

PROCESS_KEYS = (
    *COMMON_KEYS,
    FormKey(
        "type",
        TextKind(1, 255, r"[^/\x00-\x1f]+", "1 to 255 signs without '/'"),
        "Such as web or worker. A web process without a `guid` has its app's guid.",
        required=True,
        role="identity",
    ),
    FormKey("version", GUID, "Changes when the instances must be started again.", "a guid"),
    FormKey("instances", COUNT, "How many instances are wanted.", "1 for web, else 0"),
    FormKey("memory_in_mb", POSITIVE, "The memory of each instance.", "1024"),
    FormKey("disk_in_mb", POSITIVE, "The disk of each instance.", "1024", elsewhere=("disk_quota",)),
    FormKey(
        "log_rate_limit_in_bytes_per_second",
        IntegerKind(-1, LARGEST_LONG),
        "The log rate of each instance; -1 is unlimited.",
        "-1",
    ),
    FormKey(
        "command",
        NullableKind(TextKind(0, 4096, takes_control_signs=True)),
        "Its start command; null shows the one that staging found.",
        "null",
    ),
    FormKey(
        "user", NullableKind(NAME), "The user that runs it; null shows the lifecycle's user, such as vcap.", "null"
    ),
    FormKey("revision", NullableKind(GUID), "The guid of its revision.", "the app's"),
    FormKey("registry_credential", NullableKind(GUID), "Shown unless it is null.", "null"),
    FormKey("registry_credential_last_synced_at", NullableKind(MOMENT), "Shown unless it is null.", "null"),
    FormKey("health_check", HEALTH_CHECK, "How instances are checked.", "port for web, else process", role="merged"),
    FormKey(
        "readiness_health_check",
        READINESS_CHECK,
        "How instances are checked before they get requests.",
        "process",
        role="merged",
    ),
    FormKey("metadata", METADATA, "`labels` and `annotations`.", "none", role="flat"),
    FormKey(
        "instance_states",
        TableKind(IndexKind(LARGEST_INTEGER), MappingOrKind(HELD_STATE, STATE_NAME)),
        "By index: RUNNING, STARTING, CRASHED, DOWN, or a mapping of `state` and `details`. Holds until a start.",
        "none",
        role="part",
    ),
    FormKey(
        "crash_after",
        NullableKind(SPAN),
        "How long after each start an instance crashes; the scheduler restarts it.",
        "null",
    ),
    FormKey(
        "starts",
        BOOLEAN,
        "false: no instance ever becomes healthy; each crashes when its health check times out.",
        "true",
    ),
    FormKey("ready", BOOLEAN, "false: instances run, but get no requests.", "true"),
    FormKey(
        "placement_error",
        NullableKind(TextKind(1, 1000)),
        "Why new instances can't be placed; they are DOWN.",
        "null",
    ),
    FormKey("load", NullableKind(LOAD), "The load of all instances together.", "null"),
    *INSTANCE_KEYS,
)

PAST_VERSION = Form(
    "an earlier version",
    (FormKey("replaced_at", MOMENT, "When another one took its place.", required=True), *PROCESS_KEYS),
)
PROCESS = Form(
    "a process",
    (
        *PROCESS_KEYS,
        FormKey(
            "past_versions",
            ListKind(PAST_VERSION, None),
            "The earlier versions that stale reads may still show.",
            "none",
            role="part",
        ),
    ),
)
