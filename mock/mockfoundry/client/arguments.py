"""Arguments: what a test writes in Python, checked and turned into what a server understands. Never sends anything."""

import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import msgspec

from mockfoundry.documents.files import read_document_file
from mockfoundry.documents.problems import Document
from mockfoundry.options import ServerOptions, iterate_options

if TYPE_CHECKING:
    from mockfoundry.scenarios.model import Scenario, When

    ScenarioSource = str | Path | Mapping[str, Any] | Scenario
    Conditions = Mapping[str, Mapping[str, Any]] | When

Duration = str | timedelta | float
"""A duration's text (`250ms`, `2s`, `1m`, `1h`), or a number of seconds."""

Moment = str | datetime
"""A moment with its zone; as text `2026-03-23T18:48:22Z`."""

SeedSource = str | Path | Mapping[str, Any]
"""A seed: a file, the text of one, or its value. A text of one line that ends in .yaml, .yml or .json names a file."""

_FILE_SUFFIXES = (".yaml", ".yml", ".json")


def generate_foundation_name() -> str:
    """A name that no other foundation has, whichever machine made it."""
    return f"f-{uuid.uuid4().hex[:20]}"


def must_be_name(name: str, kind: str, mend: str) -> str:
    """The name, if it is one. An empty one is refused: in a path it would mean all of them.

    Args:
        kind: what the name is for, for errors.
        mend: what to give instead, for errors.

    Raises:
        TypeError: the name is not text.
        ValueError: the name is empty.
    """
    if not isinstance(name, str):
        raise TypeError(f"{kind}: {name!r} is no name but a {type(name).__name__}; give its name, {mend}")
    if not name.strip():
        raise ValueError(f"{kind}: {name!r} is an empty name; give its name, {mend}")
    return name


class VerifyArguments(TypedDict, total=False):
    """What a verification expects beside the operation; a key that is left out allows everything.

    Attributes:
        times, at_least, at_most: how many exchanges must match; with none of the three, at least one.
        status: of the answer, one or several.
        scenario: the name of the scenario that decided the answer.
        actor: the user who sent the request.
        fault: `any`, `none`, or the name of a fault.
        kept: whether the operation was done.
        answered: False asks for what still waits: a request that a scenario delays or holds, or its answer.
        after: only exchanges with a larger number.
        since: only exchanges from this moment of the foundation's clock on.
        when: conditions on path, query, headers and body, as in a scenario's rule.
        gaps: the shortest waits between one exchange and the next, or `growing`.
        within: how long to wait until it holds, 60s at most.
        order: what must have come, in this order: operations, or mappings of the keys above.
    """

    times: int
    at_least: int
    at_most: int
    status: int | Sequence[int]
    scenario: str
    actor: str
    fault: str
    kept: bool
    answered: bool
    after: int
    since: Moment
    when: "Conditions"
    gaps: str | Sequence[Duration]
    within: Duration
    order: Sequence[str | Mapping[str, Any]]


def serialize_duration(duration: Duration) -> str:
    """The text of a duration, as the control API reads it.

    Raises:
        TypeError: it is not a duration.
        ValueError: a number of seconds is negative, endless, or no number at all.
    """
    if isinstance(duration, str):
        return duration
    mend = "give seconds from 0 on, a timedelta, or a text such as 2s"
    if not isinstance(duration, timedelta | int | float):
        raise TypeError(f"{duration!r} is not a duration but a {type(duration).__name__}; {mend}")
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    if not 0 <= seconds < math.inf:
        found = "negative" if seconds < 0 else "endless" if seconds > 0 else "not a number"
        raise ValueError(f"{duration!r} is not a duration: it is {found}; {mend}")
    from mockfoundry.documents.times import format_duration

    return format_duration(round(seconds * 1_000_000))


