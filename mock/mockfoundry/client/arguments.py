"""Names: fresh ones, never the same twice on whatever machines the tests run, and those that tests give.

Never knows what has one.

Wording: what a test writes in Python, in the words of the control API. Never sends anything.
"""

import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

import msgspec

if TYPE_CHECKING:
    from mockfoundry.scenarios.model import Scenario, When


def generate_foundation_name() -> str:
    """A name that no other foundation has."""
    return f"f-{uuid.uuid4().hex[:20]}"


def must_be_name(name: str, kind: str, mend: str) -> str:
    """A name, which is no empty text: that would name all there are.

    Args:
        kind: what it is a name of, for errors.
        mend: what else to give, for errors.

    Raises:
        TypeError: it is no text.
        ValueError: it is empty.
    """
    if not isinstance(name, str):
        raise TypeError(f"{kind}: {name!r} is no name but a {type(name).__name__}; give its name, {mend}")
    if not name.strip():
        raise ValueError(f"{kind}: {name!r} is an empty name; give its name, {mend}")
    return name


if TYPE_CHECKING:
    ScenarioSource = str | Path | Mapping[str, Any] | Scenario
    Conditions = Mapping[str, Mapping[str, Any]] | When

Duration = str | timedelta | float
"""A duration's text (`250ms`, `2s`, `1m`, `1h`), or a number of seconds."""

Moment = str | datetime
"""A moment with its zone; as text `2026-03-23T18:48:22Z`."""

SeedSource = str | Path | Mapping[str, Any]
"""A seed: a file, the text of one, or its value. A text of one line that ends in .yaml, .yml or .json names a file."""

_FILE_SUFFIXES = (".yaml", ".yml", ".json")


class SentDocument(NamedTuple):
    """What is written in a seed or in a scenario.

    Attributes:
        source: what its problems are told of: a file's path, or a name for what came another way.
    """

    text: str
    source: str


class VerifyArguments(TypedDict, total=False):
    """What a verification expects beside the operation; each key left out asks nothing.

    Attributes:
        times, at_least, at_most: how many exchanges fit; with none of them, at least one.
        status: of the answer, one or several.
        scenario: that decided it.
        actor: who asked.
        fault: `any`, `none`, or one by its name.
        kept: whether it changed the world.
        after: only exchanges with a larger number.
        since: only exchanges from this moment of the foundation's clock on.
        when: conditions on path, query, headers and body, as in a scenario's rule.
        gaps: the least waits between one and the next, or `growing`.
        within: how long to wait for it to hold, 60s at most.
        order: what must have come in this order: operations, or mappings of the keys above.
    """

    times: int
    at_least: int
    at_most: int
    status: int | Sequence[int]
    scenario: str
    actor: str
    fault: str
    kept: bool
    after: int
    since: Moment
    when: "Conditions"
    gaps: str | Sequence[Duration]
    within: Duration
    order: Sequence[str | Mapping[str, Any]]


def serialize_duration(duration: Duration) -> str:
    """A duration's text.

    Raises:
        TypeError: it is none.
        ValueError: a number of seconds is negative, endless, or no number at all.
    """
    if isinstance(duration, str):
        return duration
    mend = "give seconds from 0 on, a timedelta, or a text such as 2s"
    if not isinstance(duration, timedelta | int | float):
        raise TypeError(f"{duration!r} is no duration but a {type(duration).__name__}; {mend}")
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    if not 0 <= seconds < math.inf:
        found = "negative" if seconds < 0 else "endless" if seconds > 0 else "not a number"
        raise ValueError(f"{duration!r} is no duration: it is {found}; {mend}")
    from mockfoundry.documents.times import format_duration

    return format_duration(round(seconds * 1_000_000))


def serialize_moment(moment: Moment) -> str:
    """A moment's text.

    Raises:
        TypeError: it is none.
        ValueError: it has no zone.
    """
    if isinstance(moment, str):
        return moment
    if not isinstance(moment, datetime):
        raise TypeError(
            f"{moment!r} is no moment but a {type(moment).__name__}; "
            "give a datetime with a zone, or a text such as 2026-03-23T18:48:22Z"
        )
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no zone; give it one: datetime(…, tzinfo=UTC)")
    return moment.isoformat()


