"""Replays: the failures that a foundation's clients have met, as the smallest scenario that plays them again.

Never plays one. What the world refused of itself is left out: it would refuse it again. Where a scenario that changes
the world is on, its refusals are answers of the replay too, so that the replay needs nothing beside it.
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
from mockfoundry.journal import NOTHING, Entry
from mockfoundry.scenarios import Respond, Rule, Scenario, check_scenario
from mockfoundry.scenarios.schedules import Failure, scenario_of
from mockfoundry.scenarios.values import Fault, Phase

SHORTEST_DELAY = 1_000
"""Microseconds below which a delay is none that a client would notice."""

_TOLD = (b"retry-after",)
"""The headers of an answer that clients act upon."""


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
    """What went wrong on purpose, each with the number of its call."""
    worldly = any(scenario.given or scenario.events for scenario in foundation.lineup.scenarios)
    calls: Counter[str] = Counter()
    for entry in foundation.journal:
        plan = contract.plans.get(entry.operation)
        if plan is None:
            continue
        calls[entry.operation] += 1
        if entry.scenario or (worldly and entry.status >= 400):
            respond = respond_of(entry)
            if respond is not None:
                yield Failure(plan, respond, calls[entry.operation])


def respond_of(entry: Entry) -> Respond | None:
    """What a rule has to answer for a client to meet the same; None where it met nothing."""
    phase: Phase = "after" if entry.phase == "after" else "before"
    delay = entry.delay if entry.delay >= SHORTEST_DELAY else 0
    if entry.fault:
        return Respond(fault=msgspec.convert(entry.fault, Fault), phase=phase, delay=delay)
    if entry.status < 400:
        return Respond(delay=delay) if delay else None
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in entry.answer_headers if name in _TOLD}
    body = entry.answered
    title, detail = told(body)
    known = CATALOGUE.get(title)
    if known is not None and known.status == entry.status:
        words = None if detail == known.detail else detail
        return Respond(error=title, detail=words, phase=phase, delay=delay, headers=headers)
    if body is not NOTHING:
        return Respond(status=entry.status, body=body, phase=phase, delay=delay, headers=headers)
    text = entry.answer.decode("utf-8", "replace") if entry.answer else None
    return Respond(status=entry.status, text=text, phase=phase, delay=delay, headers=headers)


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
