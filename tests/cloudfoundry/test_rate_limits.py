"""Rate limits: whose requests are counted together, how many there may be, and what the headers say; and other headers.

Source: middleware/base_rate_limiter.rb, middleware/rate_limiter.rb and middleware/mixins/user_reset_interval.rb.
"""

from typing import Any

import httpx
import pytest

from mockfoundry.cloudfoundry.rate_limits import estimate_remaining
from tests import plain_http
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
    assert seconds_to_reset(foundation, refused) == wait
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


REMAINING = {
    "90 with 19 used": (90, 19, 62),
    "90 with 18 used": (90, 18, 72),
    "10 with 3 used": (10, 3, 7),
    "30 with 21 used": (30, 21, 9),
    "2000 with 1 used": (2000, 1, 1800),
    "7 with 5 used": (7, 5, 1),
    "1 with 1 used": (1, 1, 0),
    "1 with 2 used": (1, 2, 0),
    "none": (0, 1, 0),
}
"""A limit, how many of it are used, and what the Cloud Controller says remains, in floating point."""


@pytest.mark.parametrize("row", REMAINING)
def test_what_remains_is_computed_as_the_real_one_does(row: str) -> None:
    most, used, expected = REMAINING[row]
    assert estimate_remaining(most, used) == expected


def test_of_ninety_with_nineteen_used_sixty_two_remain(foundation: Asking) -> None:
    limit(foundation, requests=90)
    assert [remaining(foundation.show(actor="developer")) for _ in range(19)][-2:] == [72, 62]


@pytest.mark.parametrize("interval", [1, 1.5, 60, 3600])
def test_reset_is_the_second_of_now_and_retry_after(foundation: Asking, interval: float) -> None:
    limit(foundation, requests=0, interval_seconds=interval)
    for seconds in (0, 0.25, 0.999999, 0.5):
        foundation.advance(seconds)
        refused = foundation.show(actor="developer")
        assert seconds_to_reset(foundation, refused) == int(refused.headers["retry-after"])


UNCOUNTED = {
    "the root": ("/", "bearer developer", False),
    "v3": ("/v3", "bearer developer", False),
    "v2 info": ("/v2/info", None, False),
    "the health": ("/healthz", None, False),
    "basic": ("/v3/processes", "Basic YWRtaW46", False),
    "basic in another case": ("/v3/processes", "bAsIc YWRtaW46", False),
    "internal": ("/internal/v4/apps", "bearer developer", False),
    "v3 with a query": ("/v3?a=b", "bearer developer", True),
    "v3 with a slash": ("/v3/", "bearer developer", True),
    "v3 info": ("/v3/info", "bearer developer", True),
    "an unknown route": ("/v3/nowhere", "bearer developer", True),
    "a bad token": ("/v3/processes", "bearer a b", True),
    "no token": ("/v3/processes", None, True),
}


@pytest.mark.parametrize("by", ["header", "path"])
@pytest.mark.parametrize("row", UNCOUNTED)
def test_open_paths_and_basic_are_not_counted(row: str, by: str, foundation: Asking) -> None:
    path, authorization, is_counted = UNCOUNTED[row]
    limit(foundation, requests=9)
    sent = {} if authorization is None else {"Authorization": authorization}
    prefix = f"/foundations/{foundation.name}" if by == "path" else ""
    if by == "header":
        sent["X-Mock-Foundation"] = foundation.name
    answer = plain_http.get(f"{foundation.server.url}{prefix}{path}", headers=sent)
    assert ("x-ratelimit-limit" in answer.headers) is is_counted


WAYS: dict[str, tuple[dict[str, Any] | None, dict[str, str]]] = {
    "Prefer by status": (None, {"Prefer": "code=429"}),
    "Prefer by example": (None, {"Prefer": "example=rate_limited"}),
    "Prefer by another example": (None, {"Prefer": "example=address_rate_limited"}),
    "error": ({"error": "CF-RateLimitExceeded"}, {}),
    "another error": ({"error": "CF-IPBasedRateLimitExceeded"}, {}),
    "status": ({"status": 429}, {}),
    "status with a body": ({"status": 429, "body": {"errors": []}}, {}),
    "status with a text": ({"status": 429, "text": "later"}, {}),
    "example": ({"example": "rate_limited"}, {}),
    "after the change": ({"error": "CF-RateLimitExceeded", "phase": "after"}, {}),
}
"""What a scenario answers, None without one; and what the request asks for."""


