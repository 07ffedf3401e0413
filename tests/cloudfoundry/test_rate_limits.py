"""Rate limits: whose requests are counted together, how many there may be, and what the headers say.

Source: middleware/base_rate_limiter.rb, middleware/rate_limiter.rb and middleware/mixins/user_reset_interval.rb.
"""

from typing import Any

import httpx
import pytest

from tests.cloudfoundry.asking import WEB, Asking, error

EXCEEDED = (429, "CF-RateLimitExceeded", "Rate Limit Exceeded", 10013)
ADDRESS_EXCEEDED = (
    429,
    "CF-IPBasedRateLimitExceeded",
    "Rate Limit Exceeded: Unauthenticated requests from this IP address have exceeded the limit. Please log in.",
    10014,
)
INVALID_TOKEN = (401, "CF-InvalidAuthToken", "Invalid Auth Token", 1000)


def limit(foundation: Asking, **fields: Any) -> None:
    """Limits the requests of each client; a window takes 60 seconds where nothing else is said."""
    foundation.given(settings={"rate_limit": {"interval_seconds": 60, **fields}})


def remaining(answer: httpx.Response) -> int:
    return int(answer.headers["x-ratelimit-remaining"])


def seconds_to_reset(foundation: Asking, answer: httpx.Response) -> int:
    return int(answer.headers["x-ratelimit-reset"]) - foundation.now // 1_000_000


LIMITS: dict[str, tuple[str | None, str | None]] = {
    "developer": ("developer", "5"),
    "global_auditor": ("global_auditor", "5"),
    "root": ("root", "7"),
    "reading_admin": ("reading_admin", "7"),
    "any bearer": ("whoever", "7"),
    "no token": (None, "2"),
}
"""A client's bearer and the limit that it has; admins, reading ones too, have one of their own."""


@pytest.mark.parametrize("row", LIMITS)
def test_a_limit_is_that_of_the_clients_scopes(row: str, foundation: Asking) -> None:
    """The limit of the headers is the number of requests that are let through."""
    actor, expected = LIMITS[row]
    limit(foundation, requests=5, unauthenticated=2, admins=7)
    answers = [foundation.show(actor=actor) for _ in range(int(expected or 0) + 1)]
    assert {each.headers["x-ratelimit-limit"] for each in answers} == {expected}
    assert [each.status_code == 429 for each in answers] == [False] * (len(answers) - 1) + [True]
    assert [remaining(each) for each in answers[-2:]] == [0, 0]


def test_admins_have_no_limit_where_none_is_given(foundation: Asking) -> None:
    """A limit for users alone leaves admins without headers, and without an end."""
    limit(foundation, requests=1)
    for actor in ("root", "reading_admin"):
        answers = [foundation.show(actor=actor) for _ in range(3)]
        assert [each.status_code for each in answers] == [200] * 3
        assert not any("x-ratelimit-limit" in each.headers for each in answers)
    assert [foundation.show(actor="developer").status_code for _ in range(2)] == [200, 429]


def test_clients_are_counted_apart_and_those_without_a_token_together(foundation: Asking) -> None:
    """What one user has used up takes nothing from another."""
    limit(foundation, requests=2, unauthenticated=1)
    assert [foundation.show(actor="developer").status_code for _ in range(3)] == [200, 200, 429]
    assert foundation.show(actor="auditor").status_code == 200
    assert foundation.show(actor=None).status_code == 401
    assert error(foundation.show(actor=None)) == ADDRESS_EXCEEDED


def test_a_refused_request_says_when_the_next_one_is_let_through(foundation: Asking) -> None:
    """Retry-After is the rest of the window in whole seconds, rounded up; after it the count begins anew."""
    limit(foundation, requests=1)
    first, refused = foundation.show(actor="developer"), foundation.show(actor="developer")
    assert error(refused) == EXCEEDED
    assert "retry-after" not in first.headers
    assert refused.headers["x-mock-why"] == "world: rate limit of developer"
    wait = int(refused.headers["retry-after"])
    assert 1 <= wait <= 60
    assert seconds_to_reset(foundation, refused) in (wait - 1, wait)
    foundation.advance(wait - 1)
    assert foundation.show(actor="developer").headers["retry-after"] == "1"
    foundation.advance(1)
    assert foundation.show(actor="developer").status_code == 200


