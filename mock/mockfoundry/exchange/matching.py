"""Direction: what a preference or a scenario says of a request before its exchange. Never makes one."""

from collections.abc import Mapping
from typing import NamedTuple

from mockfoundry.cloudfoundry.errors import CatalogueEntry, Refusal
from mockfoundry.contract.plan import Plan
from mockfoundry.documents.problems import DocumentError
from mockfoundry.exchange.preferences import find_preferred_response
from mockfoundry.exchange.request import Request
from mockfoundry.exchange.response import Response, example_response
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.scenarios.engine import ScenarioMatch, ScenarioProgress, match_scenarios
from mockfoundry.scenarios.model import Rule, Scenario
from mockfoundry.scenarios.near_misses import find_near_miss
from mockfoundry.scenarios.rule_index import CompiledScenarios

MAX_RULES_FOR_NEAR_MISS = 100
"""Beyond so many rules nobody asks which of them came nearest to a request that none took."""

UNKNOWN_SCENARIO = CatalogueEntry("Mock-UnknownScenario", 990004, 400, "")


def preferred_response(plan: Plan, prefer: bytes | None) -> Response | None:
    """The documented answer that a `Prefer` header asks for."""
    found = None if prefer is None else find_preferred_response(plan, prefer.decode("latin-1"))
    if found is None:
        return None
    response = example_response(found.documented, found.body, "prefer")
    response.headers.append((b"preference-applied", found.applied_preference.encode("latin-1")))
    return response


class ScenarioMatchResult(NamedTuple):
    """What the scenarios say of a request.

    Attributes:
        decision: None where no rule takes it.
        progress: of the scenarios that were asked.
        requested_scenario: the scenario that the request itself named, None for none.
    """

    decision: ScenarioMatch | None
    progress: ScenarioProgress
    requested_scenario: Scenario | None


def match_request_scenarios(
    named_scenarios: Mapping[str, CompiledScenarios], foundation: FoundationState, request: Request
) -> ScenarioMatchResult:
    """What the scenarios say: the one that the request names, else those that are on in the foundation.

    Args:
        lineups: the scenarios that a request may name.

    Raises:
        Refusal: 400, where the request names one that there is not.
    """
    name = request.header(b"x-mock-scenario")
    lineup, progress, lent = foundation.lineup, foundation.progress, None
    if name:
        lineup, progress = find_named_scenario(named_scenarios, name), ScenarioProgress()
        lent = lineup.scenarios[0]
    if not lineup.scenarios:
        return ScenarioMatchResult(None, progress, lent)
    world = foundation.world
    request.process = process_guid_of(foundation, request)
    now = world.clock.now(request.arrived)
    decision = match_scenarios(lineup, progress, request, now, world.generator.next_fraction)
    if decision is None and len(lineup.rules) <= MAX_RULES_FOR_NEAR_MISS:
        near = find_near_miss(lineup, progress, request, now)
        request.near_miss = "" if near is None else str(near)
    return ScenarioMatchResult(decision, progress, lent)


def find_named_scenario(named_scenarios: Mapping[str, CompiledScenarios], name: str) -> CompiledScenarios:
    """The scenario of that name, for one request.

    Raises:
        Refusal: 400, where there is none, it does not fit the contract, or it can do nothing for one request alone.
    """
    try:
        lineup = named_scenarios.get(name)
    except DocumentError as error:
        raise Refusal(UNKNOWN_SCENARIO, f"X-Mock-Scenario: {error}", why="scenario: does not fit") from None
    if lineup is None:
        text = f"X-Mock-Scenario: there is no scenario {name!r} here; `mockfoundry scenarios` lists them"
        raise Refusal(UNKNOWN_SCENARIO, text, why="scenario: unknown name")
    scenario = lineup.scenarios[0]
    if not scenario.given and all(rule.after or needs_earlier_request(rule, scenario.start) for rule in scenario.rules):
        text = f"X-Mock-Scenario: {name} plays over several requests; switch it on with --scenario or under /__mock/"
        raise Refusal(UNKNOWN_SCENARIO, text, why="scenario: not for one request")
    return lineup


def needs_earlier_request(rule: Rule, start: str | None) -> bool:
    """Whether a rule can fire only after another request, or some time after its scenario was switched on."""
    answers = any(step.changes for step in rule.steps)
    return bool((rule.state and start not in rule.state) or rule.from_ or not answers)


def process_guid_of(foundation: FoundationState, request: Request) -> str:
    """The guid of the process that a path names, whether directly or for an app."""
    process_type = request.path.get("type")
    guid = request.path.get("guid", "")
    if process_type is None:
        return guid
    process = foundation.world.find_app_process(guid, process_type)
    return f"{guid}/{process_type}" if process is None else process.guid
