"""Messages: bodies of requests as the Cloud Controller reads them, and what is wrong with them. Changes nothing.

The Cloud Controller accepts some bodies that the contract does not allow, and refuses some that it allows. So each
message is checked by its own rules. What the contract does not allow is put in its words too, for strict mode and for
operations that are served from examples. Source: cloud_controller_ng, app/messages/base_message.rb,
process_scale_message.rb and process_update_message.rb, app/controllers/v3/application_controller.rb
(`wrap_parameters :body`); rails, actionpack/lib/action_controller/metal/params_wrapper.rb and
activemodel/lib/active_model/validations/numericality.rb (`only_integer`, `allow_nil`) and length.rb.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from mockfoundry.cloudfoundry.api.metadata import find_metadata_errors, format_like_ruby
from mockfoundry.cloudfoundry.api.request import ApiRequest
from mockfoundry.cloudfoundry.constraints import is_uri_path
from mockfoundry.cloudfoundry.errors import UNKNOWN_ERROR, UNPROCESSABLE_ENTITY, CatalogueEntry, Refusal
from mockfoundry.cloudfoundry.model import LARGEST_INTEGER, LARGEST_LONG
from mockfoundry.contract.plan import MORE, Violation
from mockfoundry.documents.problems import list_first

# Violations of the contract, in the Cloud Controller's words

_ARTICLES = {"array": "an", "object": "an", "integer": "an"}


def describe_violation(violation: Violation) -> str:
    """One violation as the Cloud Controller words it: `Instances must be greater than or equal to 0`."""
    if violation.keyword == MORE:
        return str(violation)
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
    describe = _DESCRIBE_KEYWORD.get(violation.keyword)
    return f"{humanize_pointer(pointer)} {describe(violation) if describe else 'is invalid'}"


def describe_violations(violations: Iterable[Violation]) -> str:
    """Violations as one text, joined by commas: unknown fields first, then the first violation of each attribute."""
    texts: dict[tuple[bool, str], str] = {}
    for violation in violations:
        known = violation.keyword != "additionalProperties"
        place = violation.keyword if violation.keyword == MORE else violation.pointer
        texts.setdefault((known, place), describe_violation(violation))
    return ", ".join([text for _, text in sorted(texts.items(), key=lambda item: item[0][0])])


def humanize_pointer(pointer: str) -> str:
    """A JSON pointer as Rails writes an attribute: `/health_check/data/timeout` is `Health check timeout`."""
    steps = [step for step in pointer.split("/") if step and step != "data"]
    words = " ".join(steps).replace("_", " ").strip()
    return words[:1].upper() + words[1:] if words else "Body"


def describe_type_violation(violation: Violation) -> str:
    """What is wrong with a value of the wrong type; a fraction is a number, but no integer."""
    allowed = violation.limit if isinstance(violation.limit, list) else [violation.limit]
    if "integer" in allowed:
        return "must be an integer" if isinstance(violation.value, float) else "is not a number"
    if "number" in allowed:
        return "is not a number"
    wanted = next((name for name in allowed if name != "null"), "null")
    return f"must be {_ARTICLES.get(wanted, 'a')} {wanted}"


_DESCRIBE_KEYWORD: dict[str, Callable[[Violation], str]] = {
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
    """Values as the Cloud Controller lists them: `'a', 'b'`. It lists all of them, and this the first."""
    return ", ".join(list_first(values, lambda value: f"'{shorten_error(str(value))}'"))


MAX_ERROR_LENGTH = 1_000
"""Characters of one error that are shown."""


def shorten_error(text: str) -> str:
    return text if len(text) <= MAX_ERROR_LENGTH else text[: MAX_ERROR_LENGTH - 1] + "…"


# Bodies and their refusal

NOT_AN_OBJECT = "_json"
"""The name that Rails gives to a body that is not an object."""

_IGNORED_FIELDS = frozenset({"utf8", "authenticity_token", "_method"})


def read_message_body(request: ApiRequest) -> dict[str, Any]:
    """The fields of a body, as Rails hands them to a message.

    Raises:
        Refusal: 500, if the body has a field `body` that is neither an object nor null.
    """
    body = request.body
    if not isinstance(body, dict):
        return {NOT_AN_OBJECT: body} if request.has_body or body is not None else {}
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


def describe_unknown_fields(fields: Iterable[str], known: Iterable[str]) -> str:
    """The error of fields that a message does not know; empty where it knows all of them."""
    unknown = [name for name in fields if name not in known]
    return f"Unknown field(s): {quote_values(unknown)}" if unknown else ""


def refuse_message(
    request: ApiRequest, errors: list[str], entry: CatalogueEntry = UNPROCESSABLE_ENTITY, part: str = "message"
) -> Refusal:
    """The refusal of a body, or of another part of a request, with the first of these errors.

    Args:
        entry: of the catalogue; its template is filled with the errors.
    """
    why = f"contract: {request.violations[0]}" if request.violations else f"world: the {part} is invalid"
    return Refusal(entry, entry.fill_template(", ".join(list_first(errors, shorten_error))), why)


def refuse_unexpected(on: str) -> Refusal:
    """The 500 of the Cloud Controller where its code does not expect what it got."""
    return Refusal(UNKNOWN_ERROR, why=f"world: the Cloud Controller fails on {on}")


def enforce_contract(request: ApiRequest, entry: CatalogueEntry = UNPROCESSABLE_ENTITY) -> None:
    """Raises Refusal (the entry's status) in strict mode, where a request violates the contract."""
    if request.strict and request.violations:
        detail = entry.fill_template(describe_violations(request.violations))
        raise Refusal(entry, detail, f"contract (strict): {request.violations[0]}")


# Numbers


# What Rails takes for an integer, in a string as in a number.
_INTEGER = re.compile(r"[+-]?[0-9]+")
# What Ruby's Float() takes: blanks around, single `_` between digits, no point that no digit follows.
_NUMBER = re.compile(r"\s*[+-]?(D(\.D)?|\.D)([eE][+-]?D)?\s*".replace("D", "[0-9]+(_[0-9]+)*"), re.ASCII)

MAX_DIGITS = 4000
"""A number with more digits is larger than any bound, so it is not parsed."""


class IntRange(NamedTuple):
    """Which numbers are allowed, both bounds included, and the error of one that is too small."""

    least: int
    most: int
    too_small: str

    def too_large(self) -> str:
        return f"must be less than or equal to {self.most}"


def find_number_error(value: Any, bounds: IntRange) -> str:
    """The error of a value that should be a whole number; empty where it has none or is null."""
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
    """A valid value as the database stores it."""
    return None if value is None else int(value)


# What Ruby's `to_i` reads at the beginning of a text.
_LEADING_INTEGER = re.compile(r"\s*([+-]?)([0-9]+(?:_[0-9]+)*)", re.ASCII)


def parse_leading_integer(text: str) -> int:
    """The number that a text begins with, else 0, as Ruby's `to_i` reads it."""
    match = _LEADING_INTEGER.match(text)
    if match is None:
        return 0
    digits = match.group(2).replace("_", "").lstrip("0")[:MAX_DIGITS] or "0"
    return -int(digits) if match.group(1) == "-" else int(digits)


# The scale message

SCALE_FIELDS: dict[str, IntRange] = {
    "instances": IntRange(0, LARGEST_INTEGER, "must be greater than or equal to 0"),
    "memory_in_mb": IntRange(1, LARGEST_INTEGER, "must be greater than 0"),
    "disk_in_mb": IntRange(1, LARGEST_INTEGER, "must be greater than 0"),
    "log_rate_limit_in_bytes_per_second": IntRange(-1, LARGEST_LONG, "must be greater than or equal to -1"),
}
"""The fields and their bounds, in the order in which they are checked."""

_SCALE_SPANS = {name: (bounds.least, bounds.most) for name, bounds in SCALE_FIELDS.items()}
_EMPTY_SPAN = (1, 0)


def read_scale_message(request: ApiRequest) -> tuple[dict[str, Any], dict[str, int | None]]:
    """The fields of a scale: as they were sent, and as the database stores them.

    Raises:
        Refusal: 422, with every error.
    """
    if request.message is not None:
        scale: tuple[dict[str, Any], dict[str, int | None]] = request.take_message()
        return scale
    # Nearly every scale takes this short way: a body that the contract allows, with plain numbers within their bounds.
    body = request.body
    if type(body) is dict and not request.violations:
        for name, value in body.items():
            least, most = _SCALE_SPANS.get(name, _EMPTY_SPAN)
            if type(value) is not int or not least <= value <= most:
                break
        else:
            return body, body
    fields = read_message_body(request)
    errors = [describe_unknown_fields(fields, SCALE_FIELDS)] + [
        f"{name.capitalize().replace('_', ' ')} {error}"
        for name, bounds in SCALE_FIELDS.items()
        if (error := find_number_error(fields.get(name), bounds))
    ]
    if any(errors):
        raise refuse_message(request, [error for error in errors if error])
    enforce_contract(request)
    return fields, {name: cast_integer(value) for name, value in fields.items()}


# The update message

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
"""Both health checks and the keys of `data` that each reads, in the order in which they are checked."""


class UpdateMessage(NamedTuple):
    """What an update asks for.

    Attributes:
        fields: of the body, as they were sent.
        health_check, readiness_health_check: `type` and the keys of `data`, as the database stores them.
    """

    fields: dict[str, Any]
    health_check: dict[str, Any]
    readiness_health_check: dict[str, Any]


def read_update_message(request: ApiRequest) -> UpdateMessage:
    """What an update asks for.

    Raises:
        Refusal: 422, with every error; 500, where the Cloud Controller fails on the shape of the body.
    """
    if request.message is not None:
        message: UpdateMessage = request.take_message()
        return message
    fields = read_message_body(request)
    checks = {name: read_health_check(fields, name) for name in HEALTH_CHECK_FIELDS}
    errors = [
        *(find_metadata_errors(fields["metadata"]) if "metadata" in fields else ()),
        describe_unknown_fields(fields, UPDATE_FIELDS),
    ]
    errors += find_text_errors("Command", fields.get("command"), MAX_COMMAND_LENGTH)
    errors += find_text_errors("User", fields.get("user"), MAX_USER_LENGTH)
    for name, check in checks.items():
        errors += find_health_check_errors(name.capitalize().replace("_", " "), check, HEALTH_CHECK_FIELDS[name])
    if any(errors):
        raise refuse_message(request, [error for error in errors if error])
    enforce_contract(request)
    return UpdateMessage(fields, *(cast_health_check(check) for check in checks.values()))


def read_health_check(fields: dict[str, Any], name: str) -> dict[str, Any]:
    """What a body says of a health check: its `type` and the keys of its `data`, those that are there.

    Raises:
        Refusal: 500, if the check or its data is not an object.
    """
    check = fields.get(name)
    if check is None:
        return {}
    if not isinstance(check, dict):
        raise refuse_unexpected(f"{name} that is no object")
    data = check.get("data")
    if data is not None and not isinstance(data, dict):
        raise refuse_unexpected(f"{name}.data that is no object")
    values = {key: data[key] for key in HEALTH_CHECK_FIELDS[name] if key in data} if data else {}
    return {"type": check["type"], **values} if "type" in check else values


def measure_length(value: Any) -> int:
    """The length that Rails' length validator compares: of a list or an object its size."""
    return len(value) if isinstance(value, str | list | dict) else len(format_like_ruby(value))


def find_text_errors(attribute: str, value: Any, maximum: int) -> Iterator[str]:
    if value is None:
        return
    if not isinstance(value, str):
        yield f"{attribute} must be a string"
    if not 1 <= measure_length(value) <= maximum:
        yield f"{attribute} must be between 1 and {maximum} characters"


def find_short_text_errors(attribute: str, value: Any, maximum: int) -> Iterator[str]:
    """What is wrong with a text of 1 to `maximum` characters; null is too short [length.rb]."""
    if not isinstance(value, str):
        yield f"{attribute} must be a string"
    length = measure_length(value)
    if length < 1:
        yield f"{attribute} is too short (minimum is 1 character)"
    if length > maximum:
        yield f"{attribute} is too long (maximum is {count_noun(maximum, 'character')})"


def find_health_check_errors(attribute: str, check: dict[str, Any], keys: tuple[str, ...]) -> Iterator[str]:
    if "type" in check and check["type"] not in HEALTH_CHECK_TYPES:
        yield f'{attribute} type must be "port", "process", or "http"'
    for key in keys:
        for error in _FIND_DATA_ERRORS[key](check.get(key)):
            yield f"{attribute} {key.replace('_', ' ')} {error}"


def find_seconds_errors(value: Any) -> Iterator[str]:
    if error := find_number_error(value, _SECONDS_RANGE):
        yield error


def find_endpoint_errors(value: Any) -> Iterator[str]:
    if value is None:
        return
    if measure_length(value) > MAX_ENDPOINT_LENGTH:
        yield f"is too long (maximum is {MAX_ENDPOINT_LENGTH} characters)"
    if not is_uri_path(value):
        yield "must be a valid URI path"


_FIND_DATA_ERRORS: dict[str, Callable[[Any], Iterator[str]]] = {
    "timeout": find_seconds_errors,
    "invocation_timeout": find_seconds_errors,
    "interval": find_seconds_errors,
    "endpoint": find_endpoint_errors,
}


def cast_health_check(check: dict[str, Any]) -> dict[str, Any]:
    """A change of a health check as the database stores it; a type other than http removes the endpoint."""
    stored = {key: value if key in ("type", "endpoint") else cast_integer(value) for key, value in check.items()}
    if stored.get("type", "http") != "http":
        stored["endpoint"] = None
    return stored
