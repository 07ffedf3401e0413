"""Replays: the scenario that gives clients the same failures again, written from a journal. Never plays one.

It is the smallest such scenario:

- what the world refused by itself is left out, since it would refuse it again;
- what was refused because a scenario had changed the world is answered by the replay, which so needs nothing else;
- what a request named itself (`Prefer`, `X-Mock-Scenario`) is left out and not counted, since it names it again;
- what a scenario changed only in the headers of an answer that worked is left out;
- calls are numbered in the order in which they came, as rules count them; those that still wait count, too.
"""

import base64
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from mockfoundry.assembly import ERROR_STATUSES
from mockfoundry.cloudfoundry.api.request import JSON_MEDIA_TYPE
from mockfoundry.cloudfoundry.errors import CATALOGUE, CatalogueEntry, Refusal
from mockfoundry.contract.load import Contract
from mockfoundry.control.context import (
    MAX_LOOP_JOURNAL_BYTES,
    ControlAnswer,
    ControlCall,
    ControlContext,
    ControlWork,
    answer_in_turn,
    index_handlers,
)
from mockfoundry.exchange.documented import STATUSES_WITHOUT_BODY
from mockfoundry.exchange.response import BINARY_MEDIA_TYPE, TEXT_MEDIA_TYPE, response_from_refusal
from mockfoundry.journal.entry import NO_BODY, JournalEntry, RecordedResponse, decode_json_body, redact_entry
from mockfoundry.journal.marks import BINARY_PREFIX
from mockfoundry.journal.store import Journal
from mockfoundry.journal.written_bodies import decode_text
from mockfoundry.scenarios.lint import check_scenario
from mockfoundry.scenarios.model import Respond, RespondPhase, Rule, Scenario
from mockfoundry.scenarios.schedules import Failure, scenario_from_failures

MIN_REPLAYED_DELAY = 1_000
"""Microseconds; a shorter delay is left out, since no client would notice it."""

_REPLAYED_HEADERS = (b"retry-after",)
"""The headers of an answer that clients act upon."""


def show_replay(context: ControlContext, call: ControlCall) -> ControlAnswer | ControlWork:
    contract = context.service.served
    foundation, _ = context.find_foundation(call)
    journal = foundation.journal.snapshot()
    return answer_in_turn(journal.size > MAX_LOOP_JOURNAL_BYTES, lambda: answer_with_replay(journal, contract))


def answer_with_replay(journal: Journal, contract: Contract) -> ControlAnswer:
    failures = list(find_failures(journal, contract))
    scenario = None
    if failures:
        schedule = merge_equal_rules(scenario_from_failures(failures, list(contract.plans.values())))
        scenario = allow_undocumented(schedule, contract)
    body = {
        "scenario": None if scenario is None else scenario.to_yaml(),
        "failures": len(failures),
        "dropped": journal.dropped,
    }
    return ControlAnswer(body)


def find_failures(journal: Journal, contract: Contract) -> Iterator[Failure]:
    """What went wrong on purpose, each with the number of its call; calls that the journal forgot are counted too."""
    entries = [entry for entry in journal if not asked_for_own_response(entry)]
    held = Counter(entry.operation for entry in journal)
    calls = Counter({operation: count_operation_calls(journal, operation) - held[operation] for operation in held})
    for entry in entries:
        plan = contract.plans.get(entry.operation)
        if plan is None:
            continue
        calls[entry.operation] += 1
        if respond_from_response(entry.response) is None:
            continue
        respond = respond_from_response(redact_response(entry))
        if respond is not None:
            yield Failure(plan, respond, calls[entry.operation])


def redact_response(entry: JournalEntry) -> RecordedResponse:
    """The response of an exchange as a file may hold it: what the client sent, or got, of secrets is redacted."""
    response, shown = entry.response, redact_entry(entry).answer
    if shown is None or shown in (response.value, decode_text(response.body, response.header(b"content-type"))):
        # Nothing is hidden. Bytes that are no text under a text's label stay what they are.
        return response
    if not isinstance(shown, str):
        content = msgspec.json.encode(shown)
    elif shown.startswith(BINARY_PREFIX):
        content = base64.b64decode(shown.removeprefix(BINARY_PREFIX))
    else:
        content = shown.encode()
    return msgspec.structs.replace(response, body=content)


