"""Matching: what a preference or a scenario says of a request, and makes of its response. Never makes the exchange."""

from collections.abc import Mapping

from msgspec.structs import replace

from mockfoundry.cloudfoundry.errors import CatalogueEntry, Refusal
from mockfoundry.contract.plan import Plan
from mockfoundry.documents.problems import DocumentError, did_you_mean
from mockfoundry.exchange.context import ExchangeContext
from mockfoundry.exchange.documented import DocumentedBody
from mockfoundry.exchange.preferences import find_preferred_response
from mockfoundry.exchange.response import (
    Response,
    add_reason,
    documented_response,
    example_response,
    join_reasons,
)
from mockfoundry.exchange.stations import Stations
from mockfoundry.exchange.token_server import response_from_refusal_of, scripted_response
from mockfoundry.journal.secret_names import is_secret_name
from mockfoundry.scenarios.engine import (
    LetThrough,
    ScenarioProgress,
    commit_match,
    count_let_through,
    match_scenarios,
)
from mockfoundry.scenarios.model import Rule
from mockfoundry.scenarios.near_misses import (
    MAX_RULES_FOR_NEAR_MISS,
    CheckedCondition,
    NearMiss,
    describe_near_miss,
    recall_near_miss,
    remember_near_miss,
)
from mockfoundry.scenarios.rule_index import CompiledScenarios

UNKNOWN_SCENARIO = CatalogueEntry("Mock-UnknownScenario", 990004, 400, "")


def preferred_response(plan: Plan, prefer: bytes, random_seed: int) -> Response | None:
    """The documented answer that a `Prefer` header asks for, or the refusal of one that is not documented.

    None where it asks for neither.

    Args:
        random_seed: what a body without an example follows from.
    """
    try:
        preferred = find_preferred_response(plan, prefer.decode("latin-1"))
    except Refusal as refusal:
        return response_from_refusal_of(plan, refusal, "preference")
    if preferred is None:
        return None

    def respond(body: DocumentedBody) -> Response:
        return example_response(preferred.documented, body.value, preferred.reason + body.note, "preference")

    response = (
        documented_response(plan, preferred.documented, random_seed, "preference", respond)
        if preferred.body is None
        else respond(preferred.body)
    )
    response.headers.append((b"preference-applied", preferred.applied_preference.encode("latin-1")))
    return response


def match_request_scenarios(context: ExchangeContext) -> None:
    """Asks the scenarios: the one that the request names, else those that are on in the foundation.

    What they say is noted on the context: the match, else the near miss, and the scenario that the request named.

    Raises:
        Refusal: 400, where the request names a scenario that it cannot have.
    """
    foundation = context.foundation
    scenarios, progress = foundation.compiled_scenarios, foundation.progress
    name = context.request.headers.get(b"x-mock-scenario")
    if name:
        scenarios = find_named_scenario(context.service.named_scenarios, name.decode("latin-1"))
        progress = context.progress = ScenarioProgress()
        context.requested_scenario = scenarios.scenarios[0]
    if not scenarios.scenarios:
        return
    is_compared = scenarios.rule_count <= MAX_RULES_FOR_NEAR_MISS
    known = recall_near_miss(scenarios, context) if is_compared else None
    if known is not None:
        context.near_miss = known
        return
    draw, stations = foundation.world.generator.next_fraction, Stations(context)
    let_through: list[LetThrough] = []
    context.match = match_scenarios(
        scenarios, progress, context, context.now, draw, stations.refused_before, let_through
    )
    context.let_through = let_through
    if context.match is None and is_compared:
        context.near_miss, context.missed_station = describe_near_miss(
            scenarios, progress, context, context.now, stations.refused_before, tell_near_miss
        )
        if not stations.were_asked:
            # What refuses a request before the controller is in no part of it by which it is recalled.
            remember_near_miss(scenarios, context, context.near_miss)


