"""Lines: what was sent and what came, in a hundred columns; repeats share one, and the status is always there."""

from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from mockfoundry.journal.entry import RecordedResponse
from mockfoundry.journal.lines import (
    MAX_LINE_WIDTH,
    Names,
    cut_middle,
    find_entry,
    fold_entries,
    list_entries,
    list_guids,
    tell_entry,
)
from mockfoundry.journal.store import Journal
from tests.journal.test_journal import SECOND, Asked, given, journal_of

WEB = "6a901b7c-9417-4dc1-8189-d3234aa0ab82"
NAMES = {WEB: "dora/web", f"processes/{WEB}": "dora/web"}
SCALE = Asked(path={"guid": WEB}, actor="admin", content=b'{"instances":5}')
RULE: dict[str, Any] = {"scenario": "conflict-then-ok", "rule": 1, "decided_by": "scenario"}
JSON_HEADER = [(b"content-type", b"application/json")]


def answer(status: int, body: bytes = b"", reason: str = "", headers: Any = (), **more: Any) -> RecordedResponse:
    return RecordedResponse(status, [*JSON_HEADER, *headers], body, reason, **more)


def error(title: str) -> bytes:
    return b'{"errors":[{"detail":"No","title":"%s","code":1}]}' % title.encode()


def line_of(asked: Asked, response: RecordedResponse, names: Names = NAMES) -> str:
    (listed,) = list_entries(journal_of((asked, response)))
    return tell_entry(listed, names).line


def lines_of(journal: Journal) -> list[str]:
    return [each.line for each in fold_entries(tell_entry(each, NAMES) for each in list_entries(journal))]


ASKED: dict[str, tuple[Asked, str]] = {
    "a body": (SCALE, 'scaleProcess dora/web {"instances":5}'),
    "another user": (Asked(path={"guid": WEB}, content=b""), "scaleProcess dora/web as alice"),
    "no user": (Asked(path={"guid": WEB}, content=b"", actor=""), "scaleProcess dora/web"),
    "an app and a type": (
        Asked("scaleProcessForApp", content=b"", actor="", path={"guid": "the-app", "type": "web"}),
        "scaleProcessForApp dora/web",
    ),
    "a query": (
        Asked("listProcesses", content=b"", actor="", path={}, query_string=b"types=web&page=2"),
        "listProcesses ?types=web&page=2",
    ),
    "a guid in a query": (
        Asked("listProcesses", content=b"", actor="", path={}, query_string=b"guids=" + WEB.encode()),
        "listProcesses ?guids=<dora/web>",
    ),
    "a guid in a body": (
        Asked("createDeployment", actor="", path={}, content=b'{"guid":"%s"}' % WEB.encode()),
        'createDeployment {"guid":"<dora/web>"}',
    ),
    "a guid of something else": (
        Asked("getApp", content=b"", actor="", path={"guid": WEB}, target=f"/v3/apps/{WEB}"),
        "getApp <dora/web>",
    ),
    "a guid that nobody knows": (
        Asked("getProcess", content=b"", actor="", path={"guid": WEB[:-1] + "3"}),
        "getProcess 6a901b7c…",
    ),
    "an unknown route": (
        Asked("", content=b"", actor="", path={}, method="PUT", target=f"/v3/processes/{WEB}/scale"),
        "PUT /v3/processes/<dora/web>/scale",
    ),
    "a secret in a path": (
        Asked(content=b"", actor="", path={"guid": "one;token=abc"}),
        "scaleProcess one;token=[redacted 63906248]",
    ),
    "a body that is no JSON": (
        Asked(actor="", path={"guid": WEB}, content=b"instances=5", headers={}),
        "scaleProcess dora/web instances=5",
    ),
}
"""Requests, and what their lines say of them."""


@pytest.mark.parametrize("row", ASKED)
def test_a_request_is_told_by_its_operation_and_by_names(row: str) -> None:
    asked, told = ASKED[row]
    assert line_of(asked, answer(202), {**NAMES, "the-app": "dora"}) == f"#1 {told} → 202"


