"""Scenarios as control calls see them: switched on and off, holds released, replays written. Never matches a request.

A replay is the smallest scenario that gives a foundation's clients the same failures again:

- what the world refused by itself is left out, since it would refuse it again;
- what was refused because a scenario had changed the world is answered by the replay, which so needs nothing else;
- what a request named itself (`Prefer`, `X-Mock-Scenario`) is left out and not counted, since it names it again;
- what a scenario changed only in the headers of an answer that worked is left out;
- calls are numbered in the order in which they came, as rules count them; those that still wait count, too.
"""

import base64
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import msgspec

from mockfoundry.assembly import ERROR_STATUSES, find_unplayable_tls
from mockfoundry.cloudfoundry.api.request import JSON_MEDIA_TYPE
from mockfoundry.cloudfoundry.errors import CATALOGUE, CatalogueEntry, Refusal
from mockfoundry.cloudfoundry.seeds.patch import WorldPatchError
from mockfoundry.contract.load import Contract
from mockfoundry.control.context import (
    MAX_LOOP_JOURNAL_BYTES,
    MAX_LOOP_STEPS,
    ControlAnswer,
    ControlCall,
    ControlContext,
    ControlProblem,
    ControlWork,
    Preparation,
    answer_in_turn,
    index_handlers,
)
from mockfoundry.documents.declare import locate_finding
from mockfoundry.documents.problems import Document, DocumentError, Problem, did_you_mean
from mockfoundry.documents.times import format_precise_moment
from mockfoundry.exchange.documented import STATUSES_WITHOUT_BODY
from mockfoundry.exchange.handshakes import explain_unplayable_tls
from mockfoundry.exchange.response import BINARY_MEDIA_TYPE, TEXT_MEDIA_TYPE, HoldKey, response_from_refusal
from mockfoundry.exchange.run import Service
from mockfoundry.foundations.effects import switch_scenario_off, switch_scenario_on
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.journal.entry import NO_BODY, JournalEntry, RecordedResponse, decode_json_body, redact_entry
from mockfoundry.journal.marks import BINARY_PREFIX
from mockfoundry.journal.store import Journal
from mockfoundry.journal.written_bodies import decode_text
from mockfoundry.scenarios.engine import TLS_COUNTER
from mockfoundry.scenarios.format import scenario_to_dict
from mockfoundry.scenarios.library import load_scenarios
from mockfoundry.scenarios.lint import check_scenario
from mockfoundry.scenarios.model import Respond, RespondPhase, Rule, Scenario
from mockfoundry.scenarios.rule_index import CompiledScenario, CompiledScenarios
from mockfoundry.scenarios.schedules import Failure, scenario_from_failures
from mockfoundry.shipped import list_library_files

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


MAX_SCENARIOS = 1_000
"""How many scenarios may be on in one foundation."""


def list_library(context: ControlContext, call: ControlCall) -> ControlWork:
    """The library, in the worker room: all its files are read when it is first asked for."""
    named = context.service.named_scenarios
    return ControlWork(lambda: answer_with_library(named))


def answer_with_library(named: Mapping[str, CompiledScenarios]) -> ControlAnswer:
    scenarios = sorted((named[name].scenarios[0] for name in named), key=lambda scenario: scenario.name)
    return ControlAnswer(
        {
            "scenarios": [
                {
                    "name": each.name,
                    "description": each.description,
                    "story": each.story,
                    "good_client": each.good_client,
                }
                for each in scenarios
            ]
        }
    )


BODY = "body"
"""What problems call the text that a call has sent."""


class ReadyScenario(msgspec.Struct, frozen=True):
    """A scenario that was read from a body, ready to be switched on.

    Attributes:
        shown: the scenario as its file says it, as JSON.
        text: of the body; empty where there was none.
    """

    compiled: CompiledScenario
    shown: msgspec.Raw
    text: str = ""


