"""Snapshots: the keys of a seed that only an export writes, so that reading it goes on where the world was.

Moments count by the clock of the world that was exported, as `snapshot.time` has it; reading moves them to the present
time of the foundation that reads. Never knows an entity's other keys.
"""

import itertools
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from mockfoundry.cloudfoundry.clock import EARLIEST_MOMENT, LATEST_MOMENT
from mockfoundry.cloudfoundry.instances import FOREVER
from mockfoundry.cloudfoundry.model import (
    LARGEST_INTEGER,
    LARGEST_LONG,
    UNLIMITED,
    Allotment,
    Deployment,
    InstanceRange,
)
from mockfoundry.cloudfoundry.seeds.kinds import LongSpanKind, WeightsKind
from mockfoundry.documents.declare import Form, FormKey, NullableKind, Path, Reading, StructForm
from mockfoundry.documents.kinds import (
    BooleanKind,
    ChoiceKind,
    IntegerKind,
    ListKind,
    MomentKind,
    TableKind,
    TextKind,
)
from mockfoundry.options import LARGEST_RANDOM_SEED, LEAST_RANDOM_SEED


class ReachableMomentKind(MomentKind):
    """A moment; one that no timestamp can say is written as the nearest that one can.

    Where a snapshot was moved to another present time, its moments may lie far from there.
    """

    def write(self, value: int) -> Any:
        return super().write(max(EARLIEST_MOMENT, min(value, LATEST_MOMENT)))


MOMENT = ReachableMomentKind()
COUNT = IntegerKind(0, LARGEST_INTEGER)
POSITIVE = IntegerKind(1, LARGEST_INTEGER)
NUMBER = IntegerKind(0, LARGEST_LONG)
GUID = TextKind(1, 255, r"[A-Za-z0-9_-]+", "1 to 255 letters, digits, '-' or '_'")

TEXT = TextKind()
"""Any text: what a foundation wrote of itself is read as it stands."""


class JsonTextKind(TextKind, frozen=True):
    """Text that is a mapping in JSON; kept as text, since it is hardly ever read."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        try:
            msgspec.json.decode(value if isinstance(value, str) else "", type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeEncodeError):
            return reading.refuse_value(path, value, "text that holds a mapping as JSON")
        return value


EVENT = Form(
    "an audit event",
    (
        FormKey("number", NUMBER, "Counted from 1; its guid follows from it.", required=True),
        FormKey("type", TEXT, "What was done.", required=True),
        FormKey("time", MOMENT, "When.", required=True),
        FormKey("actor", GUID, "The guid of who did it.", required=True),
        FormKey("actor_name", TEXT, "Their name.", required=True),
        FormKey("app", GUID, "The guid of the app that it was done to.", required=True),
        FormKey("app_name", TEXT, "Its name then.", required=True),
        FormKey("space", GUID, "The guid of its space.", required=True),
        FormKey("data", JsonTextKind(), "Its data, a mapping as JSON.", required=True),
    ),
)

JOB = Form(
    "a job",
    (
        FormKey("guid", GUID, "Its guid.", required=True),
        FormKey("operation", TextKind(1, 255), "What it does, such as `app.delete`.", required=True),
        FormKey("resource", GUID, "The guid of what it does that to.", required=True),
        FormKey("actor", TextKind(1, 255), "The name of who asked for it.", required=True, role="part"),
        FormKey("actor_guid", GUID, "Their guid.", required=True, role="part"),
        FormKey("created_at", MOMENT, "When they asked for it.", required=True),
        FormKey("updated_at", MOMENT, "When its state last changed.", required=True),
        FormKey("due_at", MOMENT, "When it runs.", required=True, role="part"),
        FormKey("state", ChoiceKind(("PROCESSING", "COMPLETE", "FAILED")), "How far it is.", required=True),
        FormKey("error", NullableKind(TextKind(1, 1000)), "Why it failed.", "null"),
    ),
)

SNAPSHOT = Form(
    "a snapshot",
    (
        FormKey("time", MOMENT, "The time of the world that was exported.", required=True),
        FormKey("born", MOMENT, "When that world began; loads count from there.", required=True),
        FormKey("random_seed", IntegerKind(LEAST_RANDOM_SEED, LARGEST_RANDOM_SEED), "Its random seed.", required=True),
        FormKey("starts", NUMBER, "How many starts of instances it has counted.", required=True),
        FormKey(
            "order",
            ListKind(GUID, None),
            "The guids of the processes as they were created, where that is not their order in the file.",
            "as in the file",
        ),
        FormKey("events", ListKind(EVENT, None), "The latest audit events, oldest first.", "none"),
        FormKey("jobs", ListKind(JOB, None), "The jobs that run or have run.", "none"),
    ),
)

INSTANCE_RANGE = StructForm(
    "a range of instances",
    (
        FormKey("first", COUNT, "The lowest index.", required=True),
        FormKey("count", POSITIVE, "How many instances there are from there.", required=True),
        FormKey("since", MOMENT, "When they were first started.", required=True),
        FormKey("nonce", NUMBER, "The number of that start; the guids of instances follow from it.", "0"),
        FormKey("start_duration", LongSpanKind(FOREVER), "How long each start takes; null if it never ends.", "0s"),
        FormKey("crash_after", NullableKind(LongSpanKind()), "How long after each start they crash.", "null"),
        FormKey("first_crash", NullableKind(MOMENT), "When they first crash.", "`crash_after` the start"),
        FormKey("gone_at", NullableKind(MOMENT), "When they are gone; null if they are not stopping.", "null"),
        FormKey(
            "state",
            NullableKind(ChoiceKind(("RUNNING", "STARTING", "CRASHED", "DOWN"))),
            "The state that they are held in.",
            "null",
        ),
        FormKey("details", NullableKind(TextKind(1, 1000)), "The reason that stats show.", "null"),
        FormKey("ready", BooleanKind(), "Whether they get requests.", "true"),
    ),
    InstanceRange,
)

ALLOTMENT = StructForm(
    "an allotment",
    (
        FormKey("memory_in_mb", POSITIVE, "The memory of each instance.", required=True),
        FormKey("disk_in_mb", POSITIVE, "The disk of each instance.", required=True),
        FormKey(
            "log_rate_limit_in_bytes_per_second",
            IntegerKind(UNLIMITED, LARGEST_LONG),
            "The log rate of each instance.",
            required=True,
        ),
    ),
    Allotment,
)


class RangeListKind(ListKind, frozen=True):
    """Ranges of instances in the order of their indices."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        before = reading.unreadable
        ranges = super().read(value, path, reading)
        if reading.unreadable > before:
            return ranges
        for position, (one, other) in enumerate(itertools.pairwise(ranges), 1):
            if other.first != one.end:
                text = f"{other.first} is not {one.end}, the index after the range before it"
                return reading.refuse((*path, position, "first"), text)
        if ranges and ranges[0].first:
            return reading.refuse((*path, 0, "first"), f"{ranges[0].first} is not 0, where the first range begins")
        return ranges