def serialize_number(name: str, number: float) -> float:
    """A number as JSON can say it.

    Raises:
        TypeError: it is none.
        ValueError: it is endless, or not a number.
    """
    if not isinstance(number, int | float):
        raise TypeError(f"{name}: {number!r} is no number but a {type(number).__name__}; give one, such as 1.0")
    if not math.isfinite(number):
        raise ValueError(f"{name}: {number!r} can't be counted with; give a number, such as 1.0")
    return number


def serialize_expectation(operation: str | Sequence[str], expected: VerifyArguments) -> dict[str, Any]:
    """The body of a verify."""
    words: dict[str, Any] = serialize_exchange_filter(expected)
    if operation:
        words["operation"] = operation if isinstance(operation, str) else list(operation)
    if "gaps" in expected:
        gaps = expected["gaps"]
        words["gaps"] = gaps if isinstance(gaps, str) else {"at_least": [serialize_duration(each) for each in gaps]}
    if "within" in expected:
        words["within"] = serialize_duration(expected["within"])
    if "order" in expected:
        words["order"] = [
            {"operation": each} if isinstance(each, str) else serialize_exchange_filter(each)
            for each in expected["order"]
        ]
    return words


def serialize_exchange_filter(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked of single exchanges; None asks nothing."""
    words = {name: value for name, value in asked.items() if value is not None}
    if "since" in words:
        words["since"] = serialize_moment(words["since"])
    if isinstance(words.get("status"), Iterable):
        words["status"] = list(words["status"])
    if "when" in words and not isinstance(words["when"], Mapping):
        words["when"] = {name: value for name, value in msgspec.structs.asdict(words["when"]).items() if value}
    return words


def join_with_commas(values: Any) -> str:
    """One value or several, as a query has them."""
    several = isinstance(values, Iterable) and not isinstance(values, str)
    return ",".join(str(each) for each in values) if several else str(values)


def load_seed_document(seed: SeedSource) -> SentDocument:
    """A seed's text.

    Raises:
        OSError: its file can't be read.
        TypeError: it is nothing that can be a seed.
        ValueError: it is empty.
    """
    return load_document(seed, "seed")


def load_scenario_document(scenario: "ScenarioSource") -> SentDocument | None:
    """A scenario's text; None where it is the name of one in the library.

    Raises:
        OSError: its file can't be read.
        TypeError: it is nothing that can be a scenario.
        ValueError: it is empty.
    """
    if isinstance(scenario, str) and scenario.strip():
        names_nothing = "\n" not in scenario and not scenario.endswith(_FILE_SUFFIXES)
        return None if names_nothing else load_document(scenario, "scenario")
    if isinstance(scenario, str | Path | Mapping):
        return load_document(scenario, "scenario")
    from mockfoundry.scenarios.model import Scenario

    if not isinstance(scenario, Scenario):
        raise TypeError(
            f"scenario: {scenario!r} is a {type(scenario).__name__}; give a name of the library, "
            "a file, its text, its value as a mapping, or a Scenario"
        )
    return SentDocument(scenario.to_yaml(), f"scenario {scenario.name}")


def load_document(given: SeedSource, kind: str) -> SentDocument:
    """What is written in a file, in a text or in a value.

    Args:
        kind: what it is, for errors.
    """
    if isinstance(given, Mapping):
        return SentDocument(msgspec.json.encode(given).decode(), kind)
    if not isinstance(given, str | Path):
        raise TypeError(
            f"{kind}: {given!r} is a {type(given).__name__}; give a file, the text of one, or its value as a mapping"
        )
    names_file = isinstance(given, Path) or ("\n" not in given and given.endswith(_FILE_SUFFIXES))
    source = str(given) if names_file else kind
    text = Path(given).read_text(encoding="utf-8") if names_file else str(given)
    if not text.strip():
        raise ValueError(f"{source}: there is nothing in it; write a {kind}, or leave it out")
    return SentDocument(text, source)