def asked_for_own_response(entry: JournalEntry) -> bool:
    """Whether a request named its answer in a header, so that no scenario of the foundation decided."""
    return entry.response.decided_by == "preference" or b"x-mock-scenario" in entry.headers


def count_operation_calls(journal: Journal, operation: str) -> int:
    """How often an operation was called since the foundation was made, forgotten calls included."""
    return sum(times for hit_key, times in journal.hit_counts.items() if hit_key[0] == operation)


def respond_from_response(response: RecordedResponse) -> Respond | None:
    """What a rule has to answer so that a client meets the same; None where no scenario was the cause of it."""
    if not (response.scenario or response.refused_by_modified_world):
        return None
    phase: RespondPhase = "after" if response.phase == "after" else "before"
    delay = response.delay if response.delay >= MIN_REPLAYED_DELAY else 0
    if response.fault:
        return Respond(fault=response.fault, phase=phase, delay=delay)
    if response.status < 400 and not response.phase:
        return Respond(delay=delay) if delay else None
    return respond_with_answer(response, phase, delay)


def respond_with_answer(response: RecordedResponse, phase: RespondPhase = "before", delay: int = 0) -> Respond:
    """What a rule has to answer so that a client gets this answer.

    Args:
        delay: microseconds that it waits.
    """
    headers = {
        name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers if name in _REPLAYED_HEADERS
    }
    body = response.value
    # The rate limiter sends its JSON as text.
    title, detail = error_of_body(decode_json_body(response.body, "application/json"))
    known = CATALOGUE.get(title)
    if known is not None and is_answer_of(known, detail, response):
        words = None if detail == known.detail else detail
        return Respond(error=title, detail=words, phase=phase, delay=delay, headers=headers)
    respond = Respond(status=response.status, phase=phase, delay=delay)
    own_type = TEXT_MEDIA_TYPE
    if body is not NO_BODY and msgspec.json.encode(body) == response.body:
        own_type = JSON_MEDIA_TYPE
        respond = msgspec.structs.replace(respond, body=body)
    elif response.body:
        try:
            respond = msgspec.structs.replace(respond, text=response.body.decode())
        except UnicodeDecodeError:
            own_type = BINARY_MEDIA_TYPE
            respond = msgspec.structs.replace(respond, base64=response.body)
    elif response.status not in STATUSES_WITHOUT_BODY:
        # Without a body of its own it would be answered with the contract's example.
        respond = msgspec.structs.replace(respond, text="")
    media_type = response.header(b"content-type")
    if media_type and media_type.encode("latin-1") != own_type:
        headers["Content-Type"] = media_type
    return msgspec.structs.replace(respond, headers=headers)


def is_answer_of(entry: CatalogueEntry, detail: str, response: RecordedResponse) -> bool:
    """Whether a rule for an error of the catalogue, with such words, gives this response."""
    given = response_from_refusal(Refusal(entry, detail))
    kind = b"content-type"
    return (given.status, given.body, given.header(kind)) == (response.status, response.body, response.header(kind))


def error_of_body(body: Any) -> tuple[str, str]:
    """Title and detail of an error in the Cloud Controller's form; two empty texts where the body has another form."""
    match body:
        case {"errors": [{"title": str(title), "detail": str(detail)}]}:
            return title, detail
        case _:
            return "", ""


def merge_equal_rules(scenario: Scenario) -> Scenario:
    """A schedule with one rule for consecutive calls that meet the same. Its rules have the latest call first."""
    rules: list[Rule] = []
    for rule in scenario.rules:
        later = rules[-1] if rules else None
        same = later is not None and (later.operation, later.respond) == (rule.operation, rule.respond)
        if later is not None and same and later.after == rule.after + (rule.times or 0):
            times = (later.times or 0) + (rule.times or 0)
            rules[-1] = msgspec.structs.replace(rule, times=times)
        else:
            rules.append(rule)
    return msgspec.structs.replace(scenario, rules=tuple(rules))


def allow_undocumented(scenario: Scenario, contract: Contract) -> Scenario:
    """A scenario that lint accepts: an answer that the contract does not document is marked as intended."""
    if not check_scenario(scenario, contract, ERROR_STATUSES, source="replay"):
        return scenario
    replace = msgspec.structs.replace
    rules = tuple(
        replace(rule, respond=rule.respond and replace(rule.respond, undocumented=True)) for rule in scenario.rules
    )
    return replace(scenario, rules=rules)


REPLAY_HANDLERS = index_handlers(show_replay)
