"""Questions: what a call asks of the journal, read from JSON into the journal's own values. Never asks it.

The conditions of a question are those of scenarios: compiled here, since the journal knows nothing of scenarios.

Journals: listed, cleared, verified and audited, and the coverage of all. Never judges: the journal room does.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import flask
import msgspec

from mockfoundry.control.context import ControlContext, ControlProblem, Handlers, JournalWatch, bad_value_problem
from mockfoundry.documents.problems import did_you_mean
from mockfoundry.documents.times import parse_duration
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.journal.coverage import ContractCoverage, CoverageItem, compute_coverage, scenario_for_item
from mockfoundry.journal.coverage import format_coverage_table as coverage_table
from mockfoundry.journal.entry import JournalEntry, curl_command, entry_line, entry_to_dict
from mockfoundry.journal.retries import RetryLimits, audit_retries, judge_retries
from mockfoundry.journal.retries import format_retry_table as retry_table
from mockfoundry.journal.store import add_hit_counts
from mockfoundry.journal.verify import (
    Expectation,
    Gaps,
    JournalQuery,
    VerificationResult,
    verify_expectation,
    verify_order,
)
from mockfoundry.scenarios.conditions import PLACES, Condition, ConditionError, check_condition
from mockfoundry.scenarios.format import read_scenario

EARLIEST_PARSED_MOMENT = 0
LATEST_PARSED_MOMENT = 253_402_300_799 * 1_000_000
"""The last moment of the year 9999, which timestamps end with."""


def query_from_filters(
    operation: list[str], status: list[int], scenario: str | None, since: str | None, after: int = 0
) -> JournalQuery:
    """The question of a listing's filters."""
    return JournalQuery(
        operation=tuple(operation),
        status=tuple(status),
        scenario=scenario,
        since=None if since is None else parse_moment_field("query since", since),
        after_number=after,
    )


def query_from_body(body: Mapping[str, Any], where: str, operations: Mapping[str, Any]) -> JournalQuery:
    """The question of a verify's body.

    Args:
        operations: those of the contract.

    Raises:
        ControlError: it asks for an operation that there is not, or its conditions can't be used.
    """
    asked = as_tuple(body.get("operation", ()))
    for operation in asked:
        if operation not in operations:
            raise unknown_operation_problem(f"{where}/operation", operation, operations)
    since = body.get("since")
    return JournalQuery(
        operation=asked,
        status=as_tuple(body.get("status", ())),
        scenario=body.get("scenario"),
        actor=body.get("actor"),
        fault=body.get("fault"),
        kept=body.get("kept"),
        after_number=body.get("after", 0),
        since=None if since is None else parse_moment_field(f"{where}/since", since),
        conditions=conditions_from_body(body.get("when", {}), where),
    )


def unknown_operation_problem(where: str, operation: str, operations: Mapping[str, Any]) -> ControlProblem:
    hint = did_you_mean(operation, operations)
    detail = f"{where}: {operation!r} is not an operation of the contract{hint} (mockfoundry operations lists them)"
    return ControlProblem(422, "unknown-operation", detail)


def conditions_from_body(when: Mapping[str, Any], where: str) -> tuple[Condition, ...]:
    """The conditions of `when`, compiled."""
    made: list[Condition] = []
    for place in PLACES:
        for name, wanted in when.get(place, {}).items():
            if isinstance(wanted, Mapping):
                try:
                    check_condition(wanted)
                except ConditionError as error:
                    path = "/".join(str(step) for step in ("when", place, name, *error.path))
                    raise ControlProblem(422, "bad-condition", f"{where}/{path}: {error}") from None
            made.append(Condition(place, name, wanted))
    return tuple(made)


def expectation_from_body(body: Mapping[str, Any], query: JournalQuery) -> Expectation:
    """What a verify's body expects of a question's answer."""
    times, least, most = body.get("times"), body.get("at_least"), body.get("at_most")
    if times is not None and (least is not None or most is not None):
        raise ControlProblem(
            422, "bad-value", "body /times: stands beside at_least or at_most; keep the exact number or the bounds"
        )
    if least is not None and most is not None and least > most:
        raise bad_value_problem("body /at_least", least, f"at most at_most, {most}", "swap them")
    return Expectation(query=query, times=times, at_least=least, at_most=most, gaps=gaps_from_body(body.get("gaps")))


