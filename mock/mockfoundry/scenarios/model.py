"""Scenarios as values: the same whether written in Python or read from a file. Never plays one.

Durations are whole microseconds; where one is built, it may be given as text (`"6s"`) or as a timedelta, too.
`format` says what each key of a file is for, and what it may hold.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from mockfoundry.cloudfoundry.errors import CATALOGUE
from mockfoundry.contract.plan import Violation, shorten_value
from mockfoundry.documents.problems import DocumentError
from mockfoundry.documents.times import parse_duration
from mockfoundry.scenarios.conditions import ABSENT, PLACES
from mockfoundry.wire_faults import TlsFaultName

MAX_PROBLEMS: Final = 100
"""How many problems of one file are reported."""


class ScenarioError(DocumentError):
    """A scenario can't be used. `problems` says why, place by place; as text it is one line for each."""


def describe_demand(violation: Violation) -> str:
    """What the contract asks for, where a value does not fit: `type integer`, `minimum 0`, `required errors`."""
    limit = violation.limit
    allowed = " or ".join(shorten_value(each) for each in limit) if isinstance(limit, list) else shorten_value(limit)
    if violation.keyword == "additionalProperties":
        return f"no {allowed}"
    return f"{violation.keyword} {allowed}"


def quote_value(value: object) -> str:
    """A value that was found, in a line; text in quotes, so that it differs from a number."""
    return f'"{shorten_value(value)}"' if isinstance(value, str) else shorten_value(value)


