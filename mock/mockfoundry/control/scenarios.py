"""Replays: the failures that a foundation's clients have met, as the smallest scenario that plays them again.

Never plays one. What the world refused of itself is left out: it would refuse it again. What a world refused that a
scenario had changed is an answer of the replay, so that the replay needs nothing beside it. What a request asked for
by itself (`Prefer`, `X-Mock-Scenario`) it will ask for again, and it is no call that the replay counts. What a
scenario only changed in the headers of an answer that worked is not played again. Calls are numbered in the order in
which they were answered, which is another one for those that were held.

Scenarios: the library listed, and what is on in a foundation shown, switched on and off. Never matches a request.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from mockfoundry.assembly import ERROR_STATUSES
from mockfoundry.cloudfoundry.errors import CATALOGUE
from mockfoundry.contract.load import Contract
from mockfoundry.control.context import ControlContext, ControlProblem, Handlers, read_body_text
from mockfoundry.documents.problems import Document, did_you_mean
from mockfoundry.exchange.response import JSON_MEDIA_TYPE, TEXT_MEDIA_TYPE, json_response
from mockfoundry.foundations.effects import switch_scenario_off, switch_scenario_on
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.journal.entry import NO_BODY, JournalEntry, format_precise_moment
from mockfoundry.journal.store import Journal
from mockfoundry.scenarios.format import scenario_to_dict
from mockfoundry.scenarios.library import list_library_files, load_scenarios
from mockfoundry.scenarios.lint import check_scenario
from mockfoundry.scenarios.model import Respond, RespondPhase, Rule, Scenario
from mockfoundry.scenarios.schedules import Failure, scenario_from_failures

MIN_REPLAYED_DELAY = 1_000
"""Microseconds below which a delay is none that a client would notice."""

_REPLAYED_HEADERS = (b"retry-after",)
"""The headers of an answer that clients act upon."""

_PREFERENCE_REASON = "prefer"
"""Why an answer was given that its request asked for by a preference."""


def replay_handlers(context: ControlContext) -> Handlers:
    """The handler of a foundation's replay."""
    contract = context.service.contract

    def show_replay(name: str) -> dict[str, Any]:
        def read(foundation: FoundationState, now: int) -> dict[str, Any]:
            found = list(find_failures(foundation, contract))
            scenario = None
            if found:
                scenario = allow_undocumented(
                    merge_equal_rules(scenario_from_failures(found, list(contract.plans.values()))), contract
                )
            return {
                "scenario": None if scenario is None else scenario.to_yaml(),
                "failures": len(found),
                "dropped": foundation.journal.dropped,
            }

        return context.run_in_foundation(name, read)

    return {"show_replay": show_replay}


def find_failures(foundation: FoundationState, contract: Contract) -> Iterator[Failure]:
    """What went wrong on purpose, each with the number of its call, those that were forgotten included."""
    journal = foundation.journal
    entries = [entry for entry in journal if not asked_for_own_response(entry)]
    held = Counter(entry.operation for entry in journal)
    calls = Counter({operation: count_operation_calls(journal, operation) - held[operation] for operation in held})
    for entry in entries:
        plan = contract.plans.get(entry.operation)
        if plan is None:
            continue
        calls[entry.operation] += 1
        respond = respond_from_entry(entry) if entry.scenario or entry.refused_by_modified_world else None
        if respond is not None:
            yield Failure(plan, respond, calls[entry.operation])


def asked_for_own_response(entry: JournalEntry) -> bool:
    """Whether a request asked for its answer itself, so that no scenario of the foundation was asked."""
    return entry.reason == _PREFERENCE_REASON or b"x-mock-scenario" in entry.request_headers


def count_operation_calls(journal: Journal, operation: str) -> int:
    """How often an operation was called ever."""
    return sum(times for hit_key, times in journal.hit_counts.items() if hit_key[0] == operation)


def respond_from_entry(entry: JournalEntry) -> Respond | None:
    """What a rule has to answer for a client to meet the same; None where it met nothing."""
    phase: RespondPhase = "after" if entry.phase == "after" else "before"
    delay = entry.delay if entry.delay >= MIN_REPLAYED_DELAY else 0
    if entry.fault:
        return Respond(fault=entry.fault, phase=phase, delay=delay)
    if entry.status < 400 and not entry.phase:
        return Respond(delay=delay) if delay else None
    headers = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in entry.answer_headers
        if name in _REPLAYED_HEADERS
    }
    body, text = entry.response_value, entry.answer.decode("utf-8", "replace")
    title, detail = error_of_body(body)
    known = CATALOGUE.get(title)
    if (
        known is not None
        and known.status == entry.status
        and json_response(entry.status, body, "").body == entry.answer
    ):
        words = None if detail == known.detail else detail
        return Respond(error=title, detail=words, phase=phase, delay=delay, headers=headers)
    media_type = entry.answer_header(b"content-type")
    is_same = body is not NO_BODY and msgspec.json.encode(body) == entry.answer
    if media_type and media_type.encode("latin-1") != (JSON_MEDIA_TYPE if is_same else TEXT_MEDIA_TYPE):
        headers["Content-Type"] = media_type
    if is_same:
        return Respond(status=entry.status, body=body, phase=phase, delay=delay, headers=headers)
    return Respond(status=entry.status, text=text or None, phase=phase, delay=delay, headers=headers)


