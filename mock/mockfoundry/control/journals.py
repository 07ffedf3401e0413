"""Journals as control calls see them: listed, cleared, verified and audited, and the coverage of all. Never judges one.

What a call asks is read into the journal room's own values, which judges it. The conditions of a question are those of
scenarios; they are compiled here, since the journal room knows nothing of scenarios.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any

import msgspec

from mockfoundry.control.context import (
    MAX_LOOP_JOURNAL_BYTES,
    CallPlaces,
    ControlAnswer,
    ControlCall,
    ControlContext,
    ControlOutcome,
    ControlProblem,
    ControlWait,
    ControlWork,
    answer_in_turn,
    bad_value_problem,
    index_handlers,
    parse_duration_field,
    parse_moment_field,
)
from mockfoundry.documents.problems import did_you_mean
from mockfoundry.journal.coverage import (
    ContractCoverage,
    CoverageItem,
    compute_coverage,
    format_coverage_table,
    scenario_for_item,
)
from mockfoundry.journal.curl import curl_command
from mockfoundry.journal.entry import JournalEntry, describe_entry
from mockfoundry.journal.retries import RetryLimits, audit_retries, format_retry_table, judge_retries
from mockfoundry.journal.store import Journal, add_hit_counts
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

MAX_VERIFY_WAIT = 60_000_000
"""Microseconds that a verify may wait."""

MAX_LOOP_QUESTION_LENGTH = 4_000
"""Characters of a verify's body that is judged where exchanges are made; a longer one is in the worker room."""

JournalJudge = Callable[[Journal], VerificationResult]


def list_requests(context: ControlContext, call: ControlCall) -> ControlAnswer | ControlWork:
    query, limit = query_from_filters(context, call), call.query["limit"]
    foundation, _ = context.find_foundation(call)
    journal = foundation.journal.snapshot()
    return answer_in_turn(is_long(journal), lambda: answer_with_requests(journal, query, limit))


def is_long(journal: Journal) -> bool:
    """Whether it takes long to read a journal."""
    return journal.size > MAX_LOOP_JOURNAL_BYTES


def answer_with_requests(journal: Journal, query: JournalQuery, limit: int) -> ControlAnswer:
    """The latest exchanges that fit a query. Each is encoded for itself, so that no step of it is long."""
    entries = deque((entry for entry in journal.after(query.after_number) if query.holds(entry)), maxlen=limit)
    body = {
        "recorded": journal.recorded,
        "dropped": journal.dropped,
        "bytes": journal.size,
        "requests": [msgspec.Raw(msgspec.json.encode(describe_entry(entry))) for entry in entries],
    }
    return ControlAnswer(body)


def query_from_filters(context: ControlContext, call: ControlCall) -> JournalQuery:
    """The question that a listing's query parameters ask.

    Raises:
        ControlProblem: 422, it asks for an operation that is not in the contract, or for no moment.
    """
    asked = call.query
    must_be_known(context, asked["operation"] or ())
    return JournalQuery(
        operation=tuple(asked["operation"] or ()),
        status=tuple(asked["status"] or ()),
        scenario=asked["scenario"],
        since=None if asked["since"] is None else parse_moment_field("query since", asked["since"]),
        after_number=asked["after"],
    )


def must_be_known(context: ControlContext, operations: Iterable[str]) -> None:
    """Raises ControlProblem (422) where the contract does not have one of the operations."""
    plans = context.service.served.plans
    for operation in operations:
        if operation and operation not in plans:
            raise unknown_operation_problem("query operation", operation, plans)


def show_request(context: ControlContext, call: ControlCall) -> ControlAnswer | ControlWork:
    foundation, _ = context.find_foundation(call)
    entry = find_held_entry(foundation.journal, call.path["number"])
    return answer_in_turn(
        len(entry.request.content) + len(entry.response.body) > MAX_LOOP_JOURNAL_BYTES,
        lambda: ControlAnswer({**describe_entry(entry), "curl": curl_command(entry, call.base_url)}),
    )


