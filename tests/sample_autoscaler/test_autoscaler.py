"""What the autoscaler does when the API refuses, loses an answer, hides something, or shows what was before."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given, settings

from mockfoundry.client.errors import VerificationError
from mockfoundry.client.foundation import Foundation
from mockfoundry.scenarios.model import Scenario
from mockfoundry.strategies.schedules import failures
from tests import plain_http
from tests.sample_autoscaler.autoscaler import EARNED_REPEATS, MOST_REPEATS, Autoscaler, Outcome, Policy, Token
from tests.searching import examples

pytestmark = pytest.mark.seed_file("seed.yaml")

WEB = "5c1f0a3e-6f0d-4b0e-9a53-2f6a1d1c7b10"
MINUTE = 60.0
DOUBLES = 6 * MINUTE
BEFORE, RIGHT = 2, 4
"""How many instances the load of seed.yaml asks for, before it doubles and after."""


@contextmanager
def autoscaler(foundation: Foundation, policy: Policy | None = None, after: float = DOUBLES) -> Iterator[Autoscaler]:
    """An autoscaler that begins so many seconds after the world did."""
    # It passes only while the autoscaler sleeps, so no test takes longer than its requests.
    virtual = foundation.clock.virtual()
    virtual.sleep(after)
    token = Token(lambda: foundation.token_for("scaler"))
    with plain_http.client(base_url=foundation.url, auth=token) as client:
        yield Autoscaler(client, WEB, policy, now=virtual.now, sleep=virtual.sleep)


def instances(foundation: Foundation) -> int:
    return foundation.process("shop").instances


def scaled_to(foundation: Foundation) -> list[int]:
    """The numbers of instances that it was really scaled to, whatever was answered."""
    return [each.body["instances"] for each in foundation.requests("scaleProcess") if each.kept]


# The loop


def must_settle(foundation: Foundation, policy: Policy) -> None:
    """Fails where the load's doubling is not followed within 20 minutes, too far, or for ever."""
    with autoscaler(foundation, policy, after=0) as scaler:
        scaler.run(DOUBLES)
        scaler.run(20 * MINUTE)
        peak = max(scaled_to(foundation), default=0)
        assert peak < RIGHT + 2, f"it overshot to {peak}"
        assert instances(foundation) == RIGHT, "it has not settled"
        settled = foundation.clock.now
        scaler.run(20 * MINUTE)
    assert not foundation.requests("scaleProcess", since=settled), "it flaps"


def test_a_doubled_load_is_followed_and_left_alone_then(foundation: Foundation) -> None:
    must_settle(foundation, Policy())
    assert scaled_to(foundation) == [RIGHT]