def error_of_body(body: Any) -> tuple[str, str]:
    """Title and detail of an error that is the Cloud Controller's, else nothing."""
    match body:
        case {"errors": [{"title": str(title), "detail": str(detail)}]}:
            return title, detail
        case _:
            return "", ""


def merge_equal_rules(scenario: Scenario) -> Scenario:
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


def allow_undocumented(scenario: Scenario, contract: Contract) -> Scenario:
    """A scenario that may be played: what the contract does not document is said to be meant."""
    if not check_scenario(scenario.to_yaml(), contract, ERROR_STATUSES, source="replay"):
        return scenario
    replace = msgspec.structs.replace
    rules = tuple(
        replace(rule, respond=rule.respond and replace(rule.respond, undocumented=True)) for rule in scenario.rules
    )
    return replace(scenario, rules=rules)


MAX_SCENARIOS = 1_000
"""How many may be on in one foundation."""


def scenario_handlers(context: ControlContext) -> Handlers:
    """The handlers of the library and of a foundation's scenarios, with their holds."""
    contract = context.service.contract

    def list_library() -> dict[str, Any]:
        scenarios = (
            lineup.scenarios[0]
            for lineup in map(context.service.named_scenarios.__getitem__, context.service.named_scenarios)
        )
        return {
            "scenarios": [
                {
                    "name": each.name,
                    "description": each.description,
                    "story": each.story,
                    "good_client": each.good_client,
                }
                for each in sorted(scenarios, key=lambda scenario: scenario.name)
            ]
        }

    def list_scenarios(name: str) -> dict[str, Any]:
        return {"scenarios": context.run_in_foundation(name, describe_playing)}

    def play_scenario(name: str, scenario: str) -> dict[str, Any]:
        text = read_body_text()
        read = inline(text, scenario) if text.strip() else from_library(scenario)

        def switch_on(foundation: FoundationState, now: int) -> dict[str, Any]:
            if len(foundation.lineup.scenarios) >= MAX_SCENARIOS:
                raise ControlProblem(
                    429,
                    "too-many-scenarios",
                    f"{name}: {MAX_SCENARIOS} scenarios are on, the most there may be; end some",
                )
            others = sum(len(each.rules) for each in foundation.lineup.scenarios if each.name != scenario)
            most = context.service.registry.bounds.rules
            if others + len(read.rules) > most:
                raise ControlProblem(
                    429,
                    "too-many-rules",
                    f"{name}: {others} rules are on, and {scenario} has {len(read.rules)}; {most} is the most there "
                    "may be; end some scenarios, or start the server with a larger --max-rules",
                )
            switch_scenario_on(foundation, read, now)
            return next(each for each in describe_playing(foundation, now) if each["name"] == scenario)

        return context.run_in_foundation_or_create(name, switch_on)

    def inline(text: str, scenario: str) -> Scenario:
        (read,) = load_scenarios((Document(text, "body"),), contract, ERROR_STATUSES)
        if read.name != scenario:
            detail = f"body /scenario: {read.name!r} is not the name in the path, {scenario!r}; make them the same"
            raise ControlProblem(422, "other-name", detail)
        return read

    def from_library(scenario: str) -> Scenario:
        lineup = context.service.named_scenarios.get(scenario)
        if lineup is None:
            hint = did_you_mean(scenario, list_library_files())
            detail = f"scenario {scenario}: the library has none of that name{hint}; GET /__mock/scenarios lists them"
            raise ControlProblem(404, "unknown-scenario", detail)
        return lineup.scenarios[0]

    def stop_scenario(name: str, scenario: str) -> tuple[None, int]:
        if not context.run_in_foundation(name, lambda foundation, now: switch_scenario_off(foundation, scenario, now)):
            detail = f"scenario {scenario}: is not on in {name}; GET /__mock/foundations/{name}/scenarios lists what is"
            raise ControlProblem(404, "unknown-scenario", detail)
        return None, 204

    def stop_scenarios(name: str) -> tuple[None, int]:
        def switch_off(foundation: FoundationState, now: int) -> None:
            for each in foundation.lineup.scenarios:
                switch_scenario_off(foundation, each.name, now)

        context.run_in_foundation(name, switch_off)
        return None, 204

    def release_hold(name: str, hold: str) -> dict[str, int]:
        return {"released": context.run_in_foundation(name, lambda *_: context.server.release(f"{name}/{hold}"))}

    return {
        "list_library": list_library,
        "list_scenarios": list_scenarios,
        "play_scenario": play_scenario,
        "stop_scenario": stop_scenario,
        "stop_scenarios": stop_scenarios,
        "release_hold": release_hold,
    }


def describe_playing(foundation: FoundationState, now: int) -> list[dict[str, Any]]:
    """What is on, in the order in which it is asked, with how far it has come."""
    progress = foundation.progress
    shown: list[dict[str, Any]] = []
    for scenario in foundation.lineup.scenarios:
        since = progress.since.get(scenario.name, now)
        counts = progress.counts.get(scenario.name, {})
        shown.append(
            {
                "name": scenario.name,
                "description": scenario.description,
                "since": format_precise_moment(since),
                "over": scenario.for_ is not None and now >= since + scenario.for_,
                "answered": sum(count.answered for count in counts.values()),
                "scenario": scenario_to_dict(scenario),
            }
        )
    return shown