def serialize_moment(moment: Moment) -> str:
    """The text of a moment, as the control API reads it.

    Raises:
        TypeError: it is not a moment.
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
    """The number, if JSON can hold it.

    Args:
        name: of the argument, for errors.

    Raises:
        TypeError: it is not a number.
        ValueError: it is infinite or NaN.
    """
    if not isinstance(number, int | float):
        raise TypeError(f"{name}: {number!r} is no number but a {type(number).__name__}; give one, such as 1.0")
    if not math.isfinite(number):
        raise ValueError(f"{name}: {number!r} can't be counted with; give a number, such as 1.0")
    return number


MAX_EXCHANGE_NUMBER = 2**53 - 1
"""The largest number of an exchange that the control API reads: that of JSON which every reader has exactly."""


def serialize_exchange_number(name: str, number: int) -> int:
    """The number, if an exchange can have it.

    Args:
        name: of the argument, for errors.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is negative, or larger than any can be.
    """
    mend = "give the number of an exchange, or 0 for all"
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"{name}: {number!r} is no whole number but a {type(number).__name__}; {mend}")
    if not 0 <= number <= MAX_EXCHANGE_NUMBER:
        found = "negative" if number < 0 else f"larger than {MAX_EXCHANGE_NUMBER}"
        raise ValueError(f"{name}: what was given is {found}; {mend}")
    return number


def encode_json(value: Any, where: str) -> bytes:
    """A value as JSON.

    Args:
        where: what the value is, for errors.

    Raises:
        TypeError: it holds what is none of JSON's values.
        ValueError: it holds a number or a text that JSON can't hold.
    """
    must_be_json(value, where)
    return msgspec.json.encode(value)


def encode_text(document: Document) -> bytes:
    """The bytes of a document.

    Raises:
        ValueError: it holds half of a surrogate pair, which is no character.
    """
    must_be_json(document.text, document.source)
    return document.text.encode()


MAX_JSON_DEPTH = 100
MAX_JSON_BITS = 4_096


def must_be_json(value: Any, where: str, depth: int = 0) -> None:
    """Raises ValueError where a value holds a number or a text that JSON can't hold; the text names its place."""
    if depth > MAX_JSON_DEPTH:
        raise ValueError(f"{where[:200]}: nests deeper than {MAX_JSON_DEPTH} levels; mend it")
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            half = value[error.start]
            raise ValueError(
                f"{where}: {value[:80]!r} has {half!r}, half of a surrogate pair and no character; leave it out"
            ) from None
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where}: {value!r} is no number that JSON has; give one, such as 1.0")
    elif isinstance(value, int) and value.bit_length() > MAX_JSON_BITS:
        raise ValueError(f"{where}: a number of {value.bit_length()} bits is too large; give a smaller one")
    elif isinstance(value, Mapping):
        for name, inside in value.items():
            must_be_json(name, f"{where}, a key", depth + 1)
            must_be_json(inside, f"{where}/{name}", depth + 1)
    elif isinstance(value, list | tuple | set | frozenset):
        for position, inside in enumerate(value):
            must_be_json(inside, f"{where}/{position}", depth + 1)


def serialize_expectation(operation: str | Sequence[str], expected: VerifyArguments) -> dict[str, Any]:
    """The body of a `verify` call."""
    body = serialize_exchange_filter(expected)
    if operation:
        body["operation"] = operation if isinstance(operation, str) else list(operation)
    if "gaps" in expected:
        gaps = expected["gaps"]
        body["gaps"] = gaps if isinstance(gaps, str) else {"at_least": [serialize_duration(each) for each in gaps]}
    if "within" in expected:
        body["within"] = serialize_duration(expected["within"])
    if "order" in expected:
        body["order"] = [
            {"operation": each} if isinstance(each, str) else serialize_exchange_filter(each)
            for each in expected["order"]
        ]
    return body


def serialize_exchange_filter(expected: Mapping[str, Any]) -> dict[str, Any]:
    """What each exchange must be like, as the control API reads it; None allows everything."""
    filter_ = {name: value for name, value in expected.items() if value is not None}
    if "since" in filter_:
        filter_["since"] = serialize_moment(filter_["since"])
    if "after" in filter_:
        filter_["after"] = serialize_exchange_number("after", filter_["after"])
    if isinstance(filter_.get("status"), Iterable):
        filter_["status"] = list(filter_["status"])
    if "when" in filter_ and not isinstance(filter_["when"], Mapping):
        filter_["when"] = {name: value for name, value in msgspec.structs.asdict(filter_["when"]).items() if value}
    return filter_


def serialize_listing(
    operation: str | Sequence[str],
    status: int | Sequence[int],
    scenario: str,
    since: Moment | None,
    after: int,
    limit: int,
) -> dict[str, Any]:
    """The query of a call that lists exchanges."""
    return {
        "operation": join_with_commas(operation),
        "status": join_with_commas(status),
        "scenario": scenario,
        "since": None if since is None else serialize_moment(since),
        "after": serialize_exchange_number("after", after) or None,
        "limit": limit,
    }


def join_with_commas(values: Any) -> str:
    """One value or several, as a query parameter."""
    is_several = isinstance(values, Iterable) and not isinstance(values, str)
    return ",".join(str(each) for each in values) if is_several else str(values)