@pytest.mark.parametrize(
    ("policy", "fault"),
    [
        (Policy(gain=2.5), "it overshot to 6"),
        (Policy(tolerance=0), "it flaps"),
        (Policy(step=1, cool_down=25 * MINUTE), "it has not settled"),
    ],
    ids=["greedy", "nervous", "slow"],
)
def test_a_bad_policy_would_be_noticed(foundation: Foundation, policy: Policy, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        must_settle(foundation, policy)


def test_two_scales_are_a_cool_down_apart(foundation: Foundation) -> None:
    with autoscaler(foundation, Policy(step=1, cool_down=90)) as scaler:
        scaler.run(5 * MINUTE)
    assert scaled_to(foundation) == [3, 4]
    foundation.verify("scaleProcess", times=2, gaps=["90s"])


# Refusals


@pytest.mark.scenario("conflict-then-ok")
def test_after_a_conflict_it_looks_again_and_decides_anew(foundation: Foundation) -> None:
    with autoscaler(foundation) as scaler:
        assert scaler.look() is Outcome.SCALED
    foundation.verify(
        order=[
            {"operation": "scaleProcess", "status": 409},
            {"operation": "getProcessStats"},
            {"operation": "scaleProcess", "status": 202},
        ]
    )
    assert instances(foundation) == RIGHT


@pytest.mark.scenario("conflict-storm")
def test_in_a_storm_of_conflicts_it_waits_longer_each_time_and_gets_through(foundation: Foundation) -> None:
    with autoscaler(foundation) as scaler:
        assert scaler.look() is Outcome.CONFLICT
        foundation.verify("scaleProcess", status=409, times=3, gaps="growing")
        scaler.run(MINUTE)
    foundation.retries("scaleProcess", max=5, never_twice=True)
    assert instances(foundation) == RIGHT


@pytest.mark.scenario("quota-organization")
def test_beyond_a_quota_it_stays_where_it_is_and_tells_why(
    foundation: Foundation, caplog: pytest.LogCaptureFixture
) -> None:
    with autoscaler(foundation) as scaler:
        scaler.run(11 * MINUTE)
    assert instances(foundation) == BEFORE
    foundation.verify("scaleProcess", status=422, times=3, gaps=["5m", "5m"])
    assert "memory quota_exceeded" in caplog.text


def acme(quota: int, **web: Any) -> dict[str, Any]:
    """The organization, as a scenario changes it.

    Args:
        quota: MB of memory.
    """
    apps = [{"name": "shop", "processes": [{"type": "web", **web}]}]
    spaces = [{"name": "live", "apps": apps}]
    return {"organizations": [{"name": "acme", "quota": {"total_memory_in_mb": quota}, "spaces": spaces}]}


@pytest.mark.scenario({"scenario": "used-up", "given": acme(512)})
def test_with_a_quota_used_up_it_still_scales_down(foundation: Foundation) -> None:
    with autoscaler(foundation) as scaler:
        assert scaler.look() is Outcome.REFUSED
        foundation.play({"scenario": "night", "given": acme(512, load={"total_cpu": 0.1})})
        assert scaler.look() is Outcome.SCALED
    assert instances(foundation) == 1


@pytest.mark.scenario("token-expires")
def test_an_expired_token_is_fetched_anew_and_the_request_sent_once_more(foundation: Foundation) -> None:
    with autoscaler(foundation) as scaler:
        scaler.run(5 * MINUTE)
    foundation.verify("getProcessStats", status=401, at_least=2)
    foundation.retries(max=1)
    assert instances(foundation) == RIGHT


# Limits


@pytest.mark.scenario("rate-limited")
def test_it_waits_as_long_as_it_is_told_before_any_request(foundation: Foundation) -> None:
    with autoscaler(foundation) as scaler:
        scaler.run(5 * MINUTE)
        foundation.verify("scaleProcess", status=429, at_least=4, gaps=["37s", "37s", "37s"])
        refused = foundation.requests(status=429)
        for each in refused[:-1]:
            following = foundation.requests(after=each.number)[0]
            assert (following.time - each.time).total_seconds() >= 37
        foundation.stop("rate-limited")
        scaler.run(MINUTE)
    foundation.retries(honours_retry_after=True)
    assert instances(foundation) == RIGHT


@pytest.mark.scenario("rate-limit-resets")
def test_it_asks_for_no_more_than_it_may(foundation: Foundation) -> None:
    with autoscaler(foundation, Policy(every=1)) as scaler:
        scaler.run(10 * MINUTE)
    foundation.verify(status=429, times=0)
    foundation.verify("getProcessStats", at_least=20)
    assert instances(foundation) == RIGHT


@pytest.mark.scenario("rate-limit-resets")
def test_where_others_have_used_up_the_limit_it_waits_until_the_reset(foundation: Foundation) -> None:
    with autoscaler(foundation) as scaler:
        other = {"Authorization": f"bearer {foundation.token_for('scaler')}"}
        for _ in range(5):
            plain_http.get(f"{foundation.url}/v3/processes/{WEB}", headers=other).raise_for_status()
        assert scaler.look() is Outcome.LIMITED
        assert scaler.look() is Outcome.SCALED
    foundation.verify(status=429, times=1)
    foundation.retries(max=1, honours_retry_after=True)
    assert instances(foundation) == RIGHT


def test_a_wait_may_be_asked_for_by_a_date(foundation: Foundation) -> None:
    with autoscaler(foundation) as scaler:
        date = format_datetime(foundation.clock.now + timedelta(seconds=90), usegmt=True)
        refusal = {"error": "CF-RateLimitExceeded", "headers": {"Retry-After": date}}
        foundation.play({"scenario": "dated", "rules": [{"operation": "scaleProcess", "times": 1, "respond": refusal}]})
        assert scaler.look() is Outcome.LIMITED
        assert scaler.look() is Outcome.SCALED
    foundation.verify("scaleProcess", times=2, gaps=["89s"])
    foundation.retries(max=1, honours_retry_after=True)


# Lost answers


@pytest.mark.parametrize("scenario", ["lost-response", "empty-reply", "truncated", "garbage"])
def test_after_a_lost_answer_it_reads_what_became_of_the_scale(foundation: Foundation, scenario: str) -> None:
    foundation.play(scenario)
    with autoscaler(foundation) as scaler:
        assert scaler.look() is Outcome.SCALED
        foundation.verify(order=[{"operation": "scaleProcess", "fault": "any", "kept": True}, "getProcess"])
        scaler.run(10 * MINUTE)
    foundation.verify("scaleProcess", times=1)
    assert instances(foundation) == RIGHT


@pytest.mark.scenario("connection-reset")
def test_a_scale_that_was_never_done_is_done_after_a_look(foundation: Foundation) -> None:
    with autoscaler(foundation) as scaler:
        assert scaler.look() is Outcome.SCALED
    foundation.verify(order=[{"operation": "scaleProcess", "fault": "reset"}, "getProcess", "scaleProcess"])
    foundation.retries("scaleProcess", max=1, never_twice=True)
    assert instances(foundation) == RIGHT


# What can't be seen


@pytest.mark.scenario("stale-reads")
def test_it_trusts_its_own_scale_over_what_it_reads_next(foundation: Foundation) -> None:
    with autoscaler(foundation, Policy(every=1, cool_down=0)) as scaler:
        scaler.run(MINUTE)
    foundation.verify("scaleProcess", times=1)
    assert instances(foundation) == RIGHT


@pytest.mark.scenario("stale-reads")
def test_one_that_trusts_what_it_reads_would_be_noticed(foundation: Foundation) -> None:
    with autoscaler(foundation, Policy(every=1, cool_down=0, trust=0)) as scaler:
        scaler.run(MINUTE)
    with pytest.raises(VerificationError, match="expected scaleProcess exactly 1 time"):
        foundation.verify("scaleProcess", times=1)


@pytest.mark.parametrize("scenario", ["metrics-unavailable", "scheduler-unavailable"])
def test_while_blind_it_decides_nothing(foundation: Foundation, scenario: str) -> None:
    foundation.play(scenario)
    with autoscaler(foundation) as scaler:
        scaler.run(5 * MINUTE)
        foundation.verify("scaleProcess", times=0)
        foundation.stop(scenario)
        assert scaler.look() is Outcome.SCALED
    assert instances(foundation) == RIGHT


@pytest.mark.scenario("scheduler-unavailable")
def test_while_blind_it_does_not_hammer(foundation: Foundation) -> None:
    with autoscaler(foundation) as scaler:
        scaler.run(10 * MINUTE)
    foundation.verify("getProcessStats", times=40 + int(MOST_REPEATS))


@pytest.mark.scenario("brownout")
def test_in_a_brownout_it_repeats_within_its_budget(foundation: Foundation) -> None:
    with autoscaler(foundation) as scaler:
        scaler.run(60 * MINUTE)
    foundation.verify("getProcessStats", status=503, at_least=10)
    # What is asked again at the next look is no repeat.
    audit = foundation.retries(never_twice=True, within=scaler.policy.every / 2)
    assert 10 <= audit.repeats <= MOST_REPEATS + EARNED_REPEATS * audit.requests
    assert instances(foundation) == RIGHT


# Whatever fails


@settings(max_examples=examples(8))
@given(schedule=failures("scaleProcess", max_failures=2, max_call=4))
def test_converges(foundation: Foundation, schedule: Scenario) -> None:
    foundation.play(schedule)
    with autoscaler(foundation, Policy(every=60)) as scaler:
        scaler.run(20 * MINUTE)
    assert instances(foundation) == RIGHT
    numbers = [BEFORE, *scaled_to(foundation)]
    distances = [abs(each - RIGHT) for each in numbers]
    assert distances == sorted(distances, reverse=True), f"it went the wrong way: {numbers}"