CAME: dict[str, tuple[RecordedResponse, str]] = {
    "an error's title": (answer(409, error("CF-Conflict"), **RULE), "409 CF-Conflict by rule 1 of conflict-then-ok"),
    "a title that says no more than the status": (
        answer(429, error("CF-RateLimitExceeded"), headers=[(b"retry-after", b"5")], **RULE),
        "429 Retry-After 5 by rule 1 of conflict-then-ok",
    ),
    "an error of UAA": (answer(401, b'{"error":"unauthorized"}', "bad client"), "401 unauthorized: bad client"),
    "an error sent as text": (
        RecordedResponse(400, [(b"content-type", b"text/plain")], error("CF-Odd"), "world: odd"),
        "400 CF-Odd: odd",
    ),
    "a text that is no error": (
        RecordedResponse(400, [(b"content-type", b"text/plain")], b'{"a":' * 5_000, "world: odd"),
        "400: odd",
    ),
    "a refusal of the world": (
        answer(422, error("CF-UnprocessableEntity"), "world: app dora has a deployment in flight"),
        "422: app dora has a deployment in flight",
    ),
    "a refusal behind a rule": (
        answer(422, b"", "scenario s, rule 2, match 1: pass; world: too many", scenario="s", rule=2),
        "422 by rule 2 of s: too many",
    ),
    "advice is left out": (
        answer(404, error("CF-NotFound"), "contract: no such route; there is apps", decided_by="contract"),
        "404 CF-NotFound: no such route",
    ),
    "an example": (answer(200, b"", "contract: example a", decided_by="contract"), "200: example a"),
    "an answer of the world": (answer(202, b"", "world: process scaled"), "202"),
    "a delay by a rule": (answer(202, scenario="slow", rule=1, delay=6 * SECOND), "202 after 6s by rule 1 of slow"),
    "a fault": (RecordedResponse(0, [], b"", "", fault="reset", scenario="s", rule=1), "reset by rule 1 of s"),
    "a lost answer": (
        answer(202, b"", fault="reset", scenario="s", rule=1, committed=True),
        "reset (change kept) by rule 1 of s",
    ),
    "a fault behind the headers": (
        answer(202, b"{}", fault="truncate", scenario="s", rule=1),
        "202 truncate by rule 1 of s",
    ),
    "an answer that is replaced behind the change": (
        answer(503, b"", committed=True, **RULE),
        "503 (change kept) by rule 1 of conflict-then-ok",
    ),
}
"""Responses, and what their lines say of them."""


@pytest.mark.parametrize("row", CAME)
def test_what_came_is_told_as_its_client_acts_on_it(row: str) -> None:
    response, told = CAME[row]
    assert line_of(SCALE, response) == f'#1 scaleProcess dora/web {{"instances":5}} → {told}'


WAITS: dict[str, tuple[int, int, str]] = {
    "some milliseconds": (8_200, 8_200, "+8ms"),
    "nearly a second": (900_000, 900_000, "+0.9s"),
    "seconds": (30_000_000, 30_000_000, "+30s"),
    "minutes": (150_000_000, 150_000_000, "+2.5m"),
    "hours": (5_400_000_000, 5_400_000_000, "+1.5h"),
    "a clock that was moved": (8_000, 30_000_000, "+8ms (clock +30s)"),
    "a clock that stood": (2_000_000, 0, "+2s (clock +0ms)"),
    "a clock that stood for a moment": (200_000, 0, "+0.2s"),
    "a clock of another state": (8_000, -60_000_000, "+8ms (clock -60s)"),
}
"""Microseconds that pass on the machine's clock and on the foundation's, and how they are told."""


@pytest.mark.parametrize("row", WAITS)
def test_the_wait_since_the_request_before_is_told_by_the_machines_clock(row: str) -> None:
    """And by the foundation's, where that clearly shows another."""
    real, virtual, told = WAITS[row]
    start = 100_000_000
    first, second = Asked(arrived=start, virtual=start), Asked(arrived=start + real, virtual=start + virtual)
    journal = journal_of((first, given()), (second, given()))
    assert lines_of(journal)[1].startswith(f"#2 {told} scaleProcess ")


def repeats(*waits: int) -> list[tuple[Asked, RecordedResponse]]:
    moments = [sum(waits[: number + 1]) for number in range(len(waits))]
    return [
        (Asked(arrived=at, path={"guid": WEB}, actor=""), answer(409, error("CF-Conflict"), **RULE)) for at in moments
    ]


def test_repeats_in_a_row_share_a_line_with_their_numbers_and_waits() -> None:
    other = (Asked(operation="getProcess", content=b"", actor="", path={"guid": WEB}, arrived=10 * SECOND), given(200))
    journal = journal_of(*repeats(*[8_000] * 56, 300_000), other)
    assert lines_of(journal) == [
        '#1-57 ×57 +8ms-0.3s scaleProcess dora/web {"instances":2} → 409 CF-Conflict by rule 1 of conflict-t…',
        "#58 +9.3s getProcess dora/web → 200",
    ]
    assert lines_of(journal_of(*repeats(0, 8_000, 12_000)))[0].startswith("#1-3 ×3 +8-12ms ")


