"""Virtual delays: requests that wait for a moment of their foundation's clock. Never waits itself, never reads a clock.

A request is looked at again when the clock is set, when its world ends, and when the moment comes by a clock that runs.
Whatever wakes one, all that is due goes on in the order of its moments, so that order does not depend on threads.
"""

from collections.abc import Callable
from functools import partial

from mockfoundry.cloudfoundry.errors import CatalogueEntry, Refusal
from mockfoundry.documents.times import format_duration, format_precise_moment
from mockfoundry.exchange.context import ExchangeContext
from mockfoundry.exchange.record import abandon_exchange, record_response, refuse_without_foundation
from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.exchange.token_server import response_from_refusal_of
from mockfoundry.foundations.clock_waits import ClockWait
from mockfoundry.journal.entry import NO_STATUS, RecordedResponse
from mockfoundry.scenarios.engine import ScenarioMatch

CLOCK_NOT_ADVANCED = CatalogueEntry("Mock-ClockNotAdvanced", 990010, 504, "")

Outcome = Response | PendingRequest


def describe_clock_wait(context: ExchangeContext, match: ScenarioMatch) -> str:
    """Until when a request waits, in words."""
    return f"until {format_precise_moment(context.now + match.virtual_delay)} on the foundation's clock"


def wait_for_clock(
    context: ExchangeContext,
    match: ScenarioMatch,
    resume: Callable[[int], Outcome],
    give_up: Callable[[Refusal], Response],
    abandon: Callable[[], None],
) -> PendingRequest:
    """Has a request wait until its foundation's clock has gone on by the delay of its match.

    Args:
        resume: goes on when that has come, or its world has ended. Takes the real time of then, in microseconds.
        give_up: what is sent where it did not come in the time that the rule gives it.
        abandon: called where its client has gone before.
    """
    foundation, waits = context.foundation, context.service.registry.clock_waits
    wait = ClockWait(foundation.generation, context.now + match.virtual_delay, resume)
    ends = context.real_time + match.delay_at_most
    at_most = format_duration(match.delay_at_most)

    def look_again(real_time: int, _: object = None) -> Outcome:
        if wait.outcome is None and not context.service.registry.is_live(wait.generation):
            waits.remove(wait)
            wait.outcome = resume(real_time)
        if wait.outcome is None:
            waits.release_due(wait.generation, foundation.world.clock.now(real_time), real_time)
        if wait.outcome is None and real_time >= ends:
            waits.remove(wait)
            wait.outcome = give_up(clock_not_advanced_refusal(foundation.name, at_most))
        outcome: Outcome | None = wait.outcome
        return wait_again(real_time) if outcome is None else outcome

    def wait_again(real_time: int) -> PendingRequest:
        clock = foundation.world.clock
        left = ends - real_time
        if clock.rate > 0:
            # Rounded up, so that the clock says the moment by then.
            left = min(left, int((wait.due - clock.now(real_time)) / clock.rate) + 1)
        return PendingRequest(
            resume=look_again,
            give_up=give_up,
            abandon=leave,
            until=wait.subscribe,
            watch_client=wait.watch_client,
            until_at_most=max(left, 0),
        )

    def leave() -> None:
        waits.remove(wait)
        outcome: Outcome | None = wait.outcome
        if outcome is None:
            abandon()
        elif isinstance(outcome, PendingRequest):
            if outcome.abandon is not None:
                outcome.abandon()
        elif outcome.report_bytes_sent is not None:
            outcome.report_bytes_sent(0)

    waits.add(wait)
    return wait_again(context.real_time)


def clock_not_advanced_refusal(name: str, at_most: str) -> Refusal:
    """Why a request ends that waited for its foundation's clock: nobody has advanced that in time.

    Args:
        at_most: how long it waited, in words.
    """
    call = f"PATCH /__mock/foundations/{name}/clock"
    text = (
        f"A scenario delays this request on the clock of the foundation {name}, which did not come so far in {at_most} "
        f"of the machine's time. Advance it ({call}), or give the delay a longer at-most"
    )
    return Refusal(CLOCK_NOT_ADVANCED, text, why=f"limit: at-most {at_most} for a virtual delay")


def finish_exchange(context: ExchangeContext, response: Response) -> Response | PendingRequest:
    """The response of an exchange that is over, recorded; or its wait for the foundation's clock, open in the journal.

    That is a delay which follows the exchange: of an answer of the scenario's own, or of phase `after`.
    """
    match = context.match
    if match is None or not match.virtual_delay or match.respond is None:
        return record_response(context, response)
    if match.respond.phase == "before" and not match.respond.has_own_answer:
        # It has waited for that before its exchange.
        return record_response(context, response)
    foundation = context.foundation
    reason = f"{match.why}; its answer waits, {describe_clock_wait(context, match)}"
    waiting = RecordedResponse(
        NO_STATUS,
        [],
        b"",
        reason,
        decided_by="scenario",
        committed=response.committed,
        state_changed=response.state_changed,
        scenario=match.scenario,
        rule=match.rule,
    )
    if context.opened is None:
        context.opened = foundation.journal.open(context, waiting)
    foundation.last_used = max(foundation.last_used, context.real_time + match.delay_at_most)
    complete = partial(complete_delayed_response, context, response, foundation.generation)
    return wait_for_clock(
        context,
        match,
        resume=complete,
        give_up=partial(give_up_response, context, response),
        abandon=partial(abandon_exchange, context),
    )


def complete_delayed_response(
    context: ExchangeContext, response: Response, generation: int, real_time: int
) -> Response:
    """The response that has waited for the foundation's clock.

    One whose change was made goes out also where its world has ended; the others are then refused.
    """
    foundation, registry = context.foundation, context.service.registry
    is_there = registry.find(foundation.name) is foundation
    try:
        if not response.committed:
            registry.must_be_current(foundation.name, generation, real_time)
    except Refusal as refusal:
        context.match = None
        if not is_there:
            # The journal that has it open has ended, too.
            return refuse_without_foundation(context.service, context.request, context.answering_plan, refusal)
        response = response_from_refusal_of(context.answering_plan, refusal)
    context.real_time, context.now = real_time, foundation.world.clock.now(real_time)
    return record_response(context, response)


def give_up_response(context: ExchangeContext, done: Response, refusal: Refusal) -> Response:
    """The response in place of one that waited too long for the foundation's clock; what was done stays done."""
    match, context.match = context.match, None
    response = response_from_refusal_of(context.answering_plan, refusal, "limit")
    response.committed, response.state_changed = done.committed, done.state_changed
    if match is not None:
        response.scenario, response.rule = match.scenario, match.rule
    return record_response(context, response)