@pytest.mark.parametrize("is_limited", [False, True])
@pytest.mark.parametrize("row", WAYS)
def test_a_429_has_its_four_headers_whatever_it_comes_from(row: str, is_limited: bool, foundation: Asking) -> None:
    respond, headers = WAYS[row]
    if is_limited:
        limit(foundation, requests=90)
    if respond is not None:
        play(foundation, respond)
    answer = foundation.scale({}, actor="developer", headers=headers, documented=False)
    assert answer.status_code == 429
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["retry-after"] == "1"
    assert seconds_to_reset(foundation, answer) == 1
    assert (answer.headers["x-ratelimit-limit"], remaining(answer)) == ("2000", 0)
    assert len([name for name in answer.headers if name.startswith("x-ratelimit-")]) == 3


GIVEN_HEADERS: dict[str, tuple[dict[str, str | None], str | None, int | None]] = {
    "seconds": ({"Retry-After": "37"}, "37", 37),
    "in another case": ({"retry-AFTER": "37"}, "37", 37),
    "a date": ({"Retry-After": "Tue, 01 Jan 2030 00:01:30 GMT"}, "Tue, 01 Jan 2030 00:01:30 GMT", 90),
    "a word": ({"Retry-After": "soon"}, "soon", 1),
    "a number as long as any": ({"Retry-After": "9" * 5000}, "9" * 5000, 1),
    "none": ({"Retry-After": None}, None, 1),
    "a reset of its own": ({"X-RateLimit-Reset": "7"}, "1", None),
    "a content type of its own": ({"Content-Type": "application/json"}, "1", 1),
}
"""The headers of a scenario, and what Retry-After is, and how many seconds it is to the reset; None: as given."""


@pytest.mark.parametrize("row", GIVEN_HEADERS)
def test_a_scenarios_headers_go_before_those_of_every_429(row: str, foundation: Asking) -> None:
    headers, retry_after, reset = GIVEN_HEADERS[row]
    foundation.world.clock.virtual = 1_893_456_000_000_000
    play(foundation, {"error": "CF-RateLimitExceeded", "headers": headers})
    answer = foundation.scale({}, actor="developer")
    assert answer.headers.get("retry-after") == retry_after
    assert (
        answer.headers["x-ratelimit-reset"] == "7" if reset is None else seconds_to_reset(foundation, answer) == reset
    )
    assert answer.headers["content-type"] == headers.get("Content-Type", "text/plain; charset=utf-8")


def play(foundation: Asking, respond: dict[str, Any]) -> None:
    """Lets a scenario answer each scale."""
    rules = [{"operation": "scaleProcess", "respond": {"undocumented": True, **respond}}]
    url = f"/__mock/foundations/{foundation.name}/scenarios/limits"
    answer = foundation.server.client.put(url, json={"scenario": "limits", "rules": rules})
    assert answer.status_code in (200, 201), answer.text


def test_the_guid_of_the_user_reaches_no_client(foundation: Asking) -> None:
    for actor in ("developer", None):
        answer = foundation.show(actor=actor)
        assert "x-user-guid" not in answer.headers


TRACES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "both": ({"X-B3-TraceId": "a" * 32, "X-B3-SpanId": "b" * 16}, {"x-b3-traceid": "a" * 32, "x-b3-spanid": "b" * 16}),
    "the trace alone": ({"X-B3-TraceId": "a" * 32}, {}),
    "the span alone": ({"X-B3-SpanId": "b" * 16}, {}),
    "none": ({}, {}),
}


@pytest.mark.parametrize("row", TRACES)
def test_the_ids_of_a_trace_are_echoed_if_both_were_sent(row: str, foundation: Asking) -> None:
    sent, expected = TRACES[row]
    for guid in (WEB, "unknown"):
        answer = foundation.show(guid, headers=sent)
        assert {name: value for name, value in answer.headers.items() if name.startswith("x-b3-")} == expected


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
