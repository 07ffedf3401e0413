"""Replays: the failures that a foundation's clients have met, as the smallest scenario that plays them again.

Never plays one. What the world refused of itself is left out: it would refuse it again. What a world refused that a
scenario had changed is an answer of the replay, so that the replay needs nothing beside it. What a request asked for
by itself (`Prefer`, `X-Mock-Scenario`) it will ask for again, and it is no call that the replay counts. What a
scenario only changed in the headers of an answer that worked is not played again. Calls are numbered in the order in
which they were answered, which is another one for those that were held.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from mockfoundry.assembly import ERRORS
from mockfoundry.cloudfoundry.errors import CATALOGUE
from mockfoundry.contract import Contract
from mockfoundry.control.clerk import Clerk, Handlers
from mockfoundry.foundations import Foundation
from mockfoundry.journal import NOTHING, Entry, Journal
from mockfoundry.outcomes import JSON, TEXT, encoded
from mockfoundry.scenarios import Respond, Rule, Scenario, check_scenario
from mockfoundry.scenarios.schedules import Failure, scenario_of
from mockfoundry.scenarios.values import Fault, Phase

SHORTEST_DELAY = 1_000
"""Microseconds below which a delay is none that a client would notice."""

_TOLD = (b"retry-after",)
"""The headers of an answer that clients act upon."""

_BY_ITSELF = "prefer"
"""Why an answer was given that its request asked for by a preference."""


def replay_handlers(clerk: Clerk) -> Handlers:
    """The handler of a foundation's replay."""
    contract = clerk.service.contract

    def show_replay(name: str) -> dict[str, Any]:
        def read(foundation: Foundation, now: int) -> dict[str, Any]:
            found = list(failures(foundation, contract))
            scenario = None
            if found:
                scenario = allowed(in_rows(scenario_of(found, list(contract.plans.values()))), contract)
            return {
                "scenario": None if scenario is None else scenario.to_yaml(),
                "failures": len(found),
                "dropped": foundation.journal.dropped,
            }

        return clerk.within(name, read)

    return {"show_replay": show_replay}


def failures(foundation: Foundation, contract: Contract) -> Iterator[Failure]:
    """What went wrong on purpose, each with the number of its call, those that were forgotten included."""
    journal = foundation.journal
    entries = [entry for entry in journal if not asked_for(entry)]
    held = Counter(entry.operation for entry in journal)
    calls = Counter({operation: met_of(journal, operation) - held[operation] for operation in held})
    for entry in entries:
        plan = contract.plans.get(entry.operation)
        if plan is None:
            continue
        calls[entry.operation] += 1
        respond = respond_of(entry) if entry.scenario or entry.worldly else None
        if respond is not None:
            yield Failure(plan, respond, calls[entry.operation])


def asked_for(entry: Entry) -> bool:
    """Whether a request asked for its answer itself, so that no scenario of the foundation was asked."""
    return entry.said == _BY_ITSELF or b"x-mock-scenario" in entry.sent_headers


def met_of(journal: Journal, operation: str) -> int:
    """How often an operation was called ever."""
    return sum(times for cell, times in journal.met.items() if cell[0] == operation)


def respond_of(entry: Entry) -> Respond | None:
    """What a rule has to answer for a client to meet the same; None where it met nothing."""
    phase: Phase = "after" if entry.phase == "after" else "before"
    delay = entry.delay if entry.delay >= SHORTEST_DELAY else 0
    if entry.fault:
        return Respond(fault=msgspec.convert(entry.fault, Fault), phase=phase, delay=delay)
    if entry.status < 400 and not entry.phase:
        return Respond(delay=delay) if delay else None
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in entry.answer_headers if name in _TOLD}
    body, text = entry.answered, entry.answer.decode("utf-8", "replace")
    title, detail = told(body)
    known = CATALOGUE.get(title)
    if known is not None and known.status == entry.status and encoded(entry.status, body, "").body == entry.answer:
        words = None if detail == known.detail else detail
        return Respond(error=title, detail=words, phase=phase, delay=delay, headers=headers)
    media_type = entry.answer_header(b"content-type")
    is_same = body is not NOTHING and msgspec.json.encode(body) == entry.answer
    if media_type and media_type.encode("latin-1") != (JSON if is_same else TEXT):
        headers["Content-Type"] = media_type
    if is_same:
        return Respond(status=entry.status, body=body, phase=phase, delay=delay, headers=headers)
    return Respond(status=entry.status, text=text or None, phase=phase, delay=delay, headers=headers)


def told(body: Any) -> tuple[str, str]:
    """Title and detail of an error that is the Cloud Controller's, else nothing."""
    match body:
        case {"errors": [{"title": str(title), "detail": str(detail)}]}:
            return title, detail
        case _:
            return "", ""


def in_rows(scenario: Scenario) -> Scenario:
    """A schedule with one rule for calls in a row that meet the same: its rules have the latest call first."""
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


def allowed(scenario: Scenario, contract: Contract) -> Scenario:
    """A scenario that may be played: what the contract does not document is said to be meant."""
    if not check_scenario(scenario.to_yaml(), contract, ERRORS, source="replay"):
        return scenario
    replace = msgspec.structs.replace
    rules = tuple(
        replace(rule, respond=rule.respond and replace(rule.respond, undocumented=True)) for rule in scenario.rules
    )
    return replace(scenario, rules=rules)