def options_from_arguments(
    seed: SeedSource | None,
    scenarios: "Sequence[ScenarioSource]",
    contract: str | Path | None,
    platform: str | Path | None,
    **options: Any,
) -> ServerOptions:
    """The options of a server that is started from Python.

    Args:
        options: of `ServerOptions`, by name; None for the default.

    Raises:
        OSError: a file can't be read.
        TypeError, ValueError: the seed or a scenario is nothing of the kind, or empty; a number is out of its bounds.
    """
    for option in iterate_options():
        must_be_within(option.name, options.get(option.name), option.info.least, option.info.most)
    return ServerOptions(
        seed=None if seed is None else load_seed_document(seed),
        scenarios=tuple(load_sound_scenario(each) or str(each) for each in scenarios),
        contract=None if contract is None else str(contract),
        platform=None if platform is None else str(platform),
        **{name: value for name, value in options.items() if value is not None},
    )


def must_be_within(name: str, value: Any, least: int | None, most: int | None) -> None:
    """Raises ValueError where a number is out of its bounds."""
    if isinstance(value, int) and ((least is not None and value < least) or (most is not None and value > most)):
        allowed = f"at least {least}" if most is None else f"a whole number from {least} to {most}"
        raise ValueError(f"{name}={value} is not {allowed}")


def load_seed_document(seed: SeedSource) -> Document:
    """The text of a seed.

    Raises:
        OSError: its file can't be read.
        TypeError: what is given can be no seed.
        ValueError: it is empty.
    """
    return load_document(seed, "seed")


def load_scenario_document(scenario: "ScenarioSource") -> Document | None:
    """The text of a scenario; None where the name of one in the library is given.

    Raises:
        OSError: its file can't be read.
        TypeError: what is given can be no scenario.
        ValueError: it is empty.
    """
    if isinstance(scenario, str) and scenario.strip():
        return None if is_library_name(scenario) else load_document(scenario, "scenario")
    if isinstance(scenario, str | Path | Mapping):
        return load_document(scenario, "scenario")
    from mockfoundry.scenarios.model import Scenario

    if not isinstance(scenario, Scenario):
        raise TypeError(
            f"scenario: {scenario!r} is a {type(scenario).__name__}; give a name of the library, "
            "a file, its text, its value as a mapping, or a Scenario"
        )
    from mockfoundry.scenarios.format import name_scenario

    return Document(scenario.to_yaml(), name_scenario(scenario))


def load_sound_scenario(scenario: "ScenarioSource") -> Document | None:
    """As `load_scenario_document`. A `Scenario` is read here as its file would be, so that its mistakes are told at the
    user's line; what is a text already is read by the server.

    Raises:
        ScenarioError: what is written in a `Scenario` is not one.
    """
    document = load_scenario_document(scenario)
    if document is not None and not isinstance(scenario, str | Path | Mapping):
        from mockfoundry.scenarios.format import read_scenario

        read_scenario(document.text, source=document.source)
    return document


def is_library_name(scenario: str) -> bool:
    """Whether a text names a scenario of the library, and neither names a file nor is the text of one."""
    return "\n" not in scenario and not scenario.endswith(_FILE_SUFFIXES)


def scenario_to_json_value(scenario: "ScenarioSource") -> dict[str, Any] | None:
    """A `Scenario` as the value of its file; None for another source, or where JSON can't say the same as the file."""
    if isinstance(scenario, str | Path | Mapping):
        return None
    from mockfoundry.scenarios.format import must_be_writable, name_scenario, scenario_to_dict
    from mockfoundry.scenarios.kinds import is_name
    from mockfoundry.scenarios.model import Scenario

    if not (isinstance(scenario, Scenario) and isinstance(scenario.name, str) and is_name(scenario.name)):
        return None
    value = scenario_to_dict(scenario)
    must_be_writable(value, name_scenario(scenario))
    try:
        is_same = msgspec.json.decode(msgspec.json.encode(value)) == value
    except (TypeError, ValueError):
        is_same = False
    return value if is_same else None


def load_document(given: SeedSource, kind: str) -> Document:
    """What a file, a text or a value holds.

    Args:
        kind: `seed` or `scenario`, for errors.
    """
    if isinstance(given, Mapping):
        return Document(encode_json(given, kind).decode(), kind)
    if not isinstance(given, str | Path):
        raise TypeError(
            f"{kind}: {given!r} is a {type(given).__name__}; give a file, the text of one, or its value as a mapping"
        )
    names_file = isinstance(given, Path) or ("\n" not in given and given.endswith(_FILE_SUFFIXES))
    source = str(given) if names_file else kind
    text = read_document_file(Path(given), ServerOptions.max_seed, "make it smaller") if names_file else str(given)
    if not text.strip():
        raise ValueError(f"{source}: there is nothing in it; write a {kind}, or leave it out")
    return Document(text, source)
