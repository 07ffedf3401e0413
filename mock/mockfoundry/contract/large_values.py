"""Large values: their beginning, and the first reasons why a schema does not allow one. Never decides whether it does.

jsonschema-rs finds all reasons in one step, which for tens of thousands takes a second in which no other thread of
Python's runs. The jsonschema package, which is imported when it is first needed, gives one after the other.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from jsonschema import ValidationError

LARGE = 1_000
"""How many parts a value has that is large."""


def is_large(value: Any) -> bool:
    """Whether a value has more than LARGE parts, however deep they lie."""
    left, to_count = LARGE, [value]
    while to_count:
        part = to_count.pop()
        if isinstance(part, Mapping | list):
            left -= len(part)
            if left < 0:
                return True
            to_count.extend(part.values() if isinstance(part, Mapping) else part)
    return False


def take_head(value: Any, most: int = 80) -> Any:
    """The beginning of a value, at least as much of it as so many characters of its JSON show."""
    left = [most]

    def take(part: Any) -> Any:
        left[0] -= 1
        if isinstance(part, str):
            head = part[: max(0, left[0]) + 1]
            left[0] -= len(head)
            return head
        if isinstance(part, Mapping):
            return {take(name): take(each) for name, each in part.items() if left[0] > 0}
        if isinstance(part, list | tuple):
            return [take(each) for each in part if left[0] > 0]
        return part

    return take(value)


MAX_COUNTED = 10_000
"""How many reasons are counted at most."""


class Reason(NamedTuple):
    """Why a schema does not allow a value.

    Attributes:
        path: of what is not allowed in the value.
        value: what was found there.
        limit: what the keyword asks for, or the names that were unexpected, or the one that is missing.
        allowed: the names that would have been expected, where the keyword is additionalProperties.
    """

    path: list[str | int]
    keyword: str
    value: Any
    limit: Any
    allowed: tuple[str, ...]


def find_first_reasons(document: Mapping[str, Any], value: Any, most: int) -> tuple[list[Reason], str]:
    """The first reasons why a JSON Schema of draft 4 does not allow a value, and how many more there are, in words."""
    errors = lazy_validator()(document).iter_errors(value)
    first = [reason_from_error(error) for error in islice(errors, most)]
    more = sum(1 for _ in islice(errors, MAX_COUNTED))
    return first, f"at least {more}" if more == MAX_COUNTED else str(more or "")


def reason_from_error(error: "ValidationError") -> Reason:
    keyword, limit, allowed = str(error.validator), error.validator_value, ()
    if keyword == "additionalProperties":
        limit = list(find_unexpected(error.instance, error.schema))
        allowed = tuple(error.schema.get("properties", ()))
    elif keyword == "required":
        # There is an error for each name; only its text has the one that is meant.
        limit = next((name for name in limit if error.message.startswith(repr(name))), limit)
    return Reason(list(error.absolute_path), keyword, error.instance, limit, allowed)


@cache
def lazy_validator() -> Any:
    """The package's validator, with unexpected properties in the order in which they were sent."""
    from jsonschema import Draft4Validator
    from jsonschema.validators import extend

    return extend(Draft4Validator, {"additionalProperties": find_additional_errors})


def find_additional_errors(validator: Any, wanted: Any, instance: Any, schema: Any) -> "Iterator[ValidationError]":
    """What `additionalProperties` does not allow of an object."""
    from jsonschema import ValidationError

    if not validator.is_type(instance, "object"):
        return
    if isinstance(wanted, Mapping):
        for name in find_unexpected(instance, schema):
            yield from validator.descend(instance[name], wanted, path=name)
    elif not wanted and any(True for _ in find_unexpected(instance, schema)):
        yield ValidationError("unexpected properties")


def find_unexpected(instance: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """The names of an object that a schema does not list."""
    known = schema.get("properties", {})
    return (name for name in instance if name not in known)
