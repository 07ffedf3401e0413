"""The comparison: a recording played on a foundation of its own seed, and where the answers differ. Never prints it.

A request whose recorded failure the foundation does not give is not played for good: what comes after it would differ
only because of that.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal

import msgspec

from mockfoundry.cloudfoundry.uaa.operations import UAA_ENVELOPE
from mockfoundry.contract.load import Contract
from mockfoundry.contract.plan import Plan
from mockfoundry.control.replays import error_of_body
from mockfoundry.documents.problems import Document
from mockfoundry.exchange.response import Response
from mockfoundry.journal.entry import NO_BODY, decode_json_body
from mockfoundry.options import ServerOptions
from mockfoundry.recording.contract_differences import find_undocumented
from mockfoundry.recording.har import NO_ANSWER, HarEntry, Recording
from mockfoundry.recording.likeness import Likeness, Mismatch, describe, find_guids
from mockfoundry.recording.playing import OUR_URL, RecordingPlayer
from mockfoundry.recording.seed_from import seed_text_from_recording
from mockfoundry.recording.seen import find_api_path, is_of_upstream
from mockfoundry.recording.times import follow_foundation_clock

FOUNDATION_DOCUMENTS = frozenset({"getRoot", "getV3Root", "getInfo", "getV2Info"})
"""Operations that tell of the foundation itself: its hosts and versions are its own."""

STATS = frozenset({"getProcessStats", "getProcessStatsForApp", "getProcessInstances"})

HEADERS = ("location", "retry-after", "content-type", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
"""Headers of answers that clients act upon."""

HEADERS_BY_SHAPE = frozenset({"retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"})
"""Of these it is compared whether they are there, and whether they are numbers."""

DifferenceOf = Literal["behaviour", "contract"]


class Difference(msgspec.Struct, frozen=True):
    """The same difference in all answers of an operation that have it.

    Attributes:
        of: what a recorded answer differs from: what mockfoundry does, or what the contract documents.
        operation: the operationId, or method and path where the contract has no operation.
        place: `status`, `headers.NAME`, or in the body `body.resources[].state`.
        text: what was found, in words, in the first of them.
        times: in how many answers and places.
        first: the number of the first exchange, from 1.
        request: method and path of that one.
    """

    of: DifferenceOf
    operation: str
    place: str
    text: str
    times: int
    first: int
    request: str


class Comparison(msgspec.Struct):
    """What came of playing a recording.

    Attributes:
        played: how many exchanges were played.
        unplayed: how many were not, by the reason.
        equal_by_rule: how often a rule of likeness was needed, by its name.
    """

    differences: list[Difference]
    played: int
    unplayed: dict[str, int]
    equal_by_rule: dict[str, int]


def compare_recording(recording: Recording, options: ServerOptions, source: str) -> Comparison:
    """Plays a recording on a foundation, and compares the answers.

    Args:
        options: of the server that has the foundation. Without a seed it gets the recording's own.
        source: the name of the recording's file.

    Raises:
        ContractError, DocumentError, OSError: the options can't be used.
    """
    return play_recording(recording, options, source).finish()


def play_recording(recording: Recording, options: ServerOptions, source: str) -> "Comparer":
    """What has compared all of a recording, played by its foundation's clock on the options' seed, else on its own.

    Raises:
        ContractError, DocumentError, OSError: the options can't be used.
    """
    recording = follow_foundation_clock(recording)
    is_partial = options.seed is None
    if is_partial:
        text = seed_text_from_recording(recording, source)
        options = replace(options, seed=Document(text, f"the seed of {source}"))
    comparer = Comparer(recording, options, is_partial)
    for number, entry in enumerate(recording.entries, 1):
        comparer.compare_entry(number, entry)
    return comparer


class Comparer:
    """Compares a recording's exchanges, in their order.

    Args:
        is_partial: whether the seed was made of the recording, and so has only what that shows.

    Attributes:
        unrepeated: the numbers of the exchanges that failed, and whose failure mockfoundry does not give by itself.

    Raises:
        ContractError, DocumentError, OSError: the options can't be used.
    """

    def __init__(self, recording: Recording, options: ServerOptions, is_partial: bool) -> None:
        began = recording.entries[0].started if recording.entries else 0
        self._upstream = recording.upstream
        self._player = RecordingPlayer(options, began, recording.upstream)
        seed = options.seed
        text = seed.text if isinstance(seed, Document) else read_seed_text(seed)
        self._likeness = Likeness(recording.upstream, OUR_URL, find_guids(text), is_partial)
        self._found: dict[tuple[DifferenceOf, str, str, str], Difference] = {}
        self._unplayed: Counter[str] = Counter()
        self._played = 0
        self.unrepeated: list[int] = []

    def finish(self) -> Comparison:
        used = {str(rule): times for rule, times in sorted(self._likeness.used.items())}
        return Comparison(list(self._found.values()), self._played, dict(self._unplayed), used)

    def find_plan(self, entry: HarEntry) -> Plan | None:
        """The operation that a request asks for; None where the contract has none."""
        return self._player.find_plan(entry)

    @property
    def contract(self) -> Contract:
        """Everything that is served to the recording."""
        return self._player.service.served

    def compare_entry(self, number: int, entry: HarEntry) -> None:
        """Plays an exchange, and notes where it differs."""
        plan = self.find_plan(entry)
        path = find_api_path(entry.url, self._upstream)
        operation = f"{entry.method} {path}" if plan is None else plan.operation
        request = f"{entry.method} {path}"
        is_api = is_of_upstream(entry.url, self._upstream)
        if plan is None and is_api:
            self._note("contract", operation, "operation", "is not documented", number, request)
        if plan is not None and (is_api or plan.error_envelope == UAA_ENVELOPE):
            for place, text in find_undocumented(entry, plan):
                self._note("contract", operation, place, text, number, request)
        reason = why_unplayed(entry, plan, is_api)
        if reason:
            self._unplayed[reason] += 1
            return
        self._played += 1
        self._likeness.has_changed |= not is_failure(entry) and entry.method not in ("GET", "HEAD", "OPTIONS")
        translated = self._translate(entry)
        response = self._answer(translated)
        if is_failure(entry) and not is_same_failure(entry, response):
            self.unrepeated.append(number)
        for mismatch in self._compare(entry, response, operation):
            text = describe_mismatch(mismatch)
            self._note("behaviour", operation, mismatch.place, text, number, request, mismatch.kind)

    def _translate(self, entry: HarEntry) -> HarEntry:
        translate = self._likeness.translate
        content = entry.content
        with suppress(UnicodeDecodeError):
            content = translate(content.decode()).encode()
        return msgspec.structs.replace(entry, url=translate(entry.url), content=content)

    def _answer(self, entry: HarEntry) -> Response:
        if not is_failure(entry):
            return self._player.play(entry)
        tried = self._player.try_out(entry)
        return self._player.play(entry) if has_failed(tried) else tried

    def _note(
        self, of: DifferenceOf, operation: str, place: str, text: str, number: int, request: str, kind: str = ""
    ) -> None:
        key = (of, operation, place, kind or text)
        found = self._found.get(key)
        if found is None:
            self._found[key] = Difference(of, operation, place, text, 1, number, request)
        else:
            self._found[key] = msgspec.structs.replace(found, times=found.times + 1)

    def _compare(self, entry: HarEntry, response: Response, operation: str) -> Iterator[Mismatch]:
        if entry.status == NO_ANSWER or response.fault:
            if not (entry.status == NO_ANSWER and response.fault):
                yield Mismatch("status", "value", describe_status(entry), describe_our_status(response))
            return
        if entry.status != response.status:
            yield Mismatch("status", "value", describe_status(entry), describe_our_status(response))
        yield from self._compare_headers(entry, response)
        is_alike = (entry.status < 400) == (response.status < 400)
        if not is_alike or operation in FOUNDATION_DOCUMENTS or not has_whole_answer(entry):
            return
        value, ours = entry.value, response.value
        if value is msgspec.UNSET or ours is NO_BODY:
            yield from self._compare_texts(entry, response)
            return
        yield from self._likeness.compare_bodies(value, ours, operation in STATS)

    def _compare_texts(self, entry: HarEntry, response: Response) -> Iterator[Mismatch]:
        recorded, ours = entry.answer.decode("latin-1"), response.body.decode("latin-1")
        if not self._likeness.is_like(recorded, ours):
            yield Mismatch("body", "value", describe(recorded), describe(ours))

    def _compare_headers(self, entry: HarEntry, response: Response) -> Iterator[Mismatch]:
        for name in HEADERS:
            recorded, ours = entry.answer_header(name), response.header(name.encode())
            place = f"headers.{name}"
            if bool(recorded) != bool(ours):
                yield Mismatch(place, "missing" if recorded else "extra", recorded, ours)
            elif name == "content-type":
                # A blank before a parameter says nothing.
                if recorded.replace(" ", "").lower() != ours.replace(" ", "").lower():
                    yield Mismatch(place, "value", recorded, ours)
            elif name in HEADERS_BY_SHAPE:
                if recorded.isdigit() != ours.isdigit():
                    yield Mismatch(place, "type", recorded, ours)
            elif not self._likeness.is_like(recorded, ours):
                yield Mismatch(place, "value", recorded, ours)


def read_seed_text(path: str | None) -> str:
    """The text of a seed's file; empty for none."""
    return "" if path is None else Path(path).read_text("utf-8")


