"""Virtual delays: requests that wait for a moment of their foundation's clock. Never waits itself, never reads a clock.

A request is looked at again when the clock is set, when its world ends, and when the moment comes by a clock that runs.
Whatever wakes one, all that is due goes on in the order of its moments, so that order does not depend on threads.
"""

from collections.abc import Callable

from mockfoundry.cloudfoundry.errors import CatalogueEntry, Refusal
from mockfoundry.documents.times import format_duration, format_precise_moment
from mockfoundry.exchange.context import ExchangeContext
from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.foundations.clock_waits import ClockWait
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