def convert_durations(value: msgspec.Struct, *names: str) -> None:
    """Makes microseconds of a value's durations that were given as text or a timedelta. Text that is no duration stays:
    reading the scenario says what is wrong with it."""
    for name in names:
        given = getattr(value, name)
        if isinstance(given, timedelta):
            msgspec.structs.force_setattr(value, name, given // timedelta(microseconds=1))
        elif isinstance(given, str):
            with suppress(ValueError):
                msgspec.structs.force_setattr(value, name, parse_duration(given))


CountScope = Literal["process", "user", "token", "foundation"]
RespondPhase = Literal["before", "after"]
SequenceEnd = Literal["pass", "repeat", "stay"]


class Uniform(msgspec.Struct, frozen=True, tag="uniform"):
    """A delay anywhere between two, in microseconds."""

    low: int
    high: int

    def __post_init__(self) -> None:
        convert_durations(self, "low", "high")


class Lognormal(msgspec.Struct, frozen=True, tag="lognormal"):
    """A delay with a long tail, as real ones have: half below `median`, one in a hundred above `p99`."""

    median: int
    p99: int

    def __post_init__(self) -> None:
        convert_durations(self, "median", "p99")


class Virtual(msgspec.Struct, frozen=True, tag="virtual"):
    """A delay on the foundation's clock: over when a test has advanced that so far, or it has run so far.

    Attributes:
        delay: microseconds of that clock, or a distribution of them.
        at_most: microseconds of the machine's clock after which the request ends with an error of mockfoundry.
    """

    delay: int | Uniform | Lognormal
    at_most: int = 30_000_000

    def __post_init__(self) -> None:
        convert_durations(self, "delay", "at_most")


Delay = int | Uniform | Lognormal | Virtual
"""Microseconds of the machine's clock, or a distribution of them; or a delay on the foundation's clock."""


Station = Literal["gateway", "controller"]
"""Where a rule is asked: before everything else, or of the requests alone that the controller would work on."""

GATEWAY_STATUSES = (429, 502, 503)
"""The statuses of the catalogue's errors that come from before the controller, unless a rule says otherwise."""


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A request parked until the test releases it.

    Attributes:
        at: before its exchange, or after it, before the answer is sent.
        name: to release it by; empty for the scenario's own name.
        at_most: microseconds after which it goes on by itself.
    """

    at: Literal["before-commit", "after-commit"]
    name: str = ""
    at_most: int = 30_000_000

    def __post_init__(self) -> None:
        convert_durations(self, "at_most")


class Respond(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a rule answers. Without error, status, example and fault it is the world's answer, changed by the rest.

    Attributes:
        error: the catalogue's title; `detail` in place of its words.
        status: with `body` as JSON, `text` as it stands, or the bytes of `base64`; with none of them, the contract's
            example of that status.
        example: by its name in the contract.
        fault: what goes wrong on the wire, a name of WIRE_FAULTS.
        headers: added or replaced; None takes one away.
        delay: microseconds or a distribution, of the machine's clock; `Virtual` for the foundation's.
        phase: `before` the operation, which then does not run where there is an answer; or `after` it, its change kept.
        undocumented: the contract does not document this answer, and that is intended.
    """

    error: str | None = None
    detail: str | None = None
    status: int | None = None
    body: Any = ABSENT
    text: str | None = None
    base64: bytes | None = None
    example: str | None = None
    fault: str | None = None
    headers: Mapping[str, str | None] = {}
    delay: Delay = 0
    phase: RespondPhase = "before"
    hold: Hold | None = None
    undocumented: bool = False

    def __post_init__(self) -> None:
        convert_durations(self, "delay")
        if self.base64 is not None and not isinstance(self.base64, bytes):
            raise TypeError(
                f'base64: {self.base64!r} is no bytes; give the bytes themselves, such as base64=b"\\x00\\x01"'
            )

    @property
    def has_own_answer(self) -> bool:
        """Whether it gives an answer or a fault of its own, rather than change the world's."""
        return not (self.error is None and self.status is None and self.example is None and self.fault is None)

    @property
    def has_own_body(self) -> bool:
        """Whether it says itself what stands in the body that goes with its status."""
        return not (self.text is None and self.base64 is None and self.body is ABSENT)

    @property
    def is_of_controller(self) -> bool:
        """Whether it is an answer that the Cloud Controller gives, rather than what stands before it."""
        entry = CATALOGUE.get(self.error or "")
        return entry is not None and entry.status not in GATEWAY_STATUSES

    @property
    def changes(self) -> bool:
        """Whether it changes anything, if only that a request counts when it has succeeded; if not, it is `pass`."""
        return bool(self.has_own_answer or self.headers or self.delay or self.hold or self.phase == "after")


PASS = Respond()
"""The word `pass`: the request goes on to the world, and no later rule gets it."""


class When(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What must hold of a request, by name of parameter, header or field: a plain value, or a JSON Schema.

    Attributes:
        user: the name of the user, or of the client, whose token the request has; None for a request without one.
        process: type, app, space and organization of the one process that it is about.
    """

    path: Mapping[str, Any] = {}
    query: Mapping[str, Any] = {}
    headers: Mapping[str, Any] = {}
    body: Mapping[str, Any] = {}

    # Who sends it, and of which process: facts about the request that are not parts of it.
    user: Any = ABSENT
    process: Mapping[str, Any] = {}

    def list_wanted(self) -> Iterator[tuple[str, str, Any]]:
        """Its conditions: the place, the name there (of a header in lower case, of the user none), what is wanted."""
        for place in (*PLACES, "process"):
            for name, wanted in getattr(self, place).items():
                yield place, name.lower() if place == "headers" else name, wanted
        if self.user is not ABSENT:
            yield "user", "", self.user


ANY_OPERATION = "any"
"""In place of an operationId: every request, also those of operations that must be named, and of unknown routes."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which requests, how often, and what they get: `respond`, or a `sequence` of it.

    Attributes:
        operation: operationIds; none for every request but those of operations that must be named; ANY_OPERATION for
            every request.
        at: where it is asked; None for where its answers come from, see `station`.
        state: the states in which it applies; none for all.
        times: how many matches it answers; None for ever.
        from_, until: microseconds since the present state was entered, where the rule has states; else since the
            scenario was switched on.
    """

    operation: tuple[str, ...] = ()
    at: Station | None = None
    when: When = When()
    per: CountScope = "foundation"
    state: tuple[str, ...] = ()
    goto: str | None = None
    after: int = 0
    times: int | None = None
    chance: float = 1.0
    from_: int | None = None
    until: int | None = None
    respond: Respond | None = None
    sequence: tuple[Respond, ...] = ()
    finally_: SequenceEnd = "pass"

    if TYPE_CHECKING:
        # The fields are declared as what they hold; a single word may be given in place of a tuple.
        def __init__(
            self,
            *,
            operation: str | tuple[str, ...] = (),
            at: Station | None = None,
            when: When = ...,
            per: CountScope = ...,
            state: str | tuple[str, ...] = (),
            goto: str | None = None,
            after: int = 0,
            times: int | None = None,
            chance: float = 1.0,
            from_: int | None = None,
            until: int | None = None,
            respond: Respond | None = None,
            sequence: tuple[Respond, ...] = (),
            finally_: SequenceEnd = ...,
        ) -> None: ...

    def __post_init__(self) -> None:
        convert_durations(self, "from_", "until")
        # One word in place of a tuple, as a file has it.
        given: tuple[tuple[str, object], ...] = (("operation", self.operation), ("state", self.state))
        for name, words in given:
            if isinstance(words, str):
                msgspec.structs.force_setattr(self, name, (words,))

    @property
    def is_general(self) -> bool:
        """Whether it names no operation of its own: it is for those behind a token, or for every request."""
        return not self.operation or self.is_for_any

    @property
    def is_for_any(self) -> bool:
        """Whether it is for every request, also those of operations that must be named."""
        return ANY_OPERATION in self.operation

    def is_about(self, operation: str, needs_naming: bool) -> bool:
        """Whether it is for the requests of an operation.

        Args:
            operation: empty for unknown routes.
            needs_naming: whether the operation must be named.
        """
        if not self.operation:
            return not needs_naming
        return operation in self.operation or self.is_for_any

    @property
    def station(self) -> Station:
        """Where it is asked. At the controller if all of its answers are the Cloud Controller's own, unless it says."""
        if self.at is not None:
            return self.at
        answers = [step for step in self.steps if step.has_own_answer]
        is_of_controller = bool(answers) and all(answer.is_of_controller for answer in answers)
        return "controller" if is_of_controller and not self.is_for_any else "gateway"

    @property
    def counts_successes(self) -> bool:
        """Whether its `after:` counts only requests that have succeeded. So if all its answers follow on that, unless
        it says where it is asked: then it counts what comes there."""
        return self.at is None and all(step.phase == "after" for step in self.steps)

    @property
    def steps(self) -> tuple[Respond, ...]:
        """What it answers, one by one."""
        return self.sequence if self.respond is None else (self.respond,)

    @property
    def max_matches(self) -> int | None:
        """How many matches it answers in all, None for ever."""
        if self.respond is not None:
            return self.times
        return len(self.sequence) if self.finally_ == "pass" else None


class TlsRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How handshakes of TLS go wrong.

    Attributes:
        after: how many are let through first.
        times: how many go wrong; None for all.
    """

    fault: TlsFaultName
    after: int = 0
    times: int | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the world, `at` microseconds after the scenario was switched on."""

    at: int
    given: Mapping[str, Any]

    def __post_init__(self) -> None:
        convert_durations(self, "at")


class Scenario(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One failure mode.

    Attributes:
        name: what it is switched on by.
        for_: microseconds after which it is off by itself, None for never.
        start: the first state, where its rules have states.
        given: what it changes in the world when it is switched on, in the seed file's words.
        tls: how handshakes go wrong while it is on; None for not at all.
    """

    name: str
    description: str = ""
    story: str = ""
    good_client: str = ""
    for_: int | None = None
    start: str | None = None
    given: Mapping[str, Any] = {}
    events: tuple[Event, ...] = ()
    rules: tuple[Rule, ...] = ()
    tls: TlsRule | None = None

    def __post_init__(self) -> None:
        convert_durations(self, "for_")

    def to_yaml(self) -> str:
        """The scenario as the text of its file.

        Raises:
            ScenarioError: it holds what no file can hold, such as an object.
        """
        # Writing needs the form, and the form needs these classes.
        from mockfoundry.scenarios.format import scenario_to_yaml

        return scenario_to_yaml(self)

    def __repr__(self) -> str:
        try:
            return self.to_yaml()
        except ScenarioError:
            return super().__repr__()
