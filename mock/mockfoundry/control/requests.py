"""Requests: a journal as control calls list it, as values or as lines for people. Never judges an exchange.

What is shown of an exchange is made in the journal room; the names in it are those of the foundation's world.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from mockfoundry.control.context import (
    MAX_LOOP_JOURNAL_BYTES,
    TEXT,
    ControlAnswer,
    ControlCall,
    ControlContext,
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
    ToldEntry,
    describe_entries,
    describe_entry,
    find_entry,
    fold_entries,
    list_entries,
    list_guids,
    tell_entry,
)
from mockfoundry.journal.store import Journal
from mockfoundry.journal.verify import JournalQuery


def list_requests(context: ControlContext, call: ControlCall) -> ControlAnswer | ControlWork:
    query, limit = query_from_filters(context, call), call.query["limit"]
    if call.query["format"] == "events":
        raise ControlProblem(400, "not-as-described", "query format: events are sent with follow=true alone; add that")
    foundation, _ = context.find_foundation(call)
    journal = foundation.journal.snapshot()
    takes_long = is_long(journal)
    find = names_finder(foundation, takes_long)
    answer = answer_with_lines if call.query["format"] == "text" else answer_with_requests

    def list_and_answer() -> ControlAnswer:
        listed = list(deque(list_fitting(journal, query), maxlen=limit))
        return answer(journal, listed, find(listed))

    return answer_in_turn(takes_long, list_and_answer)


NamesFinder = Callable[[Iterable[ListedEntry]], Names]
"""Gives the names of what exchanges are about."""


def names_finder(foundation: FoundationState, takes_long: bool) -> NamesFinder:
    """What finds names in a foundation's world.

    Args:
        takes_long: whether it will be asked in the worker room, so that it needs a copy. Tables of a world that was
            copied are copied when they are written next, so a short answer does without.
    """
    world = foundation.world.copy() if takes_long else foundation.world
    before = foundation.initial_world
    return lambda listed: find_names(world, before, list_guids(listed))


def list_fitting(journal: Journal, query: JournalQuery) -> Iterator[ListedEntry]:
    """The exchanges that fit a query."""
    return (each for each in list_entries(journal, query.after_number) if query.holds(each.entry))


def is_long(journal: Journal) -> bool:
    """Whether it takes long to read a journal."""
    return journal.size > MAX_LOOP_JOURNAL_BYTES


def answer_with_requests(journal: Journal, listed: list[ListedEntry], names: Names) -> ControlAnswer:
    """Exchanges as values, and their lines. Each is encoded for itself, so that no step of it is long."""
    requests: list[msgspec.Raw] = []
    told: list[ToldEntry] = []
    for described, each in describe_entries(listed, names):
        requests.append(msgspec.Raw(msgspec.json.encode(described)))
        told.append(each)
    body = {
        "recorded": journal.recorded,
        "dropped": journal.dropped,
        "bytes": journal.size,
        "requests": requests,
        "lines": [struct_to_dict(each) for each in fold_entries(told)],
    }
    return ControlAnswer(body)


def answer_with_lines(journal: Journal, listed: list[ListedEntry], names: Names) -> ControlAnswer:
    """The lines of exchanges, as text."""
    lines = [each.line for each in fold_entries(tell_entry(each, names) for each in listed)]
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
    entry, names = found.entry, names_finder(foundation, False)([found])
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
