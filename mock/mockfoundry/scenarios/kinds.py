"""Kinds of values that only scenario files have. Never plays one."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.seeds.format import SEED
from mockfoundry.cloudfoundry.seeds.patch_words import read_patch_words
from mockfoundry.contract.plan import shorten_value
from mockfoundry.documents.declare import UNREADABLE, AsItIs, Form, Kind, Path, Reading
from mockfoundry.documents.kinds import JsonKind
from mockfoundry.documents.times import DURATION_PATTERN, MAX_DURATION, format_duration, parse_duration
from mockfoundry.documents.wording import describe_value, refuse_value
from mockfoundry.scenarios.conditions import ConditionError, check_condition

NAME_PATTERN = "^[A-Za-z0-9]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9])?$"
_NAME_SIGNS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


class NameKind(AsItIs):
    """A name of something. Names appear in paths and headers, so only a few signs are allowed."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if isinstance(value, str) and is_name(value):
            return value
        allowed = "1 to 64 letters, digits, -, _ or ., with a letter or digit at both ends"
        return reading.refuse_value(path, value, allowed)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": NAME_PATTERN}


def is_name(text: str) -> bool:
    return 0 < len(text) <= 64 and _NAME_SIGNS.issuperset(text) and text[0] not in "_.-" and text[-1] not in "_.-"


class ProbabilityKind(AsItIs):
    """A probability above 0."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1:
            return float(value)
        return reading.refuse_value(path, value, "a number above 0 and up to 1: 0.5 is half of the matches")

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "exclusiveMinimum": 0, "maximum": 1}


class FlagKind(AsItIs):
    """The word `true`, or left out."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        return True if value is True else reading.refuse_value(path, value, "true, or be left out")

    def schema(self) -> dict[str, Any]:
        return {"const": True}


class Base64Kind:
    """Bytes as text in base64, in as many lines as one likes; bytes as a value."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if not isinstance(value, str):
            return reading.refuse_value(path, value, 'text in base64, such as "AAEC"')
        text = "".join(value.split())
        wrong = _NOT_BASE64.search(text)
        if wrong is not None:
            found = f'{reading.name_of(path)} has "{shorten_value(wrong.group())}" at character {wrong.start() + 1}'
            allowed = "base64 has letters, digits, + and /, and = at its end"
            return reading.refuse(path, f"{found}, without the blanks; {allowed}")
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            text = f"{reading.name_of(path)} has {len(text)} characters, and = in the wrong number"
            return reading.refuse(path, f"{text}; base64 has four for each three bytes, the last four filled up with =")

    def write(self, value: Any) -> Any:
        return base64.b64encode(value).decode() if isinstance(value, bytes) else value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "contentEncoding": "base64", "pattern": r"^[A-Za-z0-9+/\s]*(=\s*){0,2}$"}


_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=]|=(?!=?$)")


class DurationKind(msgspec.Struct, frozen=True):
    """A duration as text with a unit; microseconds as a value."""

    least: int = 0

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if not isinstance(value, str):
            return reading.refuse_value(path, value, "a number and a unit: 250ms, 2s, 1.5s, 1m or 1h")
        try:
            microseconds = parse_duration(value)
        except ValueError as error:
            return reading.refuse(path, f"{reading.name_of(path)} is {describe_value(value, None)}; {error}")
        return microseconds if microseconds >= self.least else reading.refuse_value(path, value, "longer than 0s")

    def write(self, value: Any) -> Any:
        is_duration = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_DURATION
        return format_duration(value) if is_duration else value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": DURATION_PATTERN}


class WorldPatchKind(AsItIs):
    """A mapping in the seed file's words; whether there is what they name, its world says."""

    form = SEED

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if not isinstance(value, Mapping) or not value:
            return reading.refuse_value(path, value, "a mapping in the seed file's words")
        read_patch_words(value, path, reading)
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "minProperties": 1}


