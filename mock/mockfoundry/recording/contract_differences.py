"""What a recorded answer has that the contract does not document: statuses, fields, types. Never looks at a world."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from mockfoundry.contract.plan import Plan, Schema
from mockfoundry.contract.schemas import Definitions, SchemaMapping, follow_reference
from mockfoundry.recording.har import NO_ANSWER, HarEntry
from mockfoundry.recording.seen import REDACTED

MAX_DEPTH = 50

_INDEX = re.compile(r"/\d+(?=/|$)")


def find_undocumented(entry: HarEntry, plan: Plan) -> Iterator[tuple[str, str]]:
    """Places of a recorded answer with what the contract does not allow there."""
    if entry.status == NO_ANSWER:
        return
    documented = plan.find_response(entry.status)
    if documented is None:
        yield "status", f"{entry.status} is not documented"
        return
    value = entry.value
    if documented.body is None or value is msgspec.UNSET:
        return
    for violation in documented.body.violations(value):
        place = f"body{_INDEX.sub('[]', violation.pointer).replace('/', '.')}"
        if violation.keyword == "required":
            yield f"{place}.{violation.limit}", "the field is required"
        # Unknown fields are found below, where the contract forbids them, too.
        elif violation.keyword != "additionalProperties" and not is_redacted(violation.value):
            yield place, violation.describe()
    for place in dict.fromkeys(find_unknown_fields(documented.body, value)):
        yield place, "the field is not documented"


def is_redacted(value: Any) -> bool:
    return isinstance(value, str) and REDACTED in value


def find_unknown_fields(schema: Schema, value: Any) -> Iterator[str]:
    """Places of a value that its schema lets pass without naming them."""
    yield from iterate_unknown(schema.source, schema.definitions, value, "body", 0)


def iterate_unknown(
    schema: SchemaMapping, definitions: Definitions, value: Any, place: str, depth: int
) -> Iterator[str]:
    if depth > MAX_DEPTH:
        return
    if isinstance(value, list):
        items = list(list_parts(schema, definitions, "items"))
        for each in value if items else ():
            yield from iterate_unknown({"allOf": items}, definitions, each, f"{place}[]", depth + 1)
        return
    if not isinstance(value, dict):
        return
    named: dict[str, list[SchemaMapping]] = {}
    for properties in list_parts(schema, definitions, "properties"):
        for name, each in properties.items():
            named.setdefault(name, []).append(each)
    if not named or any(list_parts(schema, definitions, "additionalProperties")):
        return
    for name, each in value.items():
        if name in named:
            yield from iterate_unknown({"allOf": named[name]}, definitions, each, f"{place}.{name}", depth + 1)
        else:
            yield f"{place}.{name}"


def list_parts(schema: SchemaMapping, definitions: Definitions, key: str) -> Iterator[Any]:
    """What a schema, or one that it is made of, has under a key."""
    schema = follow_reference(schema, definitions)
    if schema.get(key):
        yield schema[key]
    for kind in ("allOf", "anyOf", "oneOf"):
        for each in schema.get(kind, ()):
            yield from list_parts(each, definitions, key)
