"""The forms of answers: what a rule responds, after which delay, and what it holds. Never plays one."""

from collections.abc import Mapping
from typing import Any

from mockfoundry.documents.declare import (
    UNREADABLE,
    FormKey,
    Path,
    Reading,
    StructForm,
)
from mockfoundry.documents.kinds import ChoiceKind, DefinedKind, IntegerKind, JsonKind, TextKind
from mockfoundry.scenarios.conditions import ABSENT
from mockfoundry.scenarios.kinds import (
    Base64Kind,
    DurationKind,
    FlagKind,
    HeadersKind,
    NameKind,
    RangeKind,
    WordKind,
)
from mockfoundry.scenarios.model import (
    PASS,
    Hold,
    Lognormal,
    Respond,
    Uniform,
    Virtual,
)
from mockfoundry.wire_faults import WIRE_FAULT_NAMES, WIRE_FAULTS

TEXT = TextKind(allowed="text")

# What the contract and the catalogue know of these stands in the schema's `$defs`.
ERROR = DefinedKind(TextKind(allowed="the title of an error, such as CF-Conflict", is_listed=True), "error")
STATUS = DefinedKind(IntegerKind(200, 599), "status")
EXAMPLE = DefinedKind(TEXT, "example")


class TimeKind:
    """A time to wait: a duration, or one of the distributions of `DISTRIBUTIONS`."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if isinstance(value, Mapping) and list(value) == ["uniform"]:
            pair = UNIFORM.read(value["uniform"], (*path, "uniform"), reading)
            return UNREADABLE if pair is UNREADABLE else Uniform(*pair)
        if isinstance(value, Mapping) and list(value) == ["lognormal"]:
            return LOGNORMAL.read(value["lognormal"], (*path, "lognormal"), reading)
        if isinstance(value, Mapping | list):
            allowed = "a duration, {uniform: [100ms, 2s]} or {lognormal: {median: 200ms, p99: 2s}}"
            return reading.refuse_value(path, value, allowed)
        return DurationKind().read(value, path, reading)

    def write(self, value: Any) -> Any:
        if isinstance(value, Uniform):
            return {"uniform": UNIFORM.write((value.low, value.high))}
        return {"lognormal": LOGNORMAL.write(value)} if isinstance(value, Lognormal) else DurationKind().write(value)

    def schema(self) -> dict[str, Any]:
        one = {"type": "object", "additionalProperties": False}
        distributions = [
            {**one, "required": [key.name], "properties": {key.name: {"description": key.about, **key.kind.schema()}}}
            for key in DISTRIBUTIONS
        ]
        return {"anyOf": [DurationKind().schema(), *distributions]}


class DelayKind:
    """A delay: a time to wait on the machine's clock, or `virtual:` with one on the foundation's."""

    @property
    def form(self) -> StructForm:
        return VIRTUAL

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if not isinstance(value, Mapping) or list(value) in (["uniform"], ["lognormal"]):
            return TimeKind().read(value, path, reading)
        if "virtual" in value or "at-most" in value:
            return VIRTUAL.read(value, path, reading)
        distributions = "{uniform: [100ms, 2s]}, {lognormal: {median: 200ms, p99: 2s}}"
        return reading.refuse_value(path, value, f"a duration, {distributions} or {{virtual: 6s}}")

    def write(self, value: Any) -> Any:
        return VIRTUAL.write(value) if isinstance(value, Virtual) else TimeKind().write(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [*TimeKind().schema()["anyOf"], VIRTUAL.schema()]}


class HoldKind:
    """A hold: the word that says when, or a mapping that names it too."""

    @property
    def form(self) -> StructForm:
        return HOLD

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if isinstance(value, Mapping | list):
            return HOLD.read(value, path, reading)
        at = _HOLD_AT.read(value, path, reading)
        return UNREADABLE if at is UNREADABLE else Hold(at=at)

    def write(self, value: Any) -> Any:
        written = HOLD.write(value)
        return written["at"] if isinstance(value, Hold) and len(written) == 1 else written

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [_HOLD_AT.schema(), HOLD.schema()]}


def check_lognormal(value: Lognormal, _given: Mapping[str, Any], path: Path, reading: Reading) -> None:
    if value.p99 < value.median:
        reading.report((*path, "p99"), "p99 is below the median; it must be at least the median", "key")


LOGNORMAL = StructForm(
    "a lognormal delay",
    (
        FormKey("median", DurationKind(least=1), "Half of the delays are shorter.", required=True),
        FormKey("p99", DurationKind(least=1), "One delay in a hundred is longer.", required=True),
    ),
    Lognormal,
    check_lognormal,
)

UNIFORM = RangeKind(DurationKind())

DISTRIBUTIONS = (
    FormKey("uniform", UNIFORM, "Anything between two durations: [100ms, 2s]."),
    FormKey("lognormal", LOGNORMAL, "Mostly short, sometimes long: {median: 200ms, p99: 2s}."),
)

VIRTUAL = StructForm(
    "a virtual delay",
    (
        FormKey(
            "virtual",
            TimeKind(),
            "The same on the foundation's clock: {virtual: 6s}. A test ends it by advancing that clock.",
            required=True,
            attribute="delay",
        ),
        FormKey(
            "at-most",
            DurationKind(least=1),
            "Goes with virtual: after this time of the machine's the request ends with an error; 30s unless given.",
        ),
    ),
    Virtual,
)

_HOLD_AT = ChoiceKind(("before-commit", "after-commit"))

HOLD = StructForm(
    "a hold",
    (
        FormKey(
            "at",
            _HOLD_AT,
            "before-commit: before the operation runs. after-commit: after it ran, before its answer is sent.",
            required=True,
        ),
        FormKey("name", NameKind(), "The name by which a test releases it; the scenario's name unless given."),
        FormKey("at-most", DurationKind(least=1), "After this time the request goes on by itself; 30s unless given."),
    ),
    Hold,
)

ANSWER_KEYS = ("error", "status", "example", "fault")
BODY_KEYS = ("body", "text", "base64")


def check_respond(value: Respond, given: Mapping[str, Any], path: Path, reading: Reading) -> None:
    def report_key(key: str, text: str) -> None:
        reading.report((*path, key), text, "key")

    named = [key for key in ANSWER_KEYS if key in given]
    for key in named[1:]:
        report_key(key, f"{key} stands beside {named[0]}; one answer has one of {', '.join(ANSWER_KEYS)}")
    for key, needed in (("detail", "error"), *((body, "status") for body in BODY_KEYS)):
        if key in given and needed not in given:
            report_key(key, f"{key} goes with {needed}; add {needed}, or leave {key} out")
    bodies = [key for key in BODY_KEYS if key in given]
    for key in bodies[1:]:
        kinds = "body is JSON, text is raw, base64 is bytes"
        report_key(key, f"{key} stands beside {bodies[0]}; an answer has one of them: {kinds}")
    if value.status in (204, 304) and (value.body is not ABSENT or value.text or value.base64):
        report_key("status", f"a {value.status} has no body; leave {', '.join(bodies)} out")
    if value.fault is not None and value.headers and not WIRE_FAULTS[value.fault].sends_headers:
        report_key("headers", f"the fault {value.fault} sends no headers; leave headers out")
    if value.undocumented and not (value.has_own_answer or value.headers):
        report_key("undocumented", "undocumented goes with an answer or headers; leave it out")
    if not value.changes:
        reading.report(
            path, f"the answer changes nothing; give it one of {', '.join(ANSWER_KEYS)}, or write the word pass"
        )


RESPOND = StructForm(
    "an answer",
    (
        FormKey("error", ERROR, "The title of one of the Cloud Controller's errors, such as CF-Conflict."),
        FormKey("detail", TEXT, "Words for the error in place of its usual ones."),
        FormKey(
            "status",
            STATUS,
            "The status. It goes with body, text or base64; without them, the contract's example is sent.",
        ),
        FormKey("body", JsonKind(), "The answer's JSON."),
        FormKey("text", TEXT, "The answer's body as raw text, if it should not be JSON."),
        FormKey(
            "base64",
            Base64Kind(),
            "The answer's body in base64, if it is no text. It is sent as application/octet-stream, or as headers say.",
        ),
        FormKey("example", EXAMPLE, "The name of an example of the contract."),
        FormKey("fault", ChoiceKind(WIRE_FAULT_NAMES), "What goes wrong on the wire."),
        FormKey("headers", HeadersKind(), "Headers to add or replace; null removes one."),
        FormKey(
            "delay",
            DelayKind(),
            "How long to wait, on the machine's clock: 250ms, {uniform: [100ms, 2s]}, {lognormal: {median: 200ms, p99: "
            "2s}}. On the foundation's: {virtual: 6s}.",
        ),
        FormKey(
            "phase",
            ChoiceKind(("before", "after")),
            "Before the operation runs (default), or after its change is kept.",
        ),
        FormKey("hold", HoldKind(), "Holds the request until the test releases it: before-commit or after-commit."),
        FormKey("undocumented", FlagKind(), "true: the contract does not document this answer, and that is intended."),
    ),
    Respond,
    check_respond,
)


def propose_answer(value: Any) -> str:
    """The answer that was meant by a word or a number alone."""
    if isinstance(value, str) and value:
        return f"; write {{{'fault' if value in WIRE_FAULT_NAMES else 'error'}: {value}}}"
    return f"; write {{status: {value}}}" if isinstance(value, int) and not isinstance(value, bool) else ""


ANSWER = WordKind("pass", PASS, RESPOND, "answers", propose_answer)
