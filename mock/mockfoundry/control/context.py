"""What control calls are made of: the call, its foundation, its answer or its problem. Never decides what is answered.

A call is refused by a ControlProblem, which is sent as problem+json [RFC 9457]. Its detail says where, what was found,
what is allowed and what to do.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from mockfoundry.cloudfoundry.clock import LATEST_MOMENT
from mockfoundry.control.peers import Peers
from mockfoundry.control.shared_lines import SharedLines
from mockfoundry.documents.times import parse_duration, parse_zoned_moment
from mockfoundry.exchange.response import HoldKey, Response
from mockfoundry.exchange.run import Service
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.store.keeper import SnapshotKeeper

if TYPE_CHECKING:
    from mockfoundry.control.metrics import ServerGauges

JSON = "application/json"
YAML = "application/yaml"
TEXT = "text/plain; charset=utf-8"
PROBLEM_MEDIA_TYPE = "application/problem+json"
MAX_DETAIL_LENGTH = 8_000


PROBLEM_TITLES = {
    400: "Bad request",
    401: "No token",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Conflict",
    412: "There already",
    413: "Too large",
    415: "Unsupported media type",
    421: "Misdirected",
    422: "Can't be used",
    429: "Too many",
    431: "Headers too large",
    500: "mockfoundry failed",
    503: "Unavailable",
}


class ControlProblem(Exception):
    """A control call is refused; nothing was changed.

    Attributes:
        status: of HTTP.
        kind: a word for programs, the last part of the problem's `type`.
        detail: where, what was found, what is allowed, what to do.
        headers: that the answer has besides the usual ones; names in lower case.
    """

    def __init__(self, status: int, kind: str, detail: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = headers


def unknown_foundation_problem(name: str, absence: str) -> ControlProblem:
    """The problem (404) of a name that no foundation has.

    Args:
        absence: why it is gone, as a verb with what follows; empty where it is not known that there was one.
    """
    if absence:
        detail = (
            f"there is none of that name, it {absence}; PUT /__mock/foundations/{name} makes it again "
            "(so does putting a state or a scenario, minting a token, setting the clock, or a copy)"
        )
    else:
        detail = (
            f"there is none of that name; GET /__mock/foundations lists those there are, "
            f"PUT /__mock/foundations/{name} makes it, and so does the first request, scenario, token or clock for it"
        )
    return ControlProblem(404, "unknown-foundation", f"foundation {name}: {detail}")


def bad_value_problem(where: str, found: Any, allowed: str, mend: str) -> ControlProblem:
    """The problem (422) of a value that can't be used."""
    text = found if isinstance(found, str) else msgspec.json.encode(found).decode()
    return ControlProblem(422, "bad-value", f"{where}: {text[:200]!r} is not {allowed}; {mend}")


def parse_duration_field(where: str, text: str) -> int:
    """A duration's microseconds.

    Raises:
        ControlProblem: 422, it is not a duration.
    """
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ControlProblem(422, "bad-duration", f"{where}: {text[:80]!r} is not a duration: {error}") from None


def parse_moment_field(where: str, text: str) -> int:
    """A moment's microseconds since the epoch.

    Raises:
        ControlProblem: 422, it is not a moment, or is out of range.
    """
    try:
        microseconds = parse_zoned_moment(text)
    except (ValueError, OverflowError):
        raise bad_value_problem(where, text, "a moment with its zone", "write it as 2026-03-23T18:48:22Z") from None
    if not 0 <= microseconds <= LATEST_MOMENT:
        raise bad_value_problem(where, text, "between 1970 and 9999", "take another one")
    return microseconds


class ControlCall(msgspec.Struct, frozen=True, kw_only=True):
    """One control call, read and validated.

    Attributes:
        operation: the operationId.
        path: the path parameters, as their types.
        query: the query parameters, as their types, defaults filled in; None for one that is not given.
        headers: by name in lower case.
        base_url: scheme and host that it was sent to.
        real_time: microseconds since the epoch.
        body: the JSON body's value; None if there is none, or if the body is not JSON.
        text: the body's text.
        prepared: what the operation's preparation made of the body, None where it has no preparation.
    """

    operation: str
    path: Mapping[str, Any]
    query: Mapping[str, Any]
    headers: Mapping[bytes, bytes]
    base_url: str
    real_time: int
    body: Any = None
    text: str = ""
    prepared: Any = None

    def has_any_tag(self, header: bytes) -> bool:
        """Whether `If-Match` or `If-None-Match` is `*`: whatever there is, as long as there is something."""
        return b"*" in [tag.strip() for tag in self.headers.get(header, b"").split(b",")]