class ConditionsKind:
    """What must hold, by name: a plain value is compared, a mapping is a JSON Schema."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if not isinstance(value, Mapping) or not value:
            return reading.refuse_value(path, value, "a mapping of names to values or to JSON Schemas")
        JsonKind().read(value, path, reading)
        lower: set[str] = set()
        for key, wanted in value.items():
            if path[-1] == "headers" and key.lower() in lower:
                text = f"the header {key} stands twice; upper and lower case are the same"
                reading.report((*path, key), text, "key")
            lower.add(key.lower())
            if isinstance(wanted, Mapping):
                report_bad_condition(wanted, key, (*path, key), reading)
        return value

    def write(self, value: Any) -> Any:
        return dict(value) if isinstance(value, Mapping) else value

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "minProperties": 1}


def report_bad_condition(schema: Mapping[str, Any], name: str, path: Path, reading: Reading) -> None:
    """Reports a mapping that can't be used as a condition.

    Args:
        name: what it is about.
    """
    try:
        check_condition(schema)
    except ConditionError as error:
        text = f"the condition on {shorten_value(name) or 'an empty name'} {error}"
        reading.report((*path, *error.path), text, "key" if error.path else "value")


class NameConditionKind(msgspec.Struct, frozen=True):
    """What must hold of one name: a text is compared, a mapping is a JSON Schema.

    Attributes:
        null: what null means, in a message; empty where it may not be given.
    """

    null: str = ""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if isinstance(value, Mapping) and value:
            JsonKind().read(value, path, reading)
            report_bad_condition(value, reading.name_of(path), path, reading)
            return value
        if (isinstance(value, str) and value) or (value is None and self.null and reading.spelling(path) != ""):
            return value
        or_null = f", or null for {self.null}" if self.null else ""
        return reading.refuse_value(path, value, f"a name in text, or a JSON Schema{or_null}")

    def write(self, value: Any) -> Any:
        return dict(value) if isinstance(value, Mapping) else value

    def schema(self) -> dict[str, Any]:
        null = [{"type": "null"}] if self.null else []
        return {"anyOf": [{"type": "string", "minLength": 1}, {"type": "object", "minProperties": 1}, *null]}


class FactConditionsKind(msgspec.Struct, frozen=True):
    """What must hold of some facts, by their names."""

    form: Form

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if isinstance(value, Mapping) and not value:
            return reading.refuse_value(path, value, f"a mapping of {', '.join(self.form.by_name)}")
        return self.form.read(value, path, reading)

    def write(self, value: Any) -> Any:
        # The kinds of facts write what they hold.
        return dict(value) if isinstance(value, Mapping) else value

    def schema(self) -> dict[str, Any]:
        return {**self.form.schema(), "minProperties": 1}


class HeadersKind:
    """Headers of an answer: text, a whole number for its digits, or null to take the header away."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if not isinstance(value, Mapping) or not value:
            return reading.refuse_value(path, value, "a mapping of header names to text")
        headers: dict[str, str | None] = {}
        lower: set[str] = set()
        for key, text in value.items():
            at = (*path, key)
            if not key or not _TOKEN_SIGNS.issuperset(key):
                reading.report(
                    at, f'"{shorten_value(key)}" is not a header\'s name; it must be letters, digits and -', "key"
                )
            elif key.lower() in ("content-length", "transfer-encoding", "connection"):
                reading.report(
                    at, f"{key} is the server's own; for a broken message use fault: truncate or reset", "key"
                )
            elif key.lower() in lower:
                reading.report(at, f"the header {key} stands twice; upper and lower case are the same", "key")
            else:
                lower.add(key.lower())
                headers[key] = self.read_text(text, at, reading)
        return headers

    def read_text(self, value: Any, path: Path, reading: Reading) -> str | None:
        spelling = reading.spelling(path)
        if value is None and spelling != "":
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value) if spelling is None else spelling
        if isinstance(value, str):
            if is_header_text(value):
                return value
            found = f"{reading.name_of(path)} is {describe_value(value, spelling)}"
            reading.report(path, f"{found}; a header is one line of Latin-1 without blanks around it")
            return None
        found = f"{reading.name_of(path)} is {describe_value(value, spelling)}"
        reading.report(path, f"{found}; it must be text, or null to take the header away")
        return None

    def write(self, value: Any) -> Any:
        return dict(value) if isinstance(value, Mapping) else value

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "minProperties": 1, "additionalProperties": {"type": ["string", "integer", "null"]}}


def is_header_text(text: str) -> bool:
    """Whether a text can be a header's value: no line break in it, so that it can't become two headers."""
    return text == text.strip() and all(" " <= sign <= "\xff" and not "\x7f" <= sign <= "\x9f" for sign in text)


_TOKEN_SIGNS = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class OneOrManyKind(msgspec.Struct, frozen=True):
    """One value, or a list of different ones; a tuple as a value."""

    kind: Kind

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if not isinstance(value, list):
            one = self.kind.read(value, path, reading)
            return UNREADABLE if one is UNREADABLE else (one,)
        name = reading.name_of(path)
        if not value:
            return reading.refuse(path, f"{name} is an empty list; name at least one, or leave {name} out")
        values: dict[Any, None] = {}
        for position, item in enumerate(value):
            one = self.kind.read(item, (*path, position), reading)
            if one in values and one is not UNREADABLE:
                found = describe_value(item, reading.spelling((*path, position)))
                reading.report((*path, position), f"{name} names {found} twice; keep one of them")
            values[one] = None
        return UNREADABLE if UNREADABLE in values else tuple(values)

    def write(self, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        written = [self.kind.write(each) for each in value]
        return written[0] if len(written) == 1 else written

    def schema(self) -> dict[str, Any]:
        one = self.kind.schema()
        return {"anyOf": [one, {"type": "array", "minItems": 1, "uniqueItems": True, "items": one}]}


class RangeKind(msgspec.Struct, frozen=True):
    """A list of exactly two, the first not above the second."""

    kind: Kind

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if not isinstance(value, list) or len(value) != 2:
            return reading.refuse_value(path, value, "a list of two: the least and the most")
        low, high = (self.kind.read(item, (*path, position), reading) for position, item in enumerate(value))
        if low is UNREADABLE or high is UNREADABLE:
            return UNREADABLE
        if low > high:
            name = reading.name_of(path)
            return reading.refuse(path, f"{name} has the larger one first; write the least, then the most")
        return low, high

    def write(self, value: Any) -> Any:
        return [self.kind.write(each) for each in value]

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "minItems": 2, "maxItems": 2, "items": self.kind.schema()}


class WordKind(msgspec.Struct, frozen=True):
    """A word in place of a whole value, such as `pass`; anything else is of another kind.

    Attributes:
        plural: what messages call it as an item of a list.
        propose: says how to write what was meant by another word, with `; ` before it.
    """

    word: str
    value: Any
    otherwise: Kind
    plural: str
    propose: Callable[[Any], str]

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if value == self.word:
            return self.value
        if not isinstance(value, Mapping):
            name = reading.name_of(path) if path and isinstance(path[-1], str) else self.plural
            allowed = f"a mapping, or the word {self.word}{self.propose(value)}"
            return reading.refuse(path, refuse_value(name, value, reading.spelling(path), allowed))
        return self.otherwise.read(value, path, reading)

    def write(self, value: Any) -> Any:
        return self.word if value == self.value else self.otherwise.write(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"const": self.word}, self.otherwise.schema()]}