def gaps_from_body(gaps: Any) -> Gaps:
    if gaps is None:
        return None
    if gaps == "growing":
        return "growing"
    return tuple(
        parse_duration_field(f"body /gaps/at_least/{position}", text) for position, text in enumerate(gaps["at_least"])
    )


def parse_duration_field(where: str, text: str) -> int:
    """A duration's microseconds."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ControlProblem(422, "bad-duration", f"{where}: {text[:80]!r} is none: {error}") from None


def parse_moment_field(where: str, text: str) -> int:
    """A moment's microseconds since the epoch."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        microseconds = round(moment.timestamp() * 1_000_000)
    except (ValueError, OverflowError):
        raise bad_value_problem(where, text, "a moment with its zone", "write it as 2026-03-23T18:48:22Z") from None
    if not EARLIEST_PARSED_MOMENT <= microseconds <= LATEST_PARSED_MOMENT:
        raise bad_value_problem(where, text, "between 1970 and 9999", "take another one")
    return microseconds


def as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


MAX_VERIFY_WAIT = 60_000_000
"""Microseconds that a verify may wait."""

MAX_WAITING_CALLS = 48
"""How many may wait at once: each keeps a thread, and others must go on."""


def journal_handlers(context: ControlContext) -> Handlers:
    """The handlers of a foundation's journal."""
    contract = context.service.contract
    waiting = threading.BoundedSemaphore(MAX_WAITING_CALLS)

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
        query = query_from_filters(operation or [], status or [], scenario, since, after)

        def read(foundation: FoundationState, now: int) -> dict[str, Any]:
            journal = foundation.journal
            entries = [entry for entry in journal.after(after) if query.holds(entry)]
            return {
                "recorded": journal.recorded,
                "dropped": journal.dropped,
                "bytes": journal.size,
                "requests": [{**entry_to_dict(entry), "line": entry_line(entry)} for entry in entries[-limit:]],
            }

        return context.run_in_foundation(name, read)

    def show_request(name: str, number: int) -> dict[str, Any]:
        base = flask.request.host_url.rstrip("/")

        def read(foundation: FoundationState, now: int) -> dict[str, Any]:
            entry = find_held_entry(foundation, number)
            return {**entry_to_dict(entry), "line": entry_line(entry), "curl": curl_command(entry, base)}

        return context.run_in_foundation(name, read)

    def clear_requests(name: str) -> dict[str, int]:
        return {"cleared": context.run_in_foundation(name, lambda foundation, _: foundation.journal.clear())}

    def verify(name: str, body: dict[str, Any]) -> dict[str, Any]:
        within = parse_duration_field("body /within", body["within"]) if "within" in body else 0
        if within > MAX_VERIFY_WAIT:
            raise ControlProblem(422, "bad-duration", f"body /within: {body['within']!r} is longer than 60s; wait less")
        judge = judge_of(body)

        def asked(foundation: FoundationState, now: int) -> VerificationResult:
            return judge(foundation)

        verdict = context.run_in_foundation(name, asked)
        if verdict.result != "does_not_hold" or not within:
            return struct_to_dict(verdict)
        with reserve_waiting_place(waiting):
            return struct_to_dict(wait_for_verdict(context, name, asked, within))

    def judge_of(body: dict[str, Any]) -> Callable[[FoundationState], VerificationResult]:
        if "order" in body:
            others = sorted(body.keys() - {"order", "within"})
            if others:
                raise ControlProblem(
                    422, "bad-value", f"body /{others[0]}: stands beside order; put it into the questions of order"
                )
            questions = tuple(
                query_from_body(each, f"body /order/{position}", contract.plans)
                for position, each in enumerate(body["order"])
            )
            return lambda foundation: verify_order(foundation.journal, questions)
        expected = expectation_from_body(body, query_from_body(body, "body ", contract.plans))
        return lambda foundation: verify_expectation(foundation.journal, expected)

    def show_retries(
        name: str,
        operation: str = "",
        max: int | None = None,  # noqa: A002 (the API's word)
        honours_retry_after: bool = False,
        never_twice: bool = False,
        within: str | None = None,
    ) -> dict[str, Any]:
        must_be_known((operation,))
        patience = None if within is None else parse_duration_field("query within", within)
        limits = RetryLimits(max=max, honours_retry_after=honours_retry_after, never_twice=never_twice)

        def read(foundation: FoundationState, now: int) -> dict[str, Any]:
            audit = audit_retries(foundation.journal, operation, patience)
            return {
                **struct_to_dict(audit),
                "table": retry_table(audit),
                "verdict": struct_to_dict(judge_retries(audit, limits)),
            }

        return context.run_in_foundation(name, read)

    def show_coverage(name: str, operation: list[str] | None = None) -> dict[str, Any]:
        must_be_known(operation or ())
        return context.run_in_foundation(
            name,
            lambda foundation, _: coverage_to_dict(
                compute_coverage(contract, foundation.journal.hit_counts, operation or ())
            ),
        )

    def show_all_coverage(operation: list[str] | None = None) -> dict[str, Any]:
        must_be_known(operation or ())

        def read() -> dict[str, Any]:
            met = dict(context.service.registry.hit_counts)
            for foundation in context.service.registry:
                add_hit_counts(foundation.journal, met)
            return coverage_to_dict(compute_coverage(contract, met, operation or ()))

        return context.server.run_exclusively(read)

    def must_be_known(operations: Iterable[str]) -> None:
        for operation in operations:
            if operation and operation not in contract.plans:
                raise unknown_operation_problem("query operation", operation, contract.plans)

    return {
        "list_requests": list_requests,
        "show_request": show_request,
        "clear_requests": clear_requests,
        "verify": verify,
        "show_retries": show_retries,
        "show_coverage": show_coverage,
        "show_all_coverage": show_all_coverage,
    }