def list_scenarios(context: ControlContext, call: ControlCall) -> ControlAnswer | ControlWork:
    foundation, now = context.find_foundation(call)
    compiled_scenarios = foundation.compiled_scenarios
    progress = [(each, progress_of_scenario(foundation, each, now)) for each in compiled_scenarios.scenarios]
    return answer_in_turn(
        compiled_scenarios.rule_count + len(compiled_scenarios.scenarios) > MAX_LOOP_STEPS,
        lambda: ControlAnswer(
            {"scenarios": [describe_scenario(each, state, show_scenario(each)) for each, state in progress]}
        ),
    )


def prepare_scenario(context: ControlContext, call: ControlCall) -> Callable[[str], ReadyScenario]:
    """Reads, checks and compiles the scenario in the body; without a body it is the library's."""
    name, service = call.path["scenario"], context.service

    def read_scenario_of_body(text: str) -> ReadyScenario:
        if not text.strip():
            compiled = find_library_scenario(service, name)
            return ReadyScenario(compiled, show_scenario(compiled.scenario))
        find_more = partial(find_unplayable_tls, playable=service.tls_faults)
        (scenario,) = load_scenarios((Document(text, BODY),), service.served, ERROR_STATUSES, find_more)
        if scenario.name != name:
            detail = f"body /scenario: {scenario.name!r} is not the name in the path, {name!r}; make them the same"
            raise ControlProblem(422, "other-name", detail)
        return ReadyScenario(CompiledScenario(scenario), show_scenario(scenario), text)

    return read_scenario_of_body


def find_library_scenario(service: Service, name: str) -> CompiledScenario:
    """The library's scenario of a name.

    Raises:
        ControlProblem: 404, there is none; 422, this server can't play it.
    """
    compiled_scenarios = service.named_scenarios.get(name)
    if compiled_scenarios is None:
        hint = did_you_mean(name, list_library_files())
        detail = f"scenario {name}: the library has none of that name{hint}; GET /__mock/scenarios lists them"
        raise ControlProblem(404, "unknown-scenario", detail)
    (compiled,) = compiled_scenarios.compiled
    unplayable = explain_unplayable_tls(compiled.scenario, service.tls_faults)
    if unplayable:
        raise ControlProblem(422, "no-tls", f"scenario {name}: {unplayable}")
    return compiled


def play_scenario(context: ControlContext, call: ControlCall) -> ControlAnswer:
    ready: ReadyScenario = call.prepared
    scenario = ready.compiled.scenario
    with context.find_or_create_foundation(call) as (foundation, now):
        try:
            begin_playing(context, foundation, ready.compiled, now)
        except WorldPatchError as error:
            if ready.text:
                raise DocumentError(locate_misfits(ready.text, error)) from None
            raise
        progress = progress_of_scenario(foundation, scenario, now)
        return ControlAnswer(describe_scenario(scenario, progress, ready.shown))


def begin_playing(context: ControlContext, foundation: FoundationState, compiled: CompiledScenario, now: int) -> None:
    """Switches a scenario on, where there is room for it.

    Raises:
        ControlProblem: 429, there is none.
        WorldPatchError: its `given` does not fit the foundation's world.
    """
    must_have_room(foundation, compiled.scenario, context.service.registry.bounds.rules)
    switch_scenario_on(foundation, compiled, now)


def locate_misfits(text: str, error: WorldPatchError) -> list[Problem]:
    """What the world of a foundation does not have of what a scenario changes in it, with the places in its text."""
    from mockfoundry.documents.yaml import read_nodes

    root = read_nodes(text, BODY)
    misfits = (finding._replace(path=("given", *finding.path), spot="key") for finding in error.findings)
    return sorted(locate_finding(root, each, BODY) for each in misfits)


