"""Questions: what a call asks of the journal, read from JSON into the journal's own values. Never asks it.

The conditions of a question are those of scenarios: compiled here, since the journal knows nothing of scenarios.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mockfoundry.control.problems import ControlError, bad_value
from mockfoundry.documents import did_you_mean, duration
from mockfoundry.journal.asking import Question
from mockfoundry.journal.verifying import Expectation, Gaps
from mockfoundry.scenarios.conditions import PLACES, Condition, ConditionError, check_condition

EARLIEST = 0
LATEST = 253_402_300_799 * 1_000_000
"""The last moment of the year 9999, which timestamps end with."""


def listed(
    operation: list[str], status: list[int], scenario: str | None, since: str | None, after: int = 0
) -> Question:
    """The question of a listing's filters."""
    return Question(
        operation=tuple(operation),
        status=tuple(status),
        scenario=scenario,
        since=None if since is None else moment_of("query since", since),
        behind=after,
    )


def question_of(body: Mapping[str, Any], where: str, operations: Mapping[str, Any]) -> Question:
    """The question of a verify's body.

    Args:
        operations: those of the contract.

    Raises:
        ControlError: it asks for an operation that there is not, or its conditions can't be used.
    """
    asked = as_tuple(body.get("operation", ()))
    for operation in asked:
        if operation not in operations:
            raise unknown_operation(f"{where}/operation", operation, operations)
    since = body.get("since")
    return Question(
        operation=asked,
        status=as_tuple(body.get("status", ())),
        scenario=body.get("scenario"),
        actor=body.get("actor"),
        fault=body.get("fault"),
        kept=body.get("kept"),
        behind=body.get("after", 0),
        since=None if since is None else moment_of(f"{where}/since", since),
        conditions=conditions_of(body.get("when", {}), where),
    )


def unknown_operation(where: str, operation: str, operations: Mapping[str, Any]) -> ControlError:
    hint = did_you_mean(operation, operations)
    detail = f"{where}: {operation!r} is not an operation of the contract{hint} (mockfoundry operations lists them)"
    return ControlError(422, "unknown-operation", detail)


def conditions_of(when: Mapping[str, Any], where: str) -> tuple[Condition, ...]:
    """The conditions of `when`, compiled."""
    made: list[Condition] = []
    for place in PLACES:
        for name, wanted in when.get(place, {}).items():
            if isinstance(wanted, Mapping):
                try:
                    check_condition(wanted)
                except ConditionError as error:
                    path = "/".join(str(step) for step in ("when", place, name, *error.path))
                    raise ControlError(422, "bad-condition", f"{where}/{path}: {error}") from None
            made.append(Condition(place, name, wanted))
    return tuple(made)


def expectation_of(body: Mapping[str, Any], question: Question) -> Expectation:
    """What a verify's body expects of a question's answer."""
    times, least, most = body.get("times"), body.get("at_least"), body.get("at_most")
    if times is not None and (least is not None or most is not None):
        raise ControlError(
            422, "bad-value", "body /times: stands beside at_least or at_most; keep the exact number or the bounds"
        )
    if least is not None and most is not None and least > most:
        raise bad_value("body /at_least", least, f"at most at_most, {most}", "swap them")
    return Expectation(question=question, times=times, at_least=least, at_most=most, gaps=gaps_of(body.get("gaps")))


def gaps_of(gaps: Any) -> Gaps:
    if gaps is None:
        return None
    if gaps == "growing":
        return "growing"
    return tuple(duration_of(f"body /gaps/at_least/{position}", text) for position, text in enumerate(gaps["at_least"]))


def duration_of(where: str, text: str) -> int:
    """A duration's microseconds."""
    try:
        return duration(text)
    except ValueError as error:
        raise ControlError(422, "bad-duration", f"{where}: {text[:80]!r} is none: {error}") from None


def moment_of(where: str, text: str) -> int:
    """A moment's microseconds since the epoch."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        microseconds = round(moment.timestamp() * 1_000_000)
    except (ValueError, OverflowError):
        raise bad_value(where, text, "a moment with its zone", "write it as 2026-03-23T18:48:22Z") from None
    if not EARLIEST <= microseconds <= LATEST:
        raise bad_value(where, text, "between 1970 and 9999", "take another one")
    return microseconds


def as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)
