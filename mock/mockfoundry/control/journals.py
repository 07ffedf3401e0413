"""Journals as control calls ask them: verified and audited, and the coverage of all. Never judges one.

What a call asks is read into the journal room's own values, which judges it. The conditions of a question are those of
scenarios; they are compiled here, since the journal room knows nothing of scenarios.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any

import msgspec

from mockfoundry.contract.load import Contract
from mockfoundry.control.context import (
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
from mockfoundry.control.peers import PeerCoverage, ask_peers
from mockfoundry.control.requests import (
    NamesFinder,
    is_long,
    must_be_known,
    names_finder,
    struct_to_dict,
    unknown_operation_problem,
)
from mockfoundry.documents.times import parse_duration
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.journal.coverage import (
    ContractCoverage,
    CoverageItem,
    compute_coverage,
    format_coverage_table,
    scenario_for_item,
)
from mockfoundry.journal.entry import NO_STATUS
from mockfoundry.journal.hit_counts import HitKey
from mockfoundry.journal.lines import find_entry, list_titles
from mockfoundry.journal.retries import RetryLimits, audit_retries, format_retry_table, judge_retries
from mockfoundry.journal.store import Journal, add_hit_counts
from mockfoundry.journal.verdicts import list_shown_entries, show_verdict
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
            return answer_with_verdict(foundation, journal, note_waiting(verdict, call))
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


def note_waiting(verdict: VerificationResult, call: ControlCall) -> VerificationResult:
    """A verdict that says for how long it was waited in vain."""
    within = call.body.get("within", "0s")
    if verdict.result == "holds" or not parse_duration(within):
        return verdict
    return msgspec.structs.replace(verdict, message=f"{verdict.message}; waited {within}")


def answer_with_verdict(
    foundation: FoundationState, journal: Journal, verdict: VerificationResult
) -> ControlAnswer | ControlWork:
    """A verdict with the lines of the exchanges that it is about."""
    takes_long = is_long(journal)
    held, find = journal.snapshot() if takes_long else journal, names_finder(foundation, takes_long)
    return answer_in_turn(takes_long, lambda: ControlAnswer(verdict_to_dict(verdict, held, find)))


def verdict_to_dict(verdict: VerificationResult, journal: Journal, find: NamesFinder) -> dict[str, Any]:
    shown = list_shown_entries(verdict, journal)
    return struct_to_dict(show_verdict(verdict, shown, find(shown)))


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
    statuses = as_tuple(body.get("status", ()))
    for status in statuses:
        if not 100 <= status <= 599:
            raise bad_value_problem(f"{where}/status", status, "a status of an answer", "write 100 to 599")
    since = body.get("since")
    return JournalQuery(
        operation=asked,
        status=statuses,
        scenario=body.get("scenario"),
        actor=body.get("actor"),
        fault=body.get("fault"),
        kept=body.get("kept"),
        answered=body.get("answered"),
        after_number=body.get("after", 0),
        since=None if since is None else parse_moment_field(f"{where}/since", since),
        conditions=conditions_from_body(body.get("when", {}), where),
    )


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
    takes_long = is_long(journal)
    find = names_finder(foundation, takes_long)

    def answer_with_retries() -> ControlAnswer:
        audit = audit_retries(journal, asked["operation"], patience)
        told = verdict_to_dict(judge_retries(audit, limits), journal, find)
        firsts = [each for chain in audit.chains if (each := find_entry(journal, chain.first)) is not None]
        table = format_retry_table(audit, list_titles(firsts, find(firsts)))
        return ControlAnswer({**struct_to_dict(audit), "table": table, "verdict": told})

    return answer_in_turn(takes_long, answer_with_retries)


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
    if not context.asks_peers(call):
        return answer_with_coverage(context, hit_counts, call)
    operations = list_named_operations(call)

    def cover_all() -> ControlAnswer:
        query = {"operation": ",".join(operations)} if operations else {}
        answers = ask_peers(context.peers, "/coverage", query, PeerCoverage)
        for key, times in iterate_hit_counts(answers.told):
            hit_counts[key] = hit_counts.get(key, 0) + times
        coverage = compute_coverage(choose_contract(context, operations), hit_counts, operations)
        return ControlAnswer({**coverage_to_dict(coverage), "unreachable": answers.unreachable})

    return ControlWork(cover_all)


def iterate_hit_counts(told: list[PeerCoverage]) -> Iterator[tuple[HitKey, int]]:
    """What other shards have counted, as their coverage tells it."""
    for coverage in told:
        for square in coverage.squares:
            if square.times:
                status = NO_STATUS if square.fault else square.status
                yield (square.operation, status, square.fault, square.phase), square.times
        for operation, statuses in coverage.undocumented.items():
            for status, times in statuses.items():
                yield (operation, status, "", ""), times
        for operation, times in coverage.unanswered.items():
            yield (operation, NO_STATUS, "", ""), times


def answer_with_coverage(context: ControlContext, hit_counts: Mapping[Any, int], call: ControlCall) -> ControlWork:
    """Coverage is long for any contract: it has a scenario for each answer and fault."""
    operations = list_named_operations(call)
    contract = choose_contract(context, operations)
    return ControlWork(lambda: ControlAnswer(coverage_to_dict(compute_coverage(contract, hit_counts, operations))))


def list_named_operations(call: ControlCall) -> list[str]:
    """The operations that a call is about; an empty word names none, as in the other calls."""
    return [name for name in call.query["operation"] or () if name]


def choose_contract(context: ControlContext, operations: list[str]) -> Contract:
    """What coverage is of: everything that is served where operations are named, else the contract alone."""
    return context.service.served if operations else context.service.contract


def coverage_to_dict(coverage: ContractCoverage) -> dict[str, Any]:
    """Coverage with its table, and for each item a scenario file that makes a client meet it, met or not."""
    squares = [
        {**struct_to_dict(item), "scenario": coverage_scenario_yaml(msgspec.structs.replace(item, times=0))}
        for item in coverage.squares
    ]
    return {**struct_to_dict(coverage), "squares": squares, "table": format_coverage_table(coverage)}


@lru_cache(maxsize=4096)
def coverage_scenario_yaml(item: CoverageItem) -> str:
    """The file for an item whose `times` are left at 0, so that counting does not fill the cache."""
    return read_scenario(msgspec.json.encode(scenario_for_item(item)).decode(), source="coverage").to_yaml()


JOURNAL_HANDLERS = index_handlers(
    verify,
    show_retries,
    show_coverage,
    show_all_coverage,
)
