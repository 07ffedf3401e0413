"""Scenarios as control calls see them: listed, switched on and off, holds released. Never matches a request."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from mockfoundry.assembly import ERROR_STATUSES, find_unplayable_tls
from mockfoundry.cloudfoundry.seeds.patch import WorldPatchError
from mockfoundry.control.context import (
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
from mockfoundry.exchange.handshakes import explain_unplayable_tls
from mockfoundry.exchange.response import HoldKey
from mockfoundry.exchange.run import Service
from mockfoundry.foundations.effects import switch_scenario_off, switch_scenario_on
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.scenarios.engine import TLS_COUNTER
from mockfoundry.scenarios.format import scenario_to_dict
from mockfoundry.scenarios.library import load_scenarios
from mockfoundry.scenarios.model import Rule, Scenario
from mockfoundry.scenarios.rule_index import CompiledScenario, CompiledScenarios
from mockfoundry.shipped import list_library_files

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
)

SCENARIO_PREPARATIONS: dict[str, Preparation] = {"play_scenario": prepare_scenario}