def must_have_room(foundation: FoundationState, scenario: Scenario, max_rules: int) -> None:
    """Raises ControlProblem (429) where a foundation has as many scenarios, or as many rules, as there may be."""
    name, playing = foundation.name, foundation.compiled_scenarios.scenarios
    if len(playing) >= MAX_SCENARIOS:
        raise ControlProblem(
            429, "too-many-scenarios", f"{name}: {MAX_SCENARIOS} scenarios are on, the most there may be; end some"
        )
    others = sum(len(each.scenario.rules) for each in foundation.compiled_scenarios.without(scenario.name))
    if others + len(scenario.rules) > max_rules:
        raise ControlProblem(
            429,
            "too-many-rules",
            f"{name}: {others} rules are on, and {scenario.name} has {len(scenario.rules)}; {max_rules} is the most "
            "there may be; end some scenarios, or start the server with a larger --max-rules",
        )


def stop_scenario(context: ControlContext, call: ControlCall) -> ControlAnswer:
    foundation, now = context.find_foundation(call)
    name, scenario = foundation.name, call.path["scenario"]
    if not switch_scenario_off(foundation, scenario, now):
        hint = did_you_mean(scenario, [each.name for each in foundation.compiled_scenarios.scenarios])
        detail = (
            f"scenario {scenario}: is not on in {name}{hint}; GET /__mock/foundations/{name}/scenarios lists what is"
        )
        raise ControlProblem(404, "unknown-scenario", detail)
    return ControlAnswer(None, 204)


def stop_scenarios(context: ControlContext, call: ControlCall) -> ControlAnswer:
    foundation, now = context.find_foundation(call)
    for each in foundation.compiled_scenarios.scenarios:
        switch_scenario_off(foundation, each.name, now)
    return ControlAnswer(None, 204)


def release_hold(context: ControlContext, call: ControlCall) -> ControlAnswer:
    foundation, _ = context.find_foundation(call)
    return ControlAnswer({"released": context.holds.release(HoldKey(foundation.generation, call.path["hold"]))})


class PlayedProgress(msgspec.Struct, frozen=True):
    """How far a scenario has come in a foundation, as it was at one moment.

    Attributes:
        since: when it was switched on, in virtual microseconds.
        over: whether its time is over.
        answered: how many requests each of its rules has answered, whatever they are counted for.
        broken_handshakes: how many handshakes of TLS it has broken.
    """

    since: int
    over: bool
    answered: tuple[int, ...]
    broken_handshakes: int


def progress_of_scenario(foundation: FoundationState, scenario: Scenario, now: int) -> PlayedProgress:
    progress = foundation.progress
    since = progress.since.get(scenario.name, now)
    over = scenario.for_ is not None and now >= since + scenario.for_
    answered = [0] * len(scenario.rules)
    broken_handshakes = 0
    for counter, count in progress.counts.get(scenario.name, {}).items():
        if counter == TLS_COUNTER:
            broken_handshakes = count.answered
        else:
            answered[int(counter.partition(" ")[0]) - 1] += count.answered
    return PlayedProgress(since, over, tuple(answered), broken_handshakes)


def describe_scenario(scenario: Scenario, progress: PlayedProgress, shown: msgspec.Raw) -> dict[str, Any]:
    """A scenario that is on, with its progress."""
    return {
        "name": scenario.name,
        "description": scenario.description,
        "since": format_precise_moment(progress.since),
        "over": progress.over,
        "answered": sum(progress.answered) + progress.broken_handshakes,
        "rules": [
            {"answered": answered, "left": count_left(rule, answered)}
            for rule, answered in zip(scenario.rules, progress.answered, strict=True)
        ],
        "scenario": shown,
    }


def count_left(rule: Rule, answered: int) -> int | None:
    """How many more requests a rule answers; None where it goes on for ever, or counts for each of several."""
    if rule.max_matches is None or rule.per != "foundation":
        return None
    return max(0, rule.max_matches - answered)


def show_scenario(scenario: Scenario) -> msgspec.Raw:
    """A scenario as its file says it, as JSON."""
    return msgspec.Raw(msgspec.json.encode(scenario_to_dict(scenario)))


SCENARIO_HANDLERS = index_handlers(
    list_library,
    list_scenarios,
    play_scenario,
    stop_scenario,
    stop_scenarios,
    release_hold,
    show_replay,
)

SCENARIO_PREPARATIONS: dict[str, Preparation] = {"play_scenario": prepare_scenario}
