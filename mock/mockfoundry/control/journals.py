"""Journals: listed, cleared, verified and audited, and the coverage of all. Never judges: the journal room does."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import flask
import msgspec

from mockfoundry.control.clerk import Clerk, Handlers
from mockfoundry.control.desk import Watch
from mockfoundry.control.problems import ControlError
from mockfoundry.control.questions import duration_of, expectation_of, listed, question_of, unknown_operation
from mockfoundry.foundations import Foundation
from mockfoundry.journal import Entry, merged
from mockfoundry.journal.coverage import Coverage, Square, covered, scenario_for
from mockfoundry.journal.coverage import table as coverage_table
from mockfoundry.journal.retries import Limits, audited, judged
from mockfoundry.journal.retries import table as retry_table
from mockfoundry.journal.telling import curl, line, told
from mockfoundry.journal.verifying import Verdict, in_order, verified
from mockfoundry.scenarios import read_scenario

LONGEST_WAIT = 60_000_000
"""Microseconds that a verify may wait."""

MOST_WAITING = 48
"""How many may wait at once: each keeps a thread, and others must go on."""


def journal_handlers(clerk: Clerk) -> Handlers:
    """The handlers of a foundation's journal."""
    contract = clerk.service.contract
    waiting = threading.BoundedSemaphore(MOST_WAITING)

    def list_requests(
        name: str,
        operation: list[str] | None = None,
        status: list[int] | None = None,
        scenario: str | None = None,
        since: str | None = None,
        after: int = 0,
        limit: int = 1000,
        follow: bool = False,
    ) -> dict[str, Any]:
        must_be_known(operation or ())
        question = listed(operation or [], status or [], scenario, since, after)

        def read(foundation: Foundation, now: int) -> dict[str, Any]:
            journal = foundation.journal
            entries = [entry for entry in journal.after(after) if question.holds(entry)]
            return {
                "recorded": journal.recorded,
                "dropped": journal.dropped,
                "bytes": journal.size,
                "requests": [{**told(entry), "line": line(entry)} for entry in entries[-limit:]],
            }

        return clerk.within(name, read)

    def show_request(name: str, number: int) -> dict[str, Any]:
        base = flask.request.host_url.rstrip("/")

        def read(foundation: Foundation, now: int) -> dict[str, Any]:
            entry = held(foundation, number)
            return {**told(entry), "line": line(entry), "curl": curl(entry, base)}

        return clerk.within(name, read)

    def clear_requests(name: str) -> dict[str, int]:
        return {"cleared": clerk.within(name, lambda foundation, _: foundation.journal.clear())}

    def verify(name: str, body: dict[str, Any]) -> dict[str, Any]:
        within = duration_of("body /within", body["within"]) if "within" in body else 0
        if within > LONGEST_WAIT:
            raise ControlError(422, "bad-duration", f"body /within: {body['within']!r} is longer than 60s; wait less")
        judge = judge_of(body)

        def asked(foundation: Foundation, now: int) -> Verdict:
            return judge(foundation)

        verdict = clerk.within(name, asked)
        if verdict.result != "does_not_hold" or not within:
            return as_data(verdict)
        with place_to_wait(waiting):
            return as_data(wait_for(clerk, name, asked, within))

    def judge_of(body: dict[str, Any]) -> Callable[[Foundation], Verdict]:
        if "order" in body:
            others = sorted(body.keys() - {"order", "within"})
            if others:
                raise ControlError(
                    422, "bad-value", f"body /{others[0]}: stands beside order; put it into the questions of order"
                )
            questions = tuple(
                question_of(each, f"body /order/{position}", contract.plans)
                for position, each in enumerate(body["order"])
            )
            return lambda foundation: in_order(foundation.journal, questions)
        expected = expectation_of(body, question_of(body, "body ", contract.plans))
        return lambda foundation: verified(foundation.journal, expected)

    def show_retries(
        name: str,
        operation: str = "",
        max: int | None = None,  # noqa: A002 (the API's word)
        honours_retry_after: bool = False,
        never_twice: bool = False,
        within: str | None = None,
    ) -> dict[str, Any]:
        must_be_known((operation,))
        patience = None if within is None else duration_of("query within", within)
        limits = Limits(max=max, honours_retry_after=honours_retry_after, never_twice=never_twice)

        def read(foundation: Foundation, now: int) -> dict[str, Any]:
            audit = audited(foundation.journal, operation, patience)
            return {**as_data(audit), "table": retry_table(audit), "verdict": as_data(judged(audit, limits))}

        return clerk.within(name, read)

    def show_coverage(name: str, operation: list[str] | None = None) -> dict[str, Any]:
        must_be_known(operation or ())
        return clerk.within(
            name, lambda foundation, _: coverage_told(covered(contract, foundation.journal.met, operation or ()))
        )

    def show_all_coverage(operation: list[str] | None = None) -> dict[str, Any]:
        must_be_known(operation or ())

        def read() -> dict[str, Any]:
            met = dict(clerk.service.registry.met)
            for foundation in clerk.service.registry:
                merged(foundation.journal, met)
            return coverage_told(covered(contract, met, operation or ()))

        return clerk.desk.ask(read)

    def must_be_known(operations: Iterable[str]) -> None:
        for operation in operations:
            if operation and operation not in contract.plans:
                raise unknown_operation("query operation", operation, contract.plans)

    return {
        "list_requests": list_requests,
        "show_request": show_request,
        "clear_requests": clear_requests,
        "verify": verify,
        "show_retries": show_retries,
        "show_coverage": show_coverage,
        "show_all_coverage": show_all_coverage,
    }


