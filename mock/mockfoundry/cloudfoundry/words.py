"""Words: what is said of a violation of the contract in Rails' manner. Never decides whether there is one.

The attribute's name as a sentence's beginning, then what is wrong with it [cloud_controller_ng,
app/messages/base_message.rb; activemodel's numericality and length validators]. The operations of the world have words
of their own; these are for operations that are served from examples, and for strict mode.
"""

from collections.abc import Callable, Iterable
from typing import Any

from mockfoundry.contract import Violation

_ARTICLES = {"array": "an", "object": "an", "integer": "an"}


def sentence(violation: Violation) -> str:
    """One violation in words: `Instances must be greater than or equal to 0`."""
    if violation.keyword == "additionalProperties":
        kind = "query parameter" if violation.place == "query" else "field"
        return f"Unknown {kind}(s): {listed(violation.limit)}"
    pointer = violation.pointer
    if violation.keyword == "required":
        pointer = f"{pointer}/{violation.limit}"
    if not pointer and violation.keyword == "type":
        return "Unknown field(s): '_json'" if isinstance(violation.value, list) else f"Body {type_words(violation)}"
    says = _BY_KEYWORD.get(violation.keyword)
    return f"{attribute(pointer)} {says(violation) if says else 'is invalid'}"


def sentences(violations: Iterable[Violation]) -> str:
    """Violations as one text, unknown fields first, each attribute's first fault only, joined by commas."""
    said: dict[tuple[bool, str], str] = {}
    for violation in violations:
        known = violation.keyword != "additionalProperties"
        said.setdefault((known, violation.pointer), sentence(violation))
    return ", ".join([text for (known, _), text in sorted(said.items(), key=lambda item: item[0][0])])


def attribute(pointer: str) -> str:
    """A place as Rails humanises an attribute: `/health_check/data/timeout` is `Health check timeout`."""
    steps = [step for step in pointer.split("/") if step and step != "data"]
    words = " ".join(steps).replace("_", " ").strip()
    return words[:1].upper() + words[1:] if words else "Body"


def type_words(violation: Violation) -> str:
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
    "minLength": lambda violation: f"is too short (minimum is {counted(violation.limit, 'character')})",
    "maxLength": lambda violation: f"is too long (maximum is {counted(violation.limit, 'character')})",
    "minItems": lambda violation: f"is too short (minimum is {counted(violation.limit, 'item')})",
    "maxItems": lambda violation: f"is too long (maximum is {counted(violation.limit, 'item')})",
    "enum": lambda violation: f"must be one of {listed(each for each in violation.limit if each is not None)}",
    "required": lambda _: "can't be blank",
    "type": type_words,
}


def counted(number: Any, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(values: Iterable[Any]) -> str:
    """Values as the Cloud Controller lists them: `'a', 'b'`."""
    return ", ".join(f"'{value}'" for value in values)
