"""Words: what is said of a violation of the contract in Rails' manner. Never decides whether there is one.

The attribute's name as a sentence's beginning, then what is wrong with it [cloud_controller_ng,
app/messages/base_message.rb; activemodel's numericality and length validators]. The operations of the world have words
of their own; these are for operations that are served from examples, and for strict mode.

Messages: requests as the Cloud Controller reads them, and what it says of those it does not take. Changes nothing.

It is laxer than the contract in places and stricter in others, so each message is read by rules of its own.

Bodies: the JSON of a request as Rails hands it to a message. Knows no field.

Source: cloud_controller_ng, app/controllers/v3/application_controller.rb (`wrap_parameters :body`), and rails,
actionpack/lib/action_controller/metal/params_wrapper.rb.

Numbers: how Rails judges a number in a body, and what it says. Knows no field.

Source: rails, activemodel/lib/active_model/validations/numericality.rb, with `only_integer` and `allow_nil`.

The scale message: what a body asks of a process. Changes nothing.

Source: cloud_controller_ng, app/messages/process_scale_message.rb.

The update message: what a PATCH asks of a process. Changes nothing.

Source: cloud_controller_ng, app/messages/process_update_message.rb.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from mockfoundry.cloudfoundry.api.metadata import find_metadata_errors, format_like_ruby
from mockfoundry.cloudfoundry.api.request import ApiRequest
from mockfoundry.cloudfoundry.constraints import is_uri_path
from mockfoundry.cloudfoundry.errors import UNKNOWN_ERROR, UNPROCESSABLE_ENTITY, Refusal, refuse
from mockfoundry.cloudfoundry.model import LARGEST_INTEGER, LARGEST_LONG
from mockfoundry.contract.plan import Violation

_ARTICLES = {"array": "an", "object": "an", "integer": "an"}


def describe_violation(violation: Violation) -> str:
    """One violation in words: `Instances must be greater than or equal to 0`."""
    if violation.keyword == "additionalProperties":
        kind = "query parameter" if violation.place == "query" else "field"
        return f"Unknown {kind}(s): {quote_values(violation.limit)}"
    pointer = violation.pointer
    if violation.keyword == "required":
        pointer = f"{pointer}/{violation.limit}"
    if not pointer and violation.keyword == "type":
        return (
            "Unknown field(s): '_json'"
            if isinstance(violation.value, list)
            else f"Body {describe_type_violation(violation)}"
        )
    says = _BY_KEYWORD.get(violation.keyword)
    return f"{humanize_pointer(pointer)} {says(violation) if says else 'is invalid'}"


def describe_violations(violations: Iterable[Violation]) -> str:
    """Violations as one text, unknown fields first, each attribute's first fault only, joined by commas."""
    said: dict[tuple[bool, str], str] = {}
    for violation in violations:
        known = violation.keyword != "additionalProperties"
        said.setdefault((known, violation.pointer), describe_violation(violation))
    return ", ".join([text for (known, _), text in sorted(said.items(), key=lambda item: item[0][0])])


def humanize_pointer(pointer: str) -> str:
    """A place as Rails humanises an attribute: `/health_check/data/timeout` is `Health check timeout`."""
    steps = [step for step in pointer.split("/") if step and step != "data"]
    words = " ".join(steps).replace("_", " ").strip()
    return words[:1].upper() + words[1:] if words else "Body"


def describe_type_violation(violation: Violation) -> str:
    """What is said of a value of the wrong type; a fraction is a number, but no integer."""
    allowed = violation.limit if isinstance(violation.limit, list) else [violation.limit]
    if "integer" in allowed:
        return "must be an integer" if isinstance(violation.value, float) else "is not a number"
    if "number" in allowed:
        return "is not a number"
    wanted = next((name for name in allowed if name != "null"), "null")
    return f"must be {_ARTICLES.get(wanted, 'a')} {wanted}"