def why_unplayed(entry: HarEntry, plan: Plan | None, is_api: bool) -> str:
    """Why a request can't be played; empty where it can.

    Args:
        is_api: whether it went to the API's host.
    """
    if plan is not None and plan.error_envelope == UAA_ENVELOPE:
        return "log-in: a recording has no passwords and no tokens"
    if not is_api:
        return "another host than the API's"
    if entry.status == 401 and entry.header("authorization"):
        return "refused token: a recording has no tokens"
    if "request's body" in entry.comment:
        return "the body is not in the recording"
    return ""


def has_whole_answer(entry: HarEntry) -> bool:
    """Whether the recording has the body of an answer as it was sent."""
    told = entry.comment
    return entry.method != "HEAD" and not any(
        each in told for each in ("answer's body", "broken off", "client has left")
    )


def is_failure(entry: HarEntry) -> bool:
    return entry.status >= 400 or entry.status == NO_ANSWER


def is_same_failure(entry: HarEntry, response: Response) -> bool:
    """Whether two clients have the same reason to think that it did not work."""
    if entry.status == NO_ANSWER or response.fault:
        return entry.status == NO_ANSWER and bool(response.fault)
    return describe_status(entry) == describe_our_status(response)


def has_failed(response: Response) -> bool:
    return response.status >= 400 or bool(response.fault)


def describe_mismatch(mismatch: Mismatch) -> str:
    """A difference between the recording and mockfoundry, in words."""
    if mismatch.kind == "missing":
        return f"only in the recording: {mismatch.recorded}"
    if mismatch.kind == "extra":
        return f"only of mockfoundry: {mismatch.ours}"
    return f"recorded {mismatch.recorded}, mockfoundry {mismatch.ours}"


def describe_status(entry: HarEntry) -> str:
    """A recorded status, with the error's title."""
    if entry.status == NO_ANSWER:
        return "no answer"
    title, _ = error_of_body(decode_json_body(entry.answer, "application/json"))
    return f"{entry.status} {title}".strip()


def describe_our_status(response: Response) -> str:
    if response.fault:
        return f"no answer ({response.fault})"
    title, _ = error_of_body(decode_json_body(response.body, "application/json"))
    return f"{response.status} {title}".strip()