def test_windows_follow_each_other_without_a_gap(foundation: Asking) -> None:
    """The end of a window is the same for all of its requests, and the next one ends an interval later."""
    limit(foundation, requests=100, interval_seconds=10)
    first = foundation.show(actor="developer")
    assert 0 <= seconds_to_reset(foundation, first) <= 10
    assert foundation.show(actor="developer").headers["x-ratelimit-reset"] == first.headers["x-ratelimit-reset"]
    foundation.advance(10)
    later = foundation.show(actor="developer")
    assert int(later.headers["x-ratelimit-reset"]) - int(first.headers["x-ratelimit-reset"]) == 10
    assert remaining(later) == remaining(first)


def test_a_window_ends_at_its_very_microsecond(foundation: Asking) -> None:
    """A request at the end of a window counts for the next one."""
    limit(foundation, requests=1)
    foundation.show(actor="developer")
    (window,) = foundation.server.service.registry.get_or_create(foundation.name, 0).windows.values()
    ends = window.ends
    foundation.world.clock.virtual = ends - 1
    assert foundation.show(actor="developer").headers["retry-after"] == "1"
    foundation.world.clock.virtual = ends
    assert foundation.show(actor="developer").status_code == 200


def test_windows_of_users_end_at_moments_of_their_own(foundation: Asking) -> None:
    """Users do not all come back in the same second."""
    limit(foundation, requests=9, interval_seconds=3600)
    users = ("developer", "supporter", "manager", "auditor", "org_manager")
    assert len({foundation.show(actor=each).headers["x-ratelimit-reset"] for each in users}) == len(users)


def test_what_remains_is_rounded_down_to_tenths_of_the_limit(foundation: Asking) -> None:
    """Of 25, what is shown goes 22, 20, 17 and so on, and is 0 below the last tenth."""
    limit(foundation, requests=25)
    shown = [remaining(foundation.show(actor="developer")) for _ in range(27)]
    assert shown == [22, 22, 20, 20, 20, 17, 17, 15, 15, 15, 12, 12, 10, 10, 10, 7, 7, 5, 5, 5, 2, 2, 0, 0, 0, 0, 0]


def test_a_limit_of_zero_lets_nothing_through(foundation: Asking) -> None:
    limit(foundation, requests=0)
    answer = foundation.show(actor="developer")
    assert error(answer) == EXCEEDED
    assert (answer.headers["x-ratelimit-limit"], remaining(answer)) == ("0", 0)


def test_an_invalid_token_hears_of_the_token_beyond_the_limit_too(foundation: Asking) -> None:
    """It counts as a client without a token, whose limit it exceeds, but what is wrong is still its token."""
    limit(foundation, requests=9, unauthenticated=1)
    sent = {"X-Mock-Foundation": foundation.name, "Authorization": "bearer"}
    answers = [foundation.server.client.get(f"/v3/processes/{WEB}", headers=sent) for _ in range(3)]
    assert [error(each) for each in answers] == [INVALID_TOKEN] * 3
    assert {each.headers["x-ratelimit-limit"] for each in answers} == {"1"}
    assert ["retry-after" in each.headers for each in answers] == [False, True, True]


def test_every_answer_says_what_remains(foundation: Asking) -> None:
    """Errors count too, and so do routes that there are not."""
    limit(foundation, requests=10)
    answers = [
        foundation.show(actor="developer"),
        foundation.scale({"instances": -1}, actor="developer"),
        foundation.show("unknown", actor="developer"),
        foundation.ask("GET", "/v3/nowhere", actor="developer"),
    ]
    assert [each.status_code for each in answers] == [200, 422, 404, 404]
    assert [remaining(each) for each in answers] == [9, 8, 7, 6]