INSTANCE_KEYS = (
    FormKey(
        "instance_ranges",
        RangeListKind(INSTANCE_RANGE, 100_000),
        "The instances, grouped by when they were started.",
        "all are started together",
        role="part",
    ),
    FormKey(
        "stopping_ranges",
        ListKind(INSTANCE_RANGE, 100_000),
        "The instances that were stopped and are not gone yet.",
        "none",
        role="part",
    ),
    FormKey(
        "allotment",
        NullableKind(ALLOTMENT),
        "The limits of instances that were started before the last scale.",
        "null",
        role="part",
    ),
)
"""Keys of a process."""

PROGRESS = Form(
    "the progress of a deployment",
    (
        FormKey(
            "state", ChoiceKind(("DEPLOYING", "PREPAUSED", "PAUSED", "CANCELING")), "What it is doing.", required=True
        ),
        FormKey("process", GUID, "The guid of the web process that it brings up.", required=True),
        FormKey("previous", GUID, "The guid of the one that it takes down.", required=True),
        FormKey("instances", COUNT, "How many instances there are to be.", required=True),
        FormKey("stage", COUNT, "How many of its steps are done.", required=True),
        FormKey("number", NUMBER, "Higher than that of any earlier deployment.", "0"),
        FormKey("changed_at", MOMENT, "When its state last changed.", required=True),
        FormKey("moving_since", MOMENT, "When it last began to move.", required=True),
        FormKey("checked_at", MOMENT, "When its instances were last found healthy.", "`changed_at`"),
        FormKey("updated_at", MOMENT, "When it last changed.", "`changed_at`"),
        FormKey("droplet", NullableKind(GUID), "The guid of its droplet.", "the app's"),
        FormKey("previous_droplet", NullableKind(GUID), "The guid of the droplet before it.", "the app's"),
        FormKey("revision", NullableKind(GUID), "The guid of its revision.", "the app's"),
        FormKey("revision_version", NUMBER, "The version of its revision.", "1"),
    ),
)

PROGRESS_KEY = FormKey(
    "progress",
    NullableKind(PROGRESS),
    "(export only) how far it has come; its app has both web processes.",
    "it begins",
    role="part",
)
"""A key of a deployment."""

TABLE_OF_TEXTS = TableKind(TEXT, TEXT)