_BY_KEYWORD: dict[str, Callable[[Violation], str]] = {
    "minimum": lambda violation: f"must be greater than or equal to {violation.limit}",
    "maximum": lambda violation: f"must be less than or equal to {violation.limit}",
    "exclusiveMinimum": lambda violation: f"must be greater than {violation.limit}",
    "exclusiveMaximum": lambda violation: f"must be less than {violation.limit}",
    "minLength": lambda violation: f"is too short (minimum is {count_noun(violation.limit, 'character')})",
    "maxLength": lambda violation: f"is too long (maximum is {count_noun(violation.limit, 'character')})",
    "minItems": lambda violation: f"is too short (minimum is {count_noun(violation.limit, 'item')})",
    "maxItems": lambda violation: f"is too long (maximum is {count_noun(violation.limit, 'item')})",
    "enum": lambda violation: f"must be one of {quote_values(each for each in violation.limit if each is not None)}",
    "required": lambda _: "can't be blank",
    "type": describe_type_violation,
}


def count_noun(number: Any, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def quote_values(values: Iterable[Any]) -> str:
    """Values as the Cloud Controller lists them: `'a', 'b'`."""
    return ", ".join(f"'{value}'" for value in values)


NOT_AN_OBJECT = "_json"
"""The name that Rails gives to a body that is not an object."""

_IGNORED_FIELDS = frozenset({"utf8", "authenticity_token", "_method"})


def read_message_body(call: ApiRequest) -> dict[str, Any]:
    """What a call's body asks for, key by key.

    Raises:
        Refusal: 500, where the body has a `body` that is neither an object nor null.
    """
    body = call.body
    if not isinstance(body, dict):
        return {NOT_AN_OBJECT: body} if call.has_body or body is not None else {}
    if "body" in body:
        inner = body["body"]
        if inner is None or inner is False:
            return {}
        if not isinstance(inner, dict):
            raise refuse_unexpected("a `body` inside the body that is no object")
        return inner
    if _IGNORED_FIELDS.isdisjoint(body):
        return body
    return {name: value for name, value in body.items() if name not in _IGNORED_FIELDS}


def describe_unknown_fields(asked: Iterable[str], known: Iterable[str]) -> str:
    """What is said of keys that a message does not know; empty where it knows all of them."""
    unknown = [name for name in asked if name not in known]
    return f"Unknown field(s): {quote_values(unknown)}" if unknown else ""


def refuse_message(call: ApiRequest, faults: list[str]) -> Refusal:
    """The refusal of a message with these faults."""
    why = f"contract: {call.violations[0]}" if call.violations else "world: the message is invalid"
    return refuse(UNPROCESSABLE_ENTITY, ", ".join(faults), why)


def refuse_unexpected(on: str) -> Refusal:
    """The 500 that the real one answers where its code does not expect what came."""
    return refuse(UNKNOWN_ERROR, why=f"world: the Cloud Controller fails on {on}")


def enforce_body_contract(call: ApiRequest) -> None:
    """Raises Refusal (422) in strict mode, where the contract does not allow what the real one would take."""
    if call.is_refused_by_contract():
        raise refuse(
            UNPROCESSABLE_ENTITY, describe_violations(call.violations), f"contract (strict): {call.violations[0]}"
        )


# What Rails takes for an integer, in a string as in a number.
_INTEGER = re.compile(r"[+-]?[0-9]+")
# What Ruby's Float() takes: blanks around, single `_` between digits, no point that no digit follows.
_NUMBER = re.compile(r"\s*[+-]?(D(\.D)?|\.D)([eE][+-]?D)?\s*".replace("D", "[0-9]+(_[0-9]+)*"), re.ASCII)

MAX_DIGITS = 4000
"""Digits beyond which a number is larger than any bound, so that nobody has to read it."""


class IntRange(NamedTuple):
    """Which numbers are allowed, and the words for one that is too small."""

    least: int
    most: int
    too_small: str

    def too_large(self) -> str:
        return f"must be less than or equal to {self.most}"


def find_number_error(value: Any, bounds: IntRange) -> str:
    """What is wrong with a value that should be a whole number; empty where nothing is, or it is null."""
    if value is None:
        return ""
    if isinstance(value, str):
        if not _INTEGER.fullmatch(value):
            return "must be an integer" if _NUMBER.fullmatch(value) else "is not a number"
        if len(value) > MAX_DIGITS:
            return bounds.too_small if value.startswith("-") else bounds.too_large()
        value = int(value)
    if isinstance(value, float):
        return "must be an integer"
    if not isinstance(value, int) or isinstance(value, bool):
        return "is not a number"
    if value < bounds.least:
        return bounds.too_small
    return bounds.too_large() if value > bounds.most else ""


def cast_integer(value: Any) -> int | None:
    """A value without fault as the database stores it."""
    return None if value is None else int(value)


# What Ruby's `to_i` reads at the beginning of a text.
_LEADING_INTEGER = re.compile(r"\s*([+-]?)([0-9]+(?:_[0-9]+)*)", re.ASCII)


def parse_leading_integer(text: str) -> int:
    """The number that a text begins with, else 0, as Ruby's `to_i` reads it."""
    found = _LEADING_INTEGER.match(text)
    if found is None:
        return 0
    digits = found.group(2).replace("_", "").lstrip("0")[:MAX_DIGITS] or "0"
    return -int(digits) if found.group(1) == "-" else int(digits)


SCALE_FIELDS: dict[str, IntRange] = {
    "instances": IntRange(0, LARGEST_INTEGER, "must be greater than or equal to 0"),
    "memory_in_mb": IntRange(1, LARGEST_INTEGER, "must be greater than 0"),
    "disk_in_mb": IntRange(1, LARGEST_INTEGER, "must be greater than 0"),
    "log_rate_limit_in_bytes_per_second": IntRange(-1, LARGEST_LONG, "must be greater than or equal to -1"),
}
"""In the order in which they are checked."""

_SCALE_SPANS = {name: (bounds.least, bounds.most) for name, bounds in SCALE_FIELDS.items()}
_EMPTY_SPAN = (1, 0)


def read_scale_message(call: ApiRequest) -> tuple[dict[str, Any], dict[str, int | None]]:
    """What a scale asks for: as it was sent, and as the database stores it.

    Raises:
        Refusal: 422, with everything that is wrong.
    """
    body = call.body
    if type(body) is dict and not call.violations:
        for name, value in body.items():
            least, most = _SCALE_SPANS.get(name, _EMPTY_SPAN)
            if type(value) is not int or not least <= value <= most:
                break
        else:
            return body, body
    asked = read_message_body(call)
    faults = [describe_unknown_fields(asked, SCALE_FIELDS)] + [
        f"{name.capitalize().replace('_', ' ')} {text}"
        for name, bounds in SCALE_FIELDS.items()
        if (text := find_number_error(asked.get(name), bounds))
    ]
    if any(faults):
        raise refuse_message(call, [each for each in faults if each])
    enforce_body_contract(call)
    return asked, {name: cast_integer(value) for name, value in asked.items()}


UPDATE_FIELDS = ("command", "user", "health_check", "readiness_health_check", "metadata")

MAX_COMMAND_LENGTH = 4096
MAX_USER_LENGTH = 255
MAX_ENDPOINT_LENGTH = 255
HEALTH_CHECK_TYPES = ("port", "process", "http")

_SECONDS_RANGE = IntRange(1, LARGEST_INTEGER, "must be greater than or equal to 1")

HEALTH_CHECK_FIELDS = {
    "health_check": ("timeout", "invocation_timeout", "interval", "endpoint"),
    "readiness_health_check": ("invocation_timeout", "interval", "endpoint"),
}
"""Both health checks and what each reads of its data, in the order in which it is checked."""


class UpdateMessage(NamedTuple):
    """What an update asks for.

    Attributes:
        asked: the body's keys, as they were sent.
        health_check, readiness_health_check: `type` and keys of `data`, as the database stores them.
    """

    asked: dict[str, Any]
    health_check: dict[str, Any]
    readiness_health_check: dict[str, Any]


def read_update_message(call: ApiRequest) -> UpdateMessage:
    """What an update asks for.

    Raises:
        Refusal: 422, with everything that is wrong; 500 where the real one fails on the shape of it.
    """
    asked = read_message_body(call)
    checks = {name: read_health_check(asked, name) for name in HEALTH_CHECK_FIELDS}
    faults = [
        *(find_metadata_errors(asked["metadata"]) if "metadata" in asked else ()),
        describe_unknown_fields(asked, UPDATE_FIELDS),
    ]
    faults += find_text_errors("Command", asked.get("command"), MAX_COMMAND_LENGTH)
    faults += find_text_errors("User", asked.get("user"), MAX_USER_LENGTH)
    for name, check in checks.items():
        faults += find_health_check_errors(name.capitalize().replace("_", " "), check, HEALTH_CHECK_FIELDS[name])
    if any(faults):
        raise refuse_message(call, [each for each in faults if each])
    enforce_body_contract(call)
    return UpdateMessage(asked, *(cast_health_check(check) for check in checks.values()))


def read_health_check(asked: dict[str, Any], name: str) -> dict[str, Any]:
    """What is asked of a health check: its `type` and the keys of its `data`, where they are there."""
    check = asked.get(name)
    if check is None:
        return {}
    if not isinstance(check, dict):
        raise refuse_unexpected(f"{name} that is no object")
    data = check.get("data")
    if data is not None and not isinstance(data, dict):
        raise refuse_unexpected(f"{name}.data that is no object")
    found = {key: data[key] for key in HEALTH_CHECK_FIELDS[name] if key in data} if data else {}
    return {"type": check["type"], **found} if "type" in check else found


def find_text_errors(attribute: str, value: Any, longest: int) -> Iterator[str]:
    if value is None:
        return
    if not isinstance(value, str):
        yield f"{attribute} must be a string"
    length = len(value) if isinstance(value, str | list | dict) else len(format_like_ruby(value))
    if not 1 <= length <= longest:
        yield f"{attribute} must be between 1 and {longest} characters"


def find_health_check_errors(attribute: str, check: dict[str, Any], keys: tuple[str, ...]) -> Iterator[str]:
    if "type" in check and check["type"] not in HEALTH_CHECK_TYPES:
        yield f'{attribute} type must be "port", "process", or "http"'
    for key in keys:
        for text in _DATA_VALIDATORS[key](check.get(key)):
            yield f"{attribute} {key.replace('_', ' ')} {text}"


def find_seconds_errors(value: Any) -> Iterator[str]:
    if text := find_number_error(value, _SECONDS_RANGE):
        yield text


def find_endpoint_errors(value: Any) -> Iterator[str]:
    if value is None:
        return
    if (len(value) if isinstance(value, str | list | dict) else len(format_like_ruby(value))) > MAX_ENDPOINT_LENGTH:
        yield f"is too long (maximum is {MAX_ENDPOINT_LENGTH} characters)"
    if not is_uri_path(value):
        yield "must be a valid URI path"


_DATA_VALIDATORS: dict[str, Callable[[Any], Iterator[str]]] = {
    "timeout": find_seconds_errors,
    "invocation_timeout": find_seconds_errors,
    "interval": find_seconds_errors,
    "endpoint": find_endpoint_errors,
}


def cast_health_check(check: dict[str, Any]) -> dict[str, Any]:
    """A change of a health check as the database stores it; a type other than http takes the endpoint away."""
    found = {key: value if key in ("type", "endpoint") else cast_integer(value) for key, value in check.items()}
    if found.get("type", "http") != "http":
        found["endpoint"] = None
    return found