def tell_near_miss(near_miss: NearMiss) -> str:
    """A near miss in words, without secrets that a scenario asks for. Those that came are hidden when it is read."""
    if not any(may_want_secret(checked) for checked in near_miss.conditions):
        return str(near_miss)
    # Few scenarios ask for a secret, and a start should be short.
    from mockfoundry.journal.redaction import Redactor
    from mockfoundry.journal.verify import redact_wanted_value

    redactor = Redactor()
    shown = []
    for checked in near_miss.conditions:
        place, _, name = checked.what.partition(" ")
        place = "headers" if place == "header" else place
        wanted = redactor.finish(redact_wanted_value(redactor, place, name, checked.wanted))
        shown.append(replace(checked, wanted=wanted) if may_want_secret(checked) else checked)
    return str(replace(near_miss, conditions=tuple(shown)))


def may_want_secret(checked: CheckedCondition) -> bool:
    """Whether a condition asks for a value under a secret's name, or for values with names of their own."""
    place, _, name = checked.what.partition(" ")
    return bool(name) and place != "process" and (is_secret_name(name) or isinstance(checked.wanted, Mapping))


def find_named_scenario(named_scenarios: Mapping[str, CompiledScenarios], name: str) -> CompiledScenarios:
    """The scenario of that name, for one request.

    Raises:
        Refusal: 400, if there is none, it does not fit the contract, or it can do nothing for one request alone.
    """
    try:
        found = named_scenarios.get(name)
    except DocumentError as error:
        raise Refusal(UNKNOWN_SCENARIO, f"X-Mock-Scenario: {error}", why="scenario: does not fit") from None
    if found is None:
        hint = did_you_mean(name, named_scenarios) or "; `mockfoundry scenarios` lists them"
        text = f"X-Mock-Scenario: there is no scenario {name!r} here{hint}"
        raise Refusal(UNKNOWN_SCENARIO, text, why="scenario: unknown name")
    scenario = found.scenarios[0]
    if scenario.tls is not None and not (scenario.rules or scenario.given):
        text = f"X-Mock-Scenario: {name} breaks connections by TLS, before any request; switch it on for the foundation"
        raise Refusal(UNKNOWN_SCENARIO, text, why="scenario: not for one request")
    if not scenario.given and all(rule.after or needs_earlier_request(rule, scenario.start) for rule in scenario.rules):
        text = f"X-Mock-Scenario: {name} plays over several requests; switch it on with --scenario or under /__mock/"
        raise Refusal(UNKNOWN_SCENARIO, text, why="scenario: not for one request")
    return found


def needs_earlier_request(rule: Rule, start: str | None) -> bool:
    """Whether a rule can fire only after another request, or some time after its scenario was switched on."""
    answers = any(step.changes for step in rule.steps)
    return bool((rule.state and start not in rule.state) or rule.from_ or not answers)


def apply_match(context: ExchangeContext, response: Response) -> Response:
    """What a match makes of the response that the exchange gave: the same, a fault, or another one."""
    match, has_succeeded = context.match, 200 <= response.status < 300
    if context.let_through and has_succeeded:
        count_let_through(context.progress, context.let_through)
    if match is None:
        return response
    respond = match.respond
    if respond is None:
        response.reason = f"{match.why}: pass; {response.reason}"
        return response
    if respond.phase == "after":
        if not has_succeeded:
            # Nothing was done whose answer could get lost: the scenario keeps this match for a later request.
            context.match = None
            return response
        commit_match(context.progress, match, context.now)
        if respond.fault is not None:
            response.fault = respond.fault
        elif respond.has_own_answer:
            done = response
            plan, random_seed = context.answering_plan, context.foundation.world.random_seed
            response = scripted_response(plan, match, respond, random_seed)
            response.committed, response.state_changed = done.committed, done.state_changed
            return add_reason(response, done.reason)
    response.reason = join_reasons(match.why, response.reason)
    return response