def find_held_entry(foundation: FoundationState, number: int) -> JournalEntry:
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
        raise ControlProblem(404, "unknown-request", f"request {number}: {found}; {there}")
    return entry


@contextmanager
def reserve_waiting_place(waiting: threading.Semaphore) -> Iterator[None]:
    """A place among those that wait."""
    if not waiting.acquire(blocking=False):
        raise ControlProblem(
            503, "too-many-waits", f"within: {MAX_WAITING_CALLS} calls wait already; ask again in a moment"
        )
    try:
        yield
    finally:
        waiting.release()


def wait_for_verdict(
    context: ControlContext, name: str, asked: Callable[[FoundationState, int], VerificationResult], within: int
) -> VerificationResult:
    """The verdict as soon as it holds, or as it is when the time is up. Waits in real time: clients do, too."""
    end = time.monotonic() + within / 1_000_000
    watchers = context.run_in_foundation(name, lambda foundation, _: foundation.journal.watchers)
    with JournalWatch(context.server, watchers) as watch:
        while True:
            verdict = context.run_in_foundation(name, asked)
            left = end - time.monotonic()
            if verdict.result != "does_not_hold" or left <= 0:
                return verdict
            watch.wait(left)


def coverage_to_dict(coverage: ContractCoverage) -> dict[str, Any]:
    """Coverage with its table, and with a ready scenario file for each square that is missing."""
    squares = [
        {**struct_to_dict(item), "scenario": None if item.times else coverage_scenario_yaml(item)}
        for item in coverage.squares
    ]
    return {**struct_to_dict(coverage), "squares": squares, "table": coverage_table(coverage)}


def coverage_scenario_yaml(item: CoverageItem) -> str:
    return read_scenario(msgspec.json.encode(scenario_for_item(item)).decode(), source="coverage").to_yaml()


def struct_to_dict(value: msgspec.Struct) -> dict[str, Any]:
    """A value of the journal room as JSON's values."""
    data: dict[str, Any] = msgspec.to_builtins(value)
    return data