def held(foundation: Foundation, number: int) -> Entry:
    """The entry of a number.

    Raises:
        ControlError: 404, it is not held.
    """
    journal = foundation.journal
    entry = journal.entry(number)
    if entry is None:
        found = "there was none yet" if number > journal.recorded else "it was dropped or cleared"
        first = next(iter(journal), None)
        there = "none is held" if first is None else f"held are {first.number} to {journal.recorded}"
        raise ControlError(404, "unknown-request", f"request {number}: {found}; {there}")
    return entry


@contextmanager
def place_to_wait(waiting: threading.Semaphore) -> Iterator[None]:
    """A place among those that wait."""
    if not waiting.acquire(blocking=False):
        raise ControlError(503, "too-many-waits", f"within: {MOST_WAITING} calls wait already; ask again in a moment")
    try:
        yield
    finally:
        waiting.release()


def wait_for(clerk: Clerk, name: str, asked: Callable[[Foundation, int], Verdict], within: int) -> Verdict:
    """The verdict as soon as it holds, or as it is when the time is up. Waits in real time: clients do, too."""
    end = time.monotonic() + within / 1_000_000
    watchers = clerk.within(name, lambda foundation, _: foundation.journal.watchers)
    with Watch(clerk.desk, watchers) as watch:
        while True:
            verdict = clerk.within(name, asked)
            left = end - time.monotonic()
            if verdict.result != "does_not_hold" or left <= 0:
                return verdict
            watch.wait(left)


def coverage_told(coverage: Coverage) -> dict[str, Any]:
    """Coverage with its table, and with a ready scenario file for each square that is missing."""
    squares = [
        {**as_data(square), "scenario": None if square.times else written(square)} for square in coverage.squares
    ]
    return {**as_data(coverage), "squares": squares, "table": coverage_table(coverage)}


def written(square: Square) -> str:
    return read_scenario(msgspec.json.encode(scenario_for(square)).decode(), source="coverage").to_yaml()


def as_data(value: msgspec.Struct) -> dict[str, Any]:
    """A value of the journal room as JSON's values."""
    data: dict[str, Any] = msgspec.to_builtins(value)
    return data
