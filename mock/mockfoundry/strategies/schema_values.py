"""Values of a schema: what the contract's schemas allow, and what they refuse, as strategies. Never knows a field.

A schema with a keyword that is not known here is refused, rather than drawn from as if it did not have it.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from string import ascii_letters
from typing import Any

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from mockfoundry.contract import Schema

Source = Mapping[str, Any]
Values = st.SearchStrategy[Any]

MOST_KEYS = 3
"""How many keys and items there are, where a schema leaves it open."""

LARGEST = 2**63 - 1
"""No number is larger, where a schema leaves it open: clients hold numbers in 64 bits."""

# Words for people, which allow and refuse nothing.
_TOLD = frozenset({"description", "title", "example", "default", "deprecated", "readOnly", "writeOnly", "externalDocs"})
_ANY = frozenset({"type", "nullable", "enum", "oneOf", "anyOf", "allOf", "not"})
_OF_TYPE: Mapping[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties", "minProperties", "maxProperties"}),
    "array": frozenset({"items", "minItems", "maxItems", "uniqueItems"}),
    "string": frozenset({"minLength", "maxLength", "pattern", "format"}),
    "integer": frozenset({"minimum", "maximum", "format"}),
    "number": frozenset({"minimum", "maximum", "format"}),
    "boolean": frozenset(),
}
_FORMATS: Mapping[str, Values] = {
    "uuid": st.uuids().map(str),
    "date-time": st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2099, 12, 31)).map(  # noqa: DTZ001
        lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    ),
}
# What each format of numbers says is said by the bounds too, where it matters.
_NUMBER_FORMATS = frozenset({"int32", "int64", "float", "double"})

# Line breaks and other signs that no line can hold are text as well; halves of surrogate pairs are not.
_SIGNS = st.characters(exclude_categories=["Cs"])


def fitting(source: Source, place: str = "schema") -> Values:
    """Values that a schema of the contract allows.

    Of an object that leaves it open only the keys that have a schema are drawn. Keys that may be left out are, when
    a value shrinks.

    Args:
        source: an OpenAPI 3.0 schema, resolved.
        place: what errors begin with.

    Raises:
        InvalidArgument: the schema has a keyword, a type or a format that is not known here.
    """
    must_be_known(source, place)
    if any(keyword in source for keyword in ("oneOf", "anyOf", "allOf", "not")):
        alternatives: list[Source] = source.get("oneOf", source.get("anyOf", [{}]))
        plain = {
            keyword: value for keyword, value in source.items() if keyword not in ("oneOf", "anyOf", "allOf", "not")
        }
        for part in source.get("allOf", ()):
            plain = merged(plain, part)
        drawn = st.one_of(*(fitting(merged(plain, each), place) for each in alternatives))
        return drawn.filter(Schema(source).accepts)
    values = st.sampled_from(source["enum"]) if "enum" in source else of_type(source, place)
    return values | st.none() if source.get("nullable") is True else values


def must_be_known(source: Source, place: str) -> None:
    kind = source.get("type")
    known = _OF_TYPE.get(str(kind), frozenset())
    if kind is None and not any(keyword in source for keyword in ("enum", "oneOf", "anyOf", "allOf")):
        raise InvalidArgument(f"{place}: a schema without a type can't be drawn from; allowed: {', '.join(_OF_TYPE)}")
    if kind is not None and kind not in _OF_TYPE:
        raise InvalidArgument(f'{place}: the type "{kind}" is not known; allowed: {", ".join(_OF_TYPE)}')
    for keyword in source:
        if keyword not in known | _ANY | _TOLD:
            allowed = ", ".join(sorted(known | _ANY))
            text = f'{place}: the keyword "{keyword}" of a schema is not known'
            raise InvalidArgument(f"{text}; allowed here: {allowed}; draw such values with a strategy of your own")


def merged(one: Source, other: Source) -> dict[str, Any]:
    """A schema with what another one adds to it, as far as that helps to draw; what is drawn is filtered by both."""
    both = dict(one)
    for keyword, value in other.items():
        if keyword == "properties":
            its = both.get("properties", {})
            both["properties"] = {**its, **{name: merged(its.get(name, {}), each) for name, each in value.items()}}
        elif keyword == "required":
            both["required"] = list(dict.fromkeys([*both.get("required", ()), *value]))
        elif keyword == "enum":
            both["enum"] = [each for each in value if "enum" not in both or each in both["enum"]]
        else:
            both[keyword] = value
    return both


def of_type(source: Source, place: str) -> Values:
    kind = source["type"]
    if kind == "object":
        return objects(source, place)
    if kind == "array":
        return arrays(source, place)
    if kind == "string":
        return texts(source, place)
    if kind == "boolean":
        return st.booleans()
    must_have_format(source, _NUMBER_FORMATS, place)
    if kind == "integer":
        return st.integers(source.get("minimum", -LARGEST), source.get("maximum", LARGEST))
    return st.floats(source.get("minimum"), source.get("maximum"), allow_nan=False, allow_infinity=False)


def must_have_format(source: Source, known: frozenset[str] | Mapping[str, Any], place: str) -> None:
    found = source.get("format")
    if found is not None and found not in known:
        raise InvalidArgument(f'{place}: the format "{found}" is not known; allowed: {", ".join(sorted(known))}')


def texts(source: Source, place: str) -> Values:
    must_have_format(source, _FORMATS, place)
    pattern, formatted = source.get("pattern"), source.get("format")
    if formatted is not None:
        values = _FORMATS[formatted]
    elif pattern is not None:
        values = st.from_regex(re.compile(pattern, re.ASCII), alphabet=_SIGNS)
    else:
        return st.text(_SIGNS, min_size=source.get("minLength", 0), max_size=source.get("maxLength"))
    bounded = {keyword: value for keyword, value in source.items() if keyword in _OF_TYPE["string"] | {"type"}}
    return values.filter(Schema(bounded).accepts)


def arrays(source: Source, place: str) -> Values:
    least: int = source.get("minItems", 0)
    items = fitting(source.get("items", {}), f"{place}/items")
    most = min(source.get("maxItems", least + MOST_KEYS), least + MOST_KEYS)
    return st.lists(items, min_size=least, max_size=most, unique_by=repr if source.get("uniqueItems") else None)


def objects(source: Source, place: str) -> Values:
    properties: Source = source.get("properties", {})
    required = source.get("required", ())
    values = {name: fitting(each, f"{place}/{name}") for name, each in properties.items()}
    unknown = [name for name in required if name not in values]
    if unknown:
        raise InvalidArgument(f'{place}: "{unknown[0]}" is required and has no schema; give it one in the contract')
    drawn = st.fixed_dictionaries(
        {name: its for name, its in values.items() if name in required},
        optional={name: its for name, its in values.items() if name not in required},
    )
    least, most = source.get("minProperties", 0), source.get("maxProperties")
    others = source.get("additionalProperties")
    if isinstance(others, Mapping):
        keys = st.text(_SIGNS, min_size=1, max_size=20).filter(lambda name: name not in properties)
        more = st.dictionaries(keys, fitting(others, f"{place}/*"), max_size=MOST_KEYS)
        drawn = st.builds(lambda these, those: {**these, **those}, drawn, more)
    if least or most is not None:
        drawn = drawn.filter(lambda value: least <= len(value) and (most is None or len(value) <= most))
    return drawn


def misfits(source: Source, place: str = "schema") -> Values:
    """Values that a schema of a field refuses, and that nobody could take for ones that fit: `"5"` and null are not.

    The first are beyond the bounds, by little when they shrink.

    Raises:
        InvalidArgument: as for `fitting`.
    """
    must_be_known(source, place)
    kind = source.get("type")
    values: list[Values] = []
    if kind in ("integer", "number"):
        beyond = st.integers(1, 2**31)
        if "minimum" in source:
            values.append(beyond.map(lambda by: source["minimum"] - by))
        if "maximum" in source:
            values.append(beyond.map(lambda by: source["maximum"] + by))
        if kind == "integer":
            values.append(st.integers(0, 1_000).map(lambda whole: whole + 0.5))
        values.append(st.booleans())
    if kind != "string":
        values.append(st.text(ascii_letters, min_size=1, max_size=10))
    if kind != "array":
        values.append(st.lists(st.integers(0, 9), max_size=2))
    return st.one_of(*values).filter(lambda value: not Schema(source).accepts(value))