class ControlAnswer(msgspec.Struct, frozen=True):
    """What a handler answers.

    Attributes:
        body: JSON's values, or text if the media type is not JSON; None for no body.
    """

    body: Any
    status: int = 200
    media_type: str = JSON


class ControlWait(msgspec.Struct, frozen=True):
    """What a handler answers that has to wait.

    Attributes:
        until: subscribes to what is waited for, and returns what ends the subscription, as in a PendingRequest.
        at_most: microseconds after which it is waited for no longer.
        ask_again: goes on; takes the real time of that moment in microseconds.
    """

    until: Callable[[Callable[[], None]], Callable[[], None]]
    at_most: int
    ask_again: "Callable[[int], ControlOutcome]"


class ControlWork(msgspec.Struct, frozen=True):
    """What a handler answers whose work takes long: it is done in the worker room, so that other clients are served.

    Attributes:
        work: works with values that nothing writes to any more, never with a foundation. Gives the answer, or what
            `finish` needs.
        finish: goes on where exchanges are made; takes the real time of that moment in microseconds, and what `work`
            gave. None where that is the answer.
    """

    work: Callable[[], Any]
    finish: "Callable[[int, Any], ControlOutcome] | None" = None


ControlOutcome = ControlAnswer | ControlWait | ControlWork

MAX_LOOP_STEPS = 200
"""Of how many entities an answer may be made where exchanges are made; one of more is made in the worker room."""

MAX_LOOP_JOURNAL_BYTES = 128 * 1024
"""The same for what is read of a journal, in bytes: some two hundred exchanges, or one with a large body."""


def answer_in_turn(is_long: bool, make: Callable[[], ControlAnswer]) -> ControlAnswer | ControlWork:
    """What `make` answers: at once where that is short, else in the worker room."""
    return ControlWork(make) if is_long else make()


class HoldReleaser(Protocol):
    """What the control API needs of the requests that its server holds."""

    def release(self, hold: HoldKey) -> int:
        """Lets the requests of a hold go on; says how many there were. To be called where exchanges are made."""


class CallPlaces:
    """Bounds how many calls of a kind there are at once.

    Args:
        most: how many.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._taken = 0

    def take(self) -> bool:
        """Takes a place; says whether there was one."""
        if self._taken >= self.most:
            return False
        self._taken += 1
        return True

    def give_back(self) -> None:
        self._taken -= 1


MAX_WAITING_CALLS = 48
MAX_STREAMS = 64


@dataclass(frozen=True, slots=True)
class ControlContext:
    """What handlers work with.

    Attributes:
        peers: the other shards, where this is one of several.
        read_gauges: what the server knows of itself, for metrics; None where none listens.
        waiting: the places of calls that wait.
        streams: the places of calls that follow a journal.
        shared_lines: what those are sent.
    """

    service: Service
    holds: HoldReleaser
    peers: Peers = field(default_factory=Peers)
    read_gauges: "Callable[[], ServerGauges] | None" = None
    waiting: CallPlaces = field(default_factory=lambda: CallPlaces(MAX_WAITING_CALLS))
    streams: CallPlaces = field(default_factory=lambda: CallPlaces(MAX_STREAMS))
    shared_lines: SharedLines = field(default_factory=SharedLines)

    def asks_peers(self, call: ControlCall) -> bool:
        """Whether a call is about all shards, and there are others to ask."""
        return bool(self.peers.urls) and call.query["shards"] != "own"

    def must_keep(self) -> SnapshotKeeper:
        """What keeps the foundations in a store.

        Raises:
            ControlProblem: 409, nothing does.
        """
        keeper = self.service.keeper
        if keeper is None:
            raise ControlProblem(
                409, "no-store", "this server keeps nothing; start it with --store file:DIR, or --store redis://HOST"
            )
        return keeper

    def find_foundation(self, call: ControlCall) -> tuple[FoundationState, int]:
        """The foundation that a call names, and its time in virtual microseconds.

        Raises:
            ControlProblem: 404, there is none of that name.
        """
        name = call.path["name"]
        foundation = self.service.registry.find_active(name, call.real_time)
        if foundation is None:
            self.service.registry.must_own(name)
            raise unknown_foundation_problem(name, self.service.registry.describe_absence(name))
        return foundation, foundation.world.clock.now(call.real_time)

    @contextmanager
    def find_or_create_foundation(self, call: ControlCall) -> Iterator[tuple[FoundationState, int]]:
        """The same for a call that prepares a foundation: it is made if there is none of that name.

        Where the block raises, a foundation that was made for it is taken away again.

        Raises:
            ControlProblem: 404, there is none, and `If-Match: *` requires one.
            Refusal: there are too many.
        """
        name, registry = call.path["name"], self.service.registry
        found = registry.find_active(name, call.real_time)
        if found is None:
            registry.must_own(name)
        if found is None and call.has_any_tag(b"if-match"):
            raise unknown_foundation_problem(name, registry.describe_absence(name))
        foundation = found or registry.create(name, None, call.real_time)
        try:
            yield foundation, foundation.world.clock.now(call.real_time)
        except Exception:
            if found is None:
                registry.take_back(foundation)
            raise


ControlHandler = Callable[[ControlContext, ControlCall], ControlOutcome]
"""One operation of the control API. Runs where exchanges are made, so it never waits, and what takes long is a
ControlWork."""

Preparation = Callable[[ControlContext, ControlCall], Callable[[str], Any]]
"""What an operation does with its body's text before its handler runs. Called where exchanges are made, with a call
that has no body yet. What it returns is called with the text, in a worker thread if the body is large, so that
function must not touch a foundation. The handler finds its result in `ControlCall.prepared`."""


def index_handlers(*handlers: ControlHandler) -> dict[str, ControlHandler]:
    """Handlers by their names, which are the operationIds of the control API's document."""
    return {handler.__name__: handler for handler in handlers}


