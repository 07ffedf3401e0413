"""Direction: what a preference or a scenario says of a request before its exchange. Never makes one."""

from collections.abc import Mapping
from typing import NamedTuple

from mockfoundry.cloudfoundry.errors import CatalogueEntry, refuse
from mockfoundry.contract import Plan
from mockfoundry.documents import DocumentError
from mockfoundry.foundations import Foundation
from mockfoundry.outcomes import example_of
from mockfoundry.preferences import preferred
from mockfoundry.requests import Outcome, Request
from mockfoundry.scenarios import Decision, Lineup, Progress, Rule, Scenario, decide, near_miss

MOST_COMPARED = 100
"""Beyond so many rules nobody asks which of them came nearest to a request that none took."""

UNKNOWN_SCENARIO = CatalogueEntry("Mock-UnknownScenario", 990004, 400, "")


def wished_for(plan: Plan, prefer: bytes | None) -> Outcome | None:
    """The documented answer that a `Prefer` header asks for."""
    wished = None if prefer is None else preferred(plan, prefer.decode("latin-1"))
    if wished is None:
        return None
    outcome = example_of(wished.documented, wished.body, "prefer")
    outcome.headers.append((b"preference-applied", wished.applied.encode("latin-1")))
    return outcome


class Said(NamedTuple):
    """What the scenarios say of a request.

    Attributes:
        decision: None where no rule takes it.
        progress: of the scenarios that were asked.
        lent: the scenario that the request itself named, None for none.
    """

    decision: Decision | None
    progress: Progress
    lent: Scenario | None


def said_of(lineups: Mapping[str, Lineup], foundation: Foundation, request: Request) -> Said:
    """What the scenarios say: the one that the request names, else those that are on in the foundation.

    Args:
        lineups: the scenarios that a request may name.

    Raises:
        Refusal: 400, where the request names one that there is not.
    """
    name = request.header(b"x-mock-scenario")
    lineup, progress, lent = foundation.lineup, foundation.progress, None
    if name:
        lineup, progress = named_lineup(lineups, name), Progress()
        lent = lineup.scenarios[0]
    if not lineup.scenarios:
        return Said(None, progress, lent)
    world = foundation.world
    request.process = process_of(foundation, request)
    now = world.clock.now(request.arrived)
    decision = decide(lineup, progress, request, now, world.chance.fraction)
    if decision is None and len(lineup.rules) <= MOST_COMPARED:
        near = near_miss(lineup, progress, request, now)
        request.near = "" if near is None else str(near)
    return Said(decision, progress, lent)


def named_lineup(lineups: Mapping[str, Lineup], name: str) -> Lineup:
    """The scenario of that name, for one request.

    Raises:
        Refusal: 400, where there is none, it does not fit the contract, or it can do nothing for one request alone.
    """
    try:
        lineup = lineups.get(name)
    except DocumentError as error:
        raise refuse(UNKNOWN_SCENARIO, f"X-Mock-Scenario: {error}", why="scenario: does not fit") from None
    if lineup is None:
        text = f"X-Mock-Scenario: there is no scenario {name!r} here; `mockfoundry scenarios` lists them"
        raise refuse(UNKNOWN_SCENARIO, text, why="scenario: unknown name")
    scenario = lineup.scenarios[0]
    if not scenario.given and all(rule.after or needs_earlier(rule, scenario.start) for rule in scenario.rules):
        text = f"X-Mock-Scenario: {name} plays over several requests; switch it on with --scenario or under /__mock/"
        raise refuse(UNKNOWN_SCENARIO, text, why="scenario: not for one request")
    return lineup


def needs_earlier(rule: Rule, start: str | None) -> bool:
    """Whether a rule can fire only after another request, or some time after its scenario was switched on."""
    answers = any(step.changes for step in rule.steps)
    return bool((rule.state and start not in rule.state) or rule.from_ or not answers)


def process_of(foundation: Foundation, request: Request) -> str:
    """The guid of the process that a path names, whether directly or for an app."""
    process_type = request.path.get("type")
    guid = request.path.get("guid", "")
    if process_type is None:
        return guid
    process = foundation.world.process_of(guid, process_type)
    return f"{guid}/{process_type}" if process is None else process.guid
