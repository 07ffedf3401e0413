"""Values that the contract's schemas allow or refuse, as strategies: processes and bodies. Never asks a server.

A schema with an unknown keyword is refused, since values that ignore the keyword would be wrong. Arguments are checked
when a strategy is made, not when it draws.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from string import ascii_letters
from typing import Any

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from mockfoundry import shipped
from mockfoundry.contract.load import Contract, load_contract
from mockfoundry.contract.plan import Plan, Schema, shorten_value
from mockfoundry.documents.problems import did_you_mean


@cache
def load_shipped_contract() -> Contract:
    """The contract that ships with mockfoundry, loaded when it is first needed."""
    return load_contract(shipped.CONTRACT_FILE)


def find_plan(place: str, operation: str, contract: Contract) -> Plan:
    """The plan of an operation.

    Args:
        place: the argument, with which the error begins.

    Raises:
        InvalidArgument: the contract has no such operation.
    """
    if operation not in contract.plans:
        hint = did_you_mean(operation, contract.plans)
        text = f'{place}: "{shorten_value(operation)}" is not an operation of the contract{hint}'
        raise InvalidArgument(f"{text} (mockfoundry operations lists them)")
    return contract.plans[operation]


def list_unique_words(value: str | Sequence[str]) -> tuple[str, ...]:
    """The words in their order, each once; a single text is one word."""
    return (value,) if isinstance(value, str) else tuple(dict.fromkeys(value))


def must_be_words(place: str, found: Collection[str], allowed: Collection[str]) -> None:
    """Raises InvalidArgument with the first word that is not allowed."""
    for word in found:
        if word not in allowed:
            hint = did_you_mean(str(word), allowed)
            raise InvalidArgument(f'{place}: "{shorten_value(word)}" is not allowed{hint}')


def must_be_whole(place: str, found: int, least: int, most: int = 10_000) -> None:
    """Raises InvalidArgument unless a number is an integer between two bounds."""
    if type(found) is not int or not least <= found <= most:
        raise InvalidArgument(f"{place}: {shorten_value(found)} is not a whole number from {least} to {most}; give one")


SchemaMapping = Mapping[str, Any]
SchemaValues = st.SearchStrategy[Any]

MAX_EXTRA_ITEMS = 3
"""How many keys or items are drawn at most beyond the required ones, where a schema has no bound."""

MAX_NUMBER = 2**63 - 1
"""The largest number where a schema has no bound: clients hold numbers in 64 bits."""

# Keywords that allow and refuse nothing.
_ANNOTATION_KEYWORDS = frozenset(
    {"description", "title", "example", "default", "deprecated", "readOnly", "writeOnly", "externalDocs"}
)
_COMMON_KEYWORDS = frozenset({"type", "nullable", "enum", "oneOf", "anyOf", "allOf", "not"})
_TYPE_KEYWORDS: Mapping[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties", "minProperties", "maxProperties"}),
    "array": frozenset({"items", "minItems", "maxItems", "uniqueItems"}),
    "string": frozenset({"minLength", "maxLength", "pattern", "format"}),
    "integer": frozenset({"minimum", "maximum", "format"}),
    "number": frozenset({"minimum", "maximum", "format"}),
    "boolean": frozenset(),
}
_FORMATS: Mapping[str, SchemaValues] = {
    "uuid": st.uuids().map(str),
    "date-time": st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2099, 12, 31)).map(  # noqa: DTZ001
        lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    ),
}
# Formats of numbers add nothing to the bounds of the contract.
_NUMBER_FORMATS = frozenset({"int32", "int64", "float", "double"})

# Line breaks and control characters are text too; halves of surrogate pairs are not.
_SIGNS = st.characters(exclude_categories=["Cs"])


def valid_values(source: SchemaMapping, place: str = "schema") -> SchemaValues:
    """Values that a schema of the contract allows.

    Of an object only the keys that have a schema are drawn. A value shrinks to one without its optional keys.

    Args:
        source: an OpenAPI 3.0 schema, resolved.
        place: what errors begin with.

    Raises:
        InvalidArgument: the schema has a keyword, a type or a format that is not known here.
    """
    must_be_drawable(source, place)
    if any(keyword in source for keyword in ("oneOf", "anyOf", "allOf", "not")):
        alternatives: list[SchemaMapping] = source.get("oneOf", source.get("anyOf", [{}]))
        plain = {
            keyword: value for keyword, value in source.items() if keyword not in ("oneOf", "anyOf", "allOf", "not")
        }
        for part in source.get("allOf", ()):
            plain = merge_schemas(plain, part)
        drawn = st.one_of(*(valid_values(merge_schemas(plain, each), place) for each in alternatives))
        return drawn.filter(Schema(source).accepts)
    values = st.sampled_from(source["enum"]) if "enum" in source else values_of_type(source, place)
    return values | st.none() if source.get("nullable") is True else values


def must_be_drawable(source: SchemaMapping, place: str) -> None:
    kind = source.get("type")
    known = _TYPE_KEYWORDS.get(str(kind), frozenset())
    if kind is None and not any(keyword in source for keyword in ("enum", "oneOf", "anyOf", "allOf")):
        raise InvalidArgument(
            f"{place}: a schema without a type can't be drawn from; allowed: {', '.join(_TYPE_KEYWORDS)}"
        )
    if kind is not None and kind not in _TYPE_KEYWORDS:
        raise InvalidArgument(f'{place}: the type "{kind}" is not known; allowed: {", ".join(_TYPE_KEYWORDS)}')
    for keyword in source:
        if keyword not in known | _COMMON_KEYWORDS | _ANNOTATION_KEYWORDS:
            allowed = ", ".join(sorted(known | _COMMON_KEYWORDS))
            text = f'{place}: the keyword "{keyword}" of a schema is not known'
            raise InvalidArgument(f"{text}; allowed here: {allowed}; draw such values with a strategy of your own")


def merge_schemas(one: SchemaMapping, other: SchemaMapping) -> dict[str, Any]:
    """A schema with what another one adds, as far as that helps to draw: the caller filters by both."""
    both = dict(one)
    for keyword, value in other.items():
        if keyword == "properties":
            its = both.get("properties", {})
            both["properties"] = {
                **its,
                **{name: merge_schemas(its.get(name, {}), each) for name, each in value.items()},
            }
        elif keyword == "required":
            both["required"] = list(dict.fromkeys([*both.get("required", ()), *value]))
        elif keyword == "enum":
            both["enum"] = [each for each in value if "enum" not in both or each in both["enum"]]
        else:
            both[keyword] = value
    return both


def values_of_type(source: SchemaMapping, place: str) -> SchemaValues:
    kind = source["type"]
    if kind == "object":
        return object_values(source, place)
    if kind == "array":
        return array_values(source, place)
    if kind == "string":
        return text_values(source, place)
    if kind == "boolean":
        return st.booleans()
    must_know_format(source, _NUMBER_FORMATS, place)
    if kind == "integer":
        return st.integers(source.get("minimum", -MAX_NUMBER), source.get("maximum", MAX_NUMBER))
    return st.floats(source.get("minimum"), source.get("maximum"), allow_nan=False, allow_infinity=False)


def must_know_format(source: SchemaMapping, known: frozenset[str] | Mapping[str, Any], place: str) -> None:
    found = source.get("format")
    if found is not None and found not in known:
        raise InvalidArgument(f'{place}: the format "{found}" is not known; allowed: {", ".join(sorted(known))}')


def text_values(source: SchemaMapping, place: str) -> SchemaValues:
    must_know_format(source, _FORMATS, place)
    pattern, formatted = source.get("pattern"), source.get("format")
    if formatted is not None:
        values = _FORMATS[formatted]
    elif pattern is not None:
        values = st.from_regex(re.compile(pattern, re.ASCII), alphabet=_SIGNS)
    else:
        return st.text(_SIGNS, min_size=source.get("minLength", 0), max_size=source.get("maxLength"))
    bounded = {keyword: value for keyword, value in source.items() if keyword in _TYPE_KEYWORDS["string"] | {"type"}}
    return values.filter(Schema(bounded).accepts)


def array_values(source: SchemaMapping, place: str) -> SchemaValues:
    least: int = source.get("minItems", 0)
    items = valid_values(source.get("items", {}), f"{place}/items")
    most = min(source.get("maxItems", least + MAX_EXTRA_ITEMS), least + MAX_EXTRA_ITEMS)
    return st.lists(items, min_size=least, max_size=most, unique_by=repr if source.get("uniqueItems") else None)


def object_values(source: SchemaMapping, place: str) -> SchemaValues:
    properties: SchemaMapping = source.get("properties", {})
    required = source.get("required", ())
    values = {name: valid_values(each, f"{place}/{name}") for name, each in properties.items()}
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
        more = st.dictionaries(keys, valid_values(others, f"{place}/*"), max_size=MAX_EXTRA_ITEMS)
        drawn = st.builds(lambda these, those: {**these, **those}, drawn, more)
    if least or most is not None:
        drawn = drawn.filter(lambda value: least <= len(value) and (most is None or len(value) <= most))
    return drawn


def invalid_values(source: SchemaMapping, place: str = "schema") -> SchemaValues:
    """Values that a field's schema refuses, and the Cloud Controller too: so `"5"` and null are never among them.

    The simplest are just beyond the bounds.

    Raises:
        InvalidArgument: as for `valid_values`.
    """
    must_be_drawable(source, place)
    kind = source.get("type")
    values: list[SchemaValues] = []
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


def processes(contract: Contract | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """Processes as getProcess answers them, for tests that stub their own client.

    All that the contract allows may be drawn, also what the Cloud Controller would never answer: a client that follows
    the documentation can read it.

    Args:
        contract: the shipped one unless given.

    Raises:
        InvalidArgument: the contract has no getProcess, or values can't be drawn from its schema.
    """
    plan = find_plan("processes(contract=…)", "getProcess", contract or load_shipped_contract())
    return valid_values(
        must_have_schema(plan.responses[plan.success_status].body, "processes(): the answer to getProcess").source,
        "process",
    )


def scale_bodies(valid: bool = True, contract: Contract | None = None) -> st.SearchStrategy[Any]:
    """Bodies for scaleProcess.

    A valid one is allowed by the contract; a quota may still refuse it. An invalid one is refused by the contract and
    by the Cloud Controller, which accepts more than it documents: so null and a number in quotes are never drawn. The
    simplest invalid body is an empty list; the simplest mapping has one number that is just too small.

    Args:
        valid: whether the contract allows the bodies.
        contract: the shipped one unless given.

    Raises:
        InvalidArgument: the contract has no scaleProcess, or values can't be drawn from its schema.
    """
    plan = find_plan("scale_bodies(contract=…)", "scaleProcess", contract or load_shipped_contract())
    schema = must_have_schema(plan.body, "scale_bodies(): the body of scaleProcess")
    good = valid_values(schema.source, "body")
    if valid:
        return good
    fields = schema.source.get("properties", {})
    broken = [st.fixed_dictionaries({name: invalid_values(each, f"body/{name}")}) for name, each in fields.items()]
    if schema.source.get("additionalProperties") is False and fields:
        broken.append(st.dictionaries(misspelt_names(sorted(fields)), st.integers(0, 9), min_size=1, max_size=2))
    kinds: list[st.SearchStrategy[Any]] = [st.builds(lambda these, those: {**these, **those}, good, st.one_of(broken))]
    kinds.append(st.lists(good, max_size=2))
    return st.one_of(kinds).filter(lambda body: not schema.accepts(body))


def misspelt_names(names: list[str]) -> st.SearchStrategy[str]:
    """Names of fields with letters added at the end."""
    ends = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=3)
    longer = st.tuples(st.sampled_from(names), ends).map("".join)
    return longer.filter(lambda name: name not in names)


def must_have_schema(schema: Schema | None, place: str) -> Schema:
    """The schema, if the contract has one; raises InvalidArgument if not."""
    if schema is None:
        raise InvalidArgument(f"{place} has no schema in the contract; give it one")
    return schema