def response_from_control_answer(
    answer: ControlAnswer, encode: Callable[[Any], bytes] = msgspec.json.encode
) -> Response:
    """An answer as a door sends it.

    Args:
        encode: makes JSON of a value.
    """
    if answer.body is None:
        return make_control_response(answer.status, b"", "")
    content = encode(answer.body) if answer.media_type == JSON else str(answer.body).encode()
    return make_control_response(answer.status, content, answer.media_type)


MAX_PARTED_DEPTH = 6
"""How deep the lists lie that may have thousands of values: in a state the apps."""


def encode_in_parts(value: Any, depth: int = 0) -> bytes:
    """A value as JSON. A large one is encoded part by part, since one step of the encoder lets no other thread run."""
    if depth < MAX_PARTED_DEPTH:
        if isinstance(value, dict) and value:
            parts = [_encode(str(key)) + b":" + encode_in_parts(each, depth + 1) for key, each in value.items()]
            return b"{" + b",".join(parts) + b"}"
        if isinstance(value, list) and value:
            return b"[" + b",".join([encode_in_parts(each, depth + 1) for each in value]) + b"]"
    return _encode(value)


_encode = msgspec.json.Encoder().encode


def response_from_problem(problem: ControlProblem, instance: str) -> Response:
    """A problem as a door sends it.

    Args:
        instance: the path of the call.
    """
    body = {
        "type": f"urn:mockfoundry:{problem.kind}",
        "title": PROBLEM_TITLES.get(problem.status, "Problem"),
        "status": problem.status,
        "detail": abbreviate_detail(problem.detail),
        "instance": instance,
    }
    response = make_control_response(problem.status, msgspec.json.encode(body), PROBLEM_MEDIA_TYPE)
    response.headers.extend(problem.headers)
    return response


def abbreviate_detail(detail: str) -> str:
    """A problem's detail, which says where it was cut."""
    if len(detail) <= MAX_DETAIL_LENGTH:
        return detail
    return f"{detail[:MAX_DETAIL_LENGTH]}…\n({len(detail) - MAX_DETAIL_LENGTH} more characters are left out)"


def make_control_response(status: int, content: bytes, media_type: str) -> Response:
    headers: list[tuple[bytes, bytes]] = []
    if media_type:
        headers.append((b"content-type", media_type.encode("latin-1")))
    if status != 204:
        headers.append((b"content-length", b"%d" % len(content)))
    return Response(status, headers, content, "", shows_reason=False, has_platform_headers=False)
