"""Requests: a journal as control calls list it, as values or as lines for people. Never judges an exchange.

What is shown of an exchange is made in the journal room; the names in it are those of the foundation's world.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import msgspec

from mockfoundry.control.context import (
    MAX_LOOP_JOURNAL_BYTES,
    TEXT,
    ControlAnswer,
    ControlCall,
    ControlContext,
    ControlOutcome,
    ControlProblem,
    ControlWork,
    answer_in_turn,
    index_handlers,
    parse_moment_field,
)
from mockfoundry.documents.problems import did_you_mean
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.foundations.names import find_names
from mockfoundry.journal.curl import curl_command
from mockfoundry.journal.lines import (
    ListedEntry,
    Names,
    describe_entry,
    find_entry,
    fold_entries,
    list_entries,
    list_guids,
)
from mockfoundry.journal.store import Journal
from mockfoundry.journal.verify import JournalQuery


def list_requests(context: ControlContext, call: ControlCall) -> ControlOutcome:
    query, limit = query_from_filters(context, call), call.query["limit"]
    foundation, _ = context.find_foundation(call)
    journal = foundation.journal.snapshot()
    answer = answer_with_lines if call.query["format"] == "text" else answer_with_requests
    return answer_with_names(
        foundation,
        is_long(journal),
        lambda: list(deque(list_fitting(journal, query), maxlen=limit)),
        partial(answer, journal),
    )


def answer_with_names(
    foundation: FoundationState,
    takes_long: bool,
    find: Callable[[], list[ListedEntry]],
    answer: Callable[[list[ListedEntry], Names], ControlAnswer],
) -> ControlOutcome:
    """What is made of exchanges and of the names in them.

    Names are looked up where exchanges are made; what is long is done before and after that in the worker room.

    Args:
        find: finds the exchanges.
        answer: makes the answer.
    """

    def name_and_answer(_: int, listed: list[ListedEntry]) -> ControlOutcome:
        names = find_names(foundation, list_guids(listed))
        return answer_in_turn(takes_long, lambda: answer(listed, names))

    return ControlWork(find, name_and_answer) if takes_long else name_and_answer(0, find())


def list_fitting(journal: Journal, query: JournalQuery) -> Iterator[ListedEntry]:
    """The exchanges that fit a query."""
    return (each for each in list_entries(journal, query.after_number) if query.holds(each.entry))


def is_long(journal: Journal) -> bool:
    """Whether it takes long to read a journal."""
    return journal.size > MAX_LOOP_JOURNAL_BYTES


def answer_with_requests(journal: Journal, listed: list[ListedEntry], names: Names) -> ControlAnswer:
    """Exchanges as values, and their lines. Each is encoded for itself, so that no step of it is long."""
    body = {
        "recorded": journal.recorded,
        "dropped": journal.dropped,
        "bytes": journal.size,
        "requests": [msgspec.Raw(msgspec.json.encode(describe_entry(each, names))) for each in listed],
        "lines": [struct_to_dict(each) for each in fold_entries(listed, names)],
    }
    return ControlAnswer(body)


def answer_with_lines(journal: Journal, listed: list[ListedEntry], names: Names) -> ControlAnswer:
    """The lines of exchanges, as text."""
    lines = [each.line for each in fold_entries(listed, names)]
    if journal.dropped:
        lines.insert(0, f"… {journal.dropped} exchanges were dropped from the journal before these")
    return ControlAnswer("".join(f"{line}\n" for line in lines), media_type=TEXT)


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


def unknown_operation_problem(where: str, operation: str, operations: Mapping[str, Any]) -> ControlProblem:
    hint = did_you_mean(operation, operations)
    detail = f"{where}: {operation!r} is not an operation of the contract{hint} (mockfoundry operations lists them)"
    return ControlProblem(422, "unknown-operation", detail)


def struct_to_dict(value: msgspec.Struct) -> dict[str, Any]:
    """A value of the journal room as JSON's values."""
    data: dict[str, Any] = msgspec.to_builtins(value)
    return data


def show_request(context: ControlContext, call: ControlCall) -> ControlAnswer | ControlWork:
    foundation, _ = context.find_foundation(call)
    found = find_held_entry(foundation.journal, call.path["number"])
    entry, names = found.entry, find_names(foundation, list_guids([found]))
    return answer_in_turn(
        len(entry.request.content) + len(entry.response.body) > MAX_LOOP_JOURNAL_BYTES,
        lambda: ControlAnswer({**describe_entry(found, names), "curl": curl_command(entry, call.base_url)}),
    )


def find_held_entry(journal: Journal, number: int) -> ListedEntry:
    """The entry of a number.

    Raises:
        ControlProblem: 404, it is not held.
    """
    listed = find_entry(journal, number)
    if listed is None:
        found = "there was none yet" if number > journal.recorded else "it was dropped or cleared"
        first = next(iter(journal), None)
        there = "the journal is empty" if first is None else f"the journal has {first.number} to {journal.recorded}"
        raise ControlProblem(404, "unknown-request", f"request {number}: {found}; {there}")
    return listed


def clear_requests(context: ControlContext, call: ControlCall) -> ControlAnswer:
    foundation, _ = context.find_foundation(call)
    return ControlAnswer({"cleared": foundation.journal.clear()})


REQUEST_HANDLERS = index_handlers(list_requests, show_request, clear_requests)