def test_what_is_repeated_in_turn_shares_its_lines_too() -> None:
    """A client that reads before each attempt would else fill the report."""
    turns = [
        (Asked(operation, arrived=number * SECOND, content=b"", path={"guid": WEB}, actor=""), given(200))
        for number, operation in enumerate(["listApps", *["getProcess", "scaleProcess"] * 57, "getProcess"])
    ]
    assert lines_of(journal_of(*turns)) == [
        "#1 listApps dora/web → 200",
        "#2-114 ×57 +1s getProcess dora/web → 200",
        "#3-115 ×57 +1s scaleProcess dora/web → 200",
        "#116 +1s getProcess dora/web → 200",
    ]


@drawn(kinds=st.lists(st.sampled_from("abc"), max_size=30))
def test_every_exchange_is_in_one_line_and_every_line_in_order(kinds: list[str]) -> None:
    journal = journal_of(*[(Asked(kind), given(200)) for kind in kinds])
    folded = fold_entries(tell_entry(each, NAMES) for each in list_entries(journal))
    assert sum(each.times for each in folded) == len(kinds)
    assert [each.first for each in folded] == sorted(each.first for each in folded)
    numbers = [
        number
        for each in folded
        for number in (range(each.first, each.last + 1, (each.last - each.first) // max(1, each.times - 1) or 1))
    ]
    assert sorted(numbers) == list(range(1, len(kinds) + 1))
    for each in folded:
        assert f" {kinds[each.first - 1]} " in each.line
        assert kinds[each.first - 1] == kinds[each.last - 1]


def test_two_of_the_same_have_a_line_each() -> None:
    assert [line[:3] for line in lines_of(journal_of(*repeats(0, 8_000)))] == ["#1 ", "#2 "]


def test_another_body_is_no_repeat() -> None:
    bodies = [(Asked(content=b'{"instances":%d}' % number), given()) for number in range(6)]
    assert len(lines_of(journal_of(*bodies))) == 6


def test_the_first_that_is_held_has_no_wait() -> None:
    journal = journal_of(*repeats(*[SECOND] * 40), max_bytes=3_000)
    (first, *_) = list_entries(journal)
    assert journal.dropped
    assert tell_entry(first, NAMES).line.startswith(f"#{first.entry.number} scaleProcess ")
    second = find_entry(journal, first.entry.number + 1)
    assert second is not None
    assert tell_entry(second, NAMES).line.startswith(f"#{second.entry.number} +1s ")


def test_a_long_body_is_cut_and_keeps_its_last_bracket() -> None:
    long = Asked(path={"guid": WEB}, actor="", content=b'{"metadata":{"labels":{"a":"%s"}}}' % (b"x" * 500))
    line = line_of(long, answer(409, error("CF-Conflict"), **RULE))
    assert line == (
        '#1 scaleProcess dora/web {"metadata":{"labels":{"a…} → 409 CF-Conflict by rule 1 of conflict-then-ok'
    )
    assert len(line) == MAX_LINE_WIDTH


@drawn(
    body=st.text(max_size=300),
    value=st.text(max_size=200),
    title=st.text(max_size=200),
    retry_after=st.text("0123456789,: abc", max_size=200),
    scenario=st.text("abc-", max_size=80),
    route=st.booleans(),
    times=st.integers(1, 4),
)
def test_no_line_is_wider_than_a_hundred_columns_or_without_its_status(
    body: str, value: str, title: str, retry_after: str, scenario: str, route: bool, times: int
) -> None:
    asked = Asked(
        operation="scaleProcess" if route else "",
        content=body.encode("utf-8", "replace"),
        headers={},
        path={"guid": value},
        target=f"/v3/{value}",
    )
    response = answer(
        409, error(title), "world: why", [(b"retry-after", retry_after.encode())], scenario=scenario, rule=1
    )
    journal = journal_of(*[(asked, response)] * times)
    for line in lines_of(journal):
        assert len(line) <= MAX_LINE_WIDTH
        assert " → 409" in line
        assert line.isprintable()


@drawn(text=st.text(), width=st.integers(0, 40))
def test_a_cut_text_is_as_wide_as_it_may_be(text: str, width: int) -> None:
    cut = cut_middle(text, width)
    assert cut == text if len(text) <= width else len(cut) == width


def test_names_are_asked_for_the_guids_of_path_query_and_body() -> None:
    guids = [WEB[:-1] + str(number) for number in range(4)]
    asked = Asked(
        path={"guid": guids[0], "type": "web"},
        query_string=b"guids=" + guids[1].encode(),
        content=b'{"guid":"%s"}' % guids[2].encode(),
        target=f"/v3/{guids[3]}",
    )
    assert list_guids(list_entries(journal_of((asked, given())))) == {*guids, "web"}