def find_held_entry(journal: Journal, number: int) -> JournalEntry:
    """The entry of a number.

    Raises:
        ControlProblem: 404, it is not held.
    """
    entry = journal.entry(number)
    if entry is None:
        found = "there was none yet" if number > journal.recorded else "it was dropped or cleared"
        first = next(iter(journal), None)
        there = "the journal is empty" if first is None else f"the journal has {first.number} to {journal.recorded}"
        raise ControlProblem(404, "unknown-request", f"request {number}: {found}; {there}")
    return entry


def clear_requests(context: ControlContext, call: ControlCall) -> ControlAnswer:
    foundation, _ = context.find_foundation(call)
    return ControlAnswer({"cleared": foundation.journal.clear()})


def verify(context: ControlContext, call: ControlCall) -> ControlOutcome:
    body, plans = call.body, context.service.served.plans
    within = parse_duration_field("body /within", body["within"]) if "within" in body else 0
    if within > MAX_VERIFY_WAIT:
        raise ControlProblem(422, "bad-duration", f"body /within: {body['within']!r} is longer than 60s; wait less")
    end = call.real_time + within
    if len(call.text) <= MAX_LOOP_QUESTION_LENGTH:
        return verify_until(context, judge_from_body(body, plans), end, call)
    context.find_foundation(call)
    return ControlWork(
        lambda: judge_from_body(body, plans),
        lambda real_time, judge: verify_until(context, judge, end, msgspec.structs.replace(call, real_time=real_time)),
    )


def verify_until(context: ControlContext, judge: JournalJudge, end: int, call: ControlCall) -> ControlOutcome:
    """The verdict, or a wait for the next exchange where it does not hold yet. Waits in real time, as clients do.

    Where the foundation is reset or replaced meanwhile, it is the new one's journal that is asked from then on.

    Args:
        end: the real time, in microseconds since the epoch, when the verdict is given, whatever it is then.

    Raises:
        ControlProblem: 404, the foundation is not there (any more); 503, too many calls wait.
    """
    foundation, _ = context.find_foundation(call)
    journal = foundation.journal

    def wait_or_answer(real_time: int, verdict: VerificationResult) -> ControlOutcome:
        left = end - real_time
        if verdict.result != "does_not_hold" or left <= 0:
            return ControlAnswer(struct_to_dict(verdict))
        if not context.waiting.take():
            most = context.waiting.most
            raise ControlProblem(503, "too-many-waits", f"within: {most} calls wait already; ask again in a moment")
        return ControlWait(partial(watch_journal, journal, seen, context.waiting), left, ask_again)

    def ask_again(real_time: int) -> ControlOutcome:
        return verify_until(context, judge, end, msgspec.structs.replace(call, real_time=real_time))

    seen = (journal.recorded, journal.amended)
    if is_long(journal) or len(call.text) > MAX_LOOP_QUESTION_LENGTH:
        snapshot = journal.snapshot()
        return ControlWork(lambda: judge(snapshot), wait_or_answer)
    return wait_or_answer(call.real_time, judge(journal))


def watch_journal(
    journal: Journal, seen: tuple[int, int], places: CallPlaces, wake: Callable[[], None]
) -> Callable[[], None]:
    """Has a function called after each change of a journal, and at its end, until what is returned is called.

    Args:
        seen: how much the journal had recorded and amended when it was last looked at.
        places: where a place is given back in the end.
    """
    journal.watchers.append(wake)
    if (journal.recorded, journal.amended) != seen:
        wake()

    def end() -> None:
        places.give_back()
        with suppress(ValueError):
            journal.watchers.remove(wake)

    return end


def judge_from_body(body: Mapping[str, Any], operations: Mapping[str, Any]) -> JournalJudge:
    """What judges a journal as a verify's body asks.

    Args:
        operations: those of the contract.

    Raises:
        ControlProblem: 422, the body can't be used.
    """
    if "order" not in body:
        expected = expectation_from_body(body, query_from_body(body, "body ", operations))
        return lambda journal: verify_expectation(journal, expected)
    others = sorted(body.keys() - {"order", "within"})
    if others:
        raise ControlProblem(
            422, "bad-value", f"body /{others[0]}: stands beside order; put it into the questions of order"
        )
    questions = tuple(
        query_from_body(each, f"body /order/{position}", operations) for position, each in enumerate(body["order"])
    )
    return lambda journal: verify_order(journal, questions)


