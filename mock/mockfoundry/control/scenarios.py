"""Scenarios: the library listed, and what is on in a foundation shown, switched on and off. Never matches a request."""

from typing import Any

from mockfoundry.assembly import ERRORS
from mockfoundry.control.clerk import Clerk, Handlers, sent_text
from mockfoundry.control.problems import ControlError
from mockfoundry.documents import Written, did_you_mean
from mockfoundry.foundations import Foundation, play, stop
from mockfoundry.journal.telling import moment
from mockfoundry.scenarios import Scenario, library, load_scenarios, scenario_data

MOST_SCENARIOS = 1_000
"""How many may be on in one foundation."""


def scenario_handlers(clerk: Clerk) -> Handlers:
    """The handlers of the library and of a foundation's scenarios, with their holds."""
    contract = clerk.service.contract

    def list_library() -> dict[str, Any]:
        scenarios = (lineup.scenarios[0] for lineup in map(clerk.service.lineups.__getitem__, clerk.service.lineups))
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
        return {"scenarios": clerk.within(name, playing)}

    def play_scenario(name: str, scenario: str) -> dict[str, Any]:
        text = sent_text()
        read = inline(text, scenario) if text.strip() else from_library(scenario)

        def switch_on(foundation: Foundation, now: int) -> dict[str, Any]:
            if len(foundation.lineup.scenarios) >= MOST_SCENARIOS:
                raise ControlError(
                    429,
                    "too-many-scenarios",
                    f"{name}: {MOST_SCENARIOS} scenarios are on, the most there may be; end some",
                )
            others = sum(len(each.rules) for each in foundation.lineup.scenarios if each.name != scenario)
            most = clerk.service.registry.bounds.rules
            if others + len(read.rules) > most:
                raise ControlError(
                    429,
                    "too-many-rules",
                    f"{name}: {others} rules are on, and {scenario} has {len(read.rules)}; {most} is the most there "
                    "may be; end some scenarios, or start the server with a larger --max-rules",
                )
            play(foundation, read, now)
            return next(each for each in playing(foundation, now) if each["name"] == scenario)

        return clerk.within_new(name, switch_on)

    def inline(text: str, scenario: str) -> Scenario:
        (read,) = load_scenarios((Written(text, "body"),), contract, ERRORS)
        if read.name != scenario:
            detail = f"body /scenario: {read.name!r} is not the name in the path, {scenario!r}; make them the same"
            raise ControlError(422, "other-name", detail)
        return read

    def from_library(scenario: str) -> Scenario:
        lineup = clerk.service.lineups.get(scenario)
        if lineup is None:
            hint = did_you_mean(scenario, library())
            detail = f"scenario {scenario}: the library has none of that name{hint}; GET /__mock/scenarios lists them"
            raise ControlError(404, "unknown-scenario", detail)
        return lineup.scenarios[0]

    def stop_scenario(name: str, scenario: str) -> tuple[None, int]:
        if not clerk.within(name, lambda foundation, now: stop(foundation, scenario, now)):
            detail = f"scenario {scenario}: is not on in {name}; GET /__mock/foundations/{name}/scenarios lists what is"
            raise ControlError(404, "unknown-scenario", detail)
        return None, 204

    def stop_scenarios(name: str) -> tuple[None, int]:
        def switch_off(foundation: Foundation, now: int) -> None:
            for each in foundation.lineup.scenarios:
                stop(foundation, each.name, now)

        clerk.within(name, switch_off)
        return None, 204

    def release_hold(name: str, hold: str) -> dict[str, int]:
        return {"released": clerk.within(name, lambda *_: clerk.desk.release(f"{name}/{hold}"))}

    return {
        "list_library": list_library,
        "list_scenarios": list_scenarios,
        "play_scenario": play_scenario,
        "stop_scenario": stop_scenario,
        "stop_scenarios": stop_scenarios,
        "release_hold": release_hold,
    }


def playing(foundation: Foundation, now: int) -> list[dict[str, Any]]:
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
                "since": moment(since),
                "over": scenario.for_ is not None and now >= since + scenario.for_,
                "answered": sum(count.answered for count in counts.values()),
                "scenario": scenario_data(scenario),
            }
        )
    return shown
