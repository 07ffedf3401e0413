"""Clocks: a foundation's time shown, frozen, advanced, set and given a rate. Never sleeps: time that is due is true."""

from typing import Any

from mockfoundry.cloudfoundry.clock import Clock
from mockfoundry.cloudfoundry.deployments import settle
from mockfoundry.control.clerk import Clerk, Handlers
from mockfoundry.control.problems import ControlError, bad_value
from mockfoundry.control.questions import LATEST, duration_of, moment_of
from mockfoundry.foundations import Foundation, bring_up_to
from mockfoundry.journal.telling import moment


def clock_handlers(clerk: Clerk) -> Handlers:
    """The handlers of a foundation's clock."""

    def show_clock(name: str) -> dict[str, Any]:
        return clerk.within(name, lambda foundation, now: shown(foundation.world.clock, now))

    def change_clock(name: str, body: dict[str, Any]) -> dict[str, Any]:
        advance = duration_of("body /advance", body["advance"]) if "advance" in body else 0
        moment_set = moment_of("body /now", body["now"]) if "now" in body else None
        rate = rate_of(body)

        def change(foundation: Foundation, now: int) -> dict[str, Any]:
            target = target_of(now, moment_set, advance)
            clock = foundation.world.clock
            clock.settle(clerk.desk.real())
            clock.virtual = target
            if rate is not None:
                clock.rate = rate
            bring_up_to(foundation, target)
            if foundation.world.deploying:
                settle(foundation.world, target)
            return shown(clock, target)

        return clerk.within_new(name, change)

    return {"show_clock": show_clock, "change_clock": change_clock}


def rate_of(body: dict[str, Any]) -> float | None:
    """The rate that a body asks for, None where it asks for none; a frozen clock has the rate 0."""
    frozen, rate = body.get("frozen"), body.get("rate")
    if frozen is None:
        return None if rate is None else float(rate)
    if rate is not None and (rate == 0) is not frozen:
        raise ControlError(422, "bad-value", "body /rate: stands beside frozen, which says another; send one of them")
    if frozen:
        return 0.0
    return float(rate or 1.0)


def target_of(now: int, moment_set: int | None, advance: int) -> int:
    """What time it shall be.

    Raises:
        ControlError: 422, it would go back, or beyond what a timestamp can say.
    """
    if moment_set is not None and moment_set < now:
        raise bad_value(
            "body /now",
            moment(moment_set),
            f"at or after the foundation's time, {moment(now)}",
            "a clock does not go back; set a later moment, or copy the foundation before and use the copy",
        )
    target = (now if moment_set is None else moment_set) + advance
    if target > LATEST:
        raise bad_value("body /advance", str(advance // 1_000_000) + "s", "within the year 9999", "advance by less")
    return target


def shown(clock: Clock, now: int) -> dict[str, Any]:
    return {"now": moment(now), "frozen": clock.rate == 0.0, "rate": clock.rate}