def query_from_body(body: Mapping[str, Any], where: str, operations: Mapping[str, Any]) -> JournalQuery:
    """The question of a verify's body, or of one of its `order`.

    Args:
        where: of the body in a problem's words.
        operations: those of the contract.

    Raises:
        ControlProblem: 422, it asks for an operation that is not in the contract, or a condition can't be used.
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
        answered=body.get("answered"),
        after_number=body.get("after", 0),
        since=None if since is None else parse_moment_field(f"{where}/since", since),
        conditions=conditions_from_body(body.get("when", {}), where),
    )


def unknown_operation_problem(where: str, operation: str, operations: Mapping[str, Any]) -> ControlProblem:
    hint = did_you_mean(operation, operations)
    detail = f"{where}: {operation!r} is not an operation of the contract{hint} (mockfoundry operations lists them)"
    return ControlProblem(422, "unknown-operation", detail)


def conditions_from_body(when: Mapping[str, Any], where: str) -> tuple[Condition, ...]:
    """The conditions of `when`, compiled.

    Raises:
        ControlProblem: 422, one can't be used.
    """
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
    """What a verify's body expects of the exchanges that fit its question.

    Raises:
        ControlProblem: 422, its numbers exclude each other.
    """
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


def as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def show_retries(context: ControlContext, call: ControlCall) -> ControlAnswer | ControlWork:
    asked = call.query
    must_be_known(context, (asked["operation"],))
    patience = None if asked["within"] is None else parse_duration_field("query within", asked["within"])
    limits = RetryLimits(
        max=asked["max"], honours_retry_after=asked["honours_retry_after"], never_twice=asked["never_twice"]
    )
    foundation, _ = context.find_foundation(call)
    journal = foundation.journal.snapshot()

    def answer_with_retries() -> ControlAnswer:
        audit = audit_retries(journal, asked["operation"], patience)
        verdict = struct_to_dict(judge_retries(audit, limits))
        return ControlAnswer({**struct_to_dict(audit), "table": format_retry_table(audit), "verdict": verdict})

    return answer_in_turn(is_long(journal), answer_with_retries)


def show_coverage(context: ControlContext, call: ControlCall) -> ControlWork:
    must_be_known(context, call.query["operation"] or ())
    foundation, _ = context.find_foundation(call)
    return answer_with_coverage(context, dict(foundation.journal.hit_counts), call)


def show_all_coverage(context: ControlContext, call: ControlCall) -> ControlWork:
    must_be_known(context, call.query["operation"] or ())
    registry = context.service.registry
    hit_counts = dict(registry.hit_counts)
    for foundation in registry:
        add_hit_counts(foundation.journal, hit_counts)
    return answer_with_coverage(context, hit_counts, call)


def answer_with_coverage(context: ControlContext, hit_counts: Mapping[Any, int], call: ControlCall) -> ControlWork:
    """Coverage is long for any contract: it has a scenario for each answer that no client has met."""
    # An empty word names no operation, as in the other calls.
    operations = [name for name in call.query["operation"] or () if name]
    contract = context.service.served if operations else context.service.contract
    return ControlWork(lambda: ControlAnswer(coverage_to_dict(compute_coverage(contract, hit_counts, operations))))


def coverage_to_dict(coverage: ContractCoverage) -> dict[str, Any]:
    """Coverage with its table, and for each item that no client has met, a scenario file that makes one meet it."""
    squares = [
        {**struct_to_dict(item), "scenario": None if item.times else coverage_scenario_yaml(item)}
        for item in coverage.squares
    ]
    return {**struct_to_dict(coverage), "squares": squares, "table": format_coverage_table(coverage)}


@lru_cache(maxsize=4096)
def coverage_scenario_yaml(item: CoverageItem) -> str:
    return read_scenario(msgspec.json.encode(scenario_for_item(item)).decode(), source="coverage").to_yaml()


def struct_to_dict(value: msgspec.Struct) -> dict[str, Any]:
    """A value of the journal room as JSON's values."""
    data: dict[str, Any] = msgspec.to_builtins(value)
    return data


JOURNAL_HANDLERS = index_handlers(
    list_requests,
    show_request,
    clear_requests,
    verify,
    show_retries,
    show_coverage,
    show_all_coverage,
)