PAST_DEPLOYMENT = StructForm(
    "a deployment that is over",
    (
        FormKey("guid", GUID, "Its guid.", required=True),
        FormKey("strategy", TEXT, "Its strategy.", required=True),
        FormKey("state", ChoiceKind(("DEPLOYED", "CANCELED")), "How it ended.", required=True),
        FormKey("superseded", BooleanKind(), "Whether another one took its place.", "false"),
        FormKey("number", NUMBER, "Higher than that of any earlier deployment.", "0"),
        FormKey("created_at", MOMENT, "When it began.", required=True),
        FormKey("updated_at", MOMENT, "When it last changed.", required=True),
        FormKey("changed_at", MOMENT, "When its state last changed.", required=True),
        FormKey("checked_at", MOMENT, "When its instances were last found healthy.", required=True),
        FormKey("duration", NullableKind(LongSpanKind()), "How long it was to take.", required=True),
        FormKey("app", GUID, "The guid of its app.", required=True),
        FormKey("process", TEXT, "The guid of the web process that it brought up.", "none"),
        FormKey("previous", TEXT, "The guid of the one that it was to replace.", "none"),
        FormKey("instances", COUNT, "How many instances there were.", "0"),
        FormKey("web_instances", NullableKind(COUNT), "How many there were to be.", "null"),
        FormKey("memory_in_mb", NullableKind(POSITIVE), "The memory of each new instance.", "null"),
        FormKey("disk_in_mb", NullableKind(POSITIVE), "The disk of each new instance.", "null"),
        FormKey(
            "log_rate_limit_in_bytes_per_second",
            NullableKind(IntegerKind(UNLIMITED, LARGEST_LONG)),
            "The log rate of each new instance.",
            "null",
        ),
        FormKey("max_in_flight", POSITIVE, "How many instances were started together.", "1"),
        FormKey("moving_since", MOMENT, "When it last began to move.", required=True),
        FormKey("stage", COUNT, "How many of its steps were done.", "0"),
        FormKey("weights", WeightsKind(), "Of a canary.", "none"),
        FormKey("step", COUNT, "Of a canary: the pause it had come to.", "1"),
        FormKey("droplet", NullableKind(GUID), "The guid of its droplet.", "null"),
        FormKey("previous_droplet", NullableKind(GUID), "The guid of the droplet before it.", "null"),
        FormKey("revision", NullableKind(GUID), "The guid of its revision.", "null"),
        FormKey("revision_version", NUMBER, "The version of its revision.", "1"),
        FormKey("labels", TABLE_OF_TEXTS, "Its labels.", "none"),
        FormKey("annotations", TABLE_OF_TEXTS, "Its annotations.", "none"),
    ),
    Deployment,
)

PAST_DEPLOYMENTS_KEY = FormKey(
    "past_deployments",
    ListKind(PAST_DEPLOYMENT, None),
    "(export only) its deployments that are over, oldest first.",
    "none",
    role="part",
)
"""A key of an app."""

FAILED_LOG_INS_KEY = FormKey(
    "failed_log_ins",
    ListKind(MOMENT, 1_000),
    "(export only) when they last tried with a wrong password.",
    "none",
    role="part",
)
"""A key of a user."""

SNAPSHOT_KEYS = frozenset(
    {
        "snapshot",
        "instance_ranges",
        "stopping_ranges",
        "allotment",
        "past_versions",
        "progress",
        "past_deployments",
        "failed_log_ins",
    }
)
"""The keys of this module, which `given:` does not take."""


def move_ranges(ranges: tuple[InstanceRange, ...], by: int) -> tuple[InstanceRange, ...]:
    """Ranges with all their moments moved by so many microseconds."""
    if not by:
        return ranges
    return tuple(
        replace(
            each,
            since=each.since + by,
            first_crash=None if each.first_crash is None else each.first_crash + by,
            gone_at=None if each.gone_at is None else each.gone_at + by,
        )
        for each in ranges
    )


def normalize_held_states(states: Mapping[int, Any]) -> dict[int, tuple[str, str | None]]:
    """Held states, by index, each with its details."""
    return {
        index: (state["state"], state.get("details")) if isinstance(state, Mapping) else (state, None)
        for index, state in states.items()
    }


MAX_HELD_STATES = 1_000
"""How many instances an export names one by one; a process may have a range of two milliards."""


def count_held_states(ranges: tuple[InstanceRange, ...]) -> int:
    """How many instances are held in a state."""
    return sum(run.count for run in ranges if run.state is not None)


def collect_held_states(ranges: tuple[InstanceRange, ...], most: int) -> dict[int, Any]:
    """The instances that are held in a state, by index, as `instance_states` has them: so many of the first."""
    held = (
        (index, {"state": run.state, "details": run.details} if run.details else run.state)
        for run in ranges
        if run.state is not None
        for index in range(run.first, run.end)
    )
    return dict(itertools.islice(held, most))


def are_held(ranges: tuple[InstanceRange, ...], states: Mapping[int, Any]) -> bool:
    """Whether just these instances are held, in these states."""
    most = len(states)
    return count_held_states(ranges) == most and normalize_held_states(states) == normalize_held_states(
        collect_held_states(ranges, most)
    )
