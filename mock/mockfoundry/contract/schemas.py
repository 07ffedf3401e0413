"""Schemas of OpenAPI 3.0: their parts, their references, and the JSON Schema that they mean. Never reads a file.

A schema's references are texts that begin with `#`. `definitions` holds what each of them leads to, by that text.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

SchemaMapping = Mapping[str, Any]
Definitions = Mapping[str, Any]

MAX_INLINED_NODES = 20_000
"""How many values a schema may hold once its references are replaced; one with more keeps its references."""

_LISTS = frozenset({"allOf", "anyOf", "oneOf"})
_SINGLES = frozenset({"items", "not", "additionalProperties"})
_MAPS = frozenset({"properties"})
# Everything else (example, default, discriminator, title, …) allows and refuses nothing, and may hold anything: even a
# `$ref` that is not a reference, or an `id` that would move the base of those that are.
_JSON_SCHEMA = (
    _LISTS | _SINGLES | _MAPS | {"type", "enum", "required", "format", "pattern", "multipleOf"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"}
    | {"minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"}
)  # fmt: skip


def iterate_subschemas(schema: SchemaMapping) -> Iterator[SchemaMapping]:
    """The schemas that stand directly in a schema."""
    for key, value in schema.items():
        inside: Iterable[Any] = ()
        if key in _MAPS and isinstance(value, Mapping):
            inside = value.values()
        elif key in _LISTS and isinstance(value, list):
            inside = value
        elif key in _SINGLES:
            inside = (value,)
        yield from (each for each in inside if isinstance(each, Mapping))


def map_subschemas(schema: SchemaMapping, change: Callable[[Any], Any]) -> dict[str, Any]:
    """A schema with each schema that stands directly in it changed."""
    changed = dict(schema)
    for key, value in schema.items():
        if key in _MAPS and isinstance(value, Mapping):
            changed[key] = {name: change(each) for name, each in value.items()}
        elif key in _LISTS and isinstance(value, list):
            changed[key] = [change(each) for each in value]
        elif key in _SINGLES:
            changed[key] = change(value)
    return changed


def reference_of(schema: Any) -> str | None:
    """The text of a schema that is a reference; None of any other."""
    found = schema.get("$ref") if isinstance(schema, Mapping) else None
    return found if isinstance(found, str) else None


def find_references(schema: SchemaMapping) -> set[str]:
    """The references in a schema, however deep."""
    found: set[str] = set()
    waiting = [schema]
    while waiting:
        each = waiting.pop()
        reference = reference_of(each)
        if reference is not None:
            found.add(reference)
        waiting.extend(iterate_subschemas(each))
    return found


def select_definitions(schema: SchemaMapping, definitions: Definitions) -> dict[str, Any]:
    """The definitions that a schema leads to, directly or by others."""
    selected: dict[str, Any] = {}
    waiting = find_references(schema)
    while waiting:
        reference = waiting.pop()
        selected[reference] = definitions[reference]
        if isinstance(definitions[reference], Mapping):
            waiting |= find_references(definitions[reference]) - selected.keys()
    return selected


def follow_reference(schema: SchemaMapping, definitions: Definitions) -> SchemaMapping:
    """What a schema that is a reference means, with the keys beside the reference, as connexion reads it."""
    reference = reference_of(schema)
    while reference is not None:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**beside, **definitions[reference]}
        reference = reference_of(schema)
    return schema


class _TooManyNodesError(Exception):
    """A schema is too large to be written without references."""


def inline_references(schema: SchemaMapping, definitions: Definitions) -> SchemaMapping:
    """A schema without its references, but for those that lead back into themselves.

    It is returned as it is where it would become too large: each of a few schemas may name the next one twice.
    """
    left = MAX_INLINED_NODES

    def inline(node: Any, opened: frozenset[str]) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise _TooManyNodesError
        if not isinstance(node, Mapping):
            return node
        reference = reference_of(node)
        while reference is not None:
            if reference in opened:
                return {"$ref": reference}
            opened |= {reference}
            beside = {key: value for key, value in node.items() if key != "$ref"}
            node = {**beside, **definitions[reference]}
            reference = reference_of(node)
        return map_subschemas(node, lambda each: inline(each, opened))

    try:
        inlined: SchemaMapping = inline(schema, frozenset())
    except (_TooManyNodesError, RecursionError):
        return schema
    return inlined


def build_json_schema(schema: SchemaMapping, definitions: Definitions) -> dict[str, Any]:
    """A schema of OpenAPI 3.0 as JSON Schema draft 4, with the definitions that it still leads to."""
    document: dict[str, Any] = convert_to_json_schema(schema)
    selected = select_definitions(schema, definitions)
    if selected:
        named = {reference: convert_to_json_schema(each) for reference, each in selected.items()}
        if "$ref" in document:
            # Beside a reference nothing counts, not even definitions.
            document = {"allOf": [document]}
        document["definitions"] = named
    return document


def convert_to_json_schema(node: Any) -> Any:
    """A schema, and what stands in it, with the keywords of JSON Schema alone: `nullable` becomes a type and a value.

    The references lead to `#/definitions/`, where their text is the key.
    """
    if not isinstance(node, Mapping):
        return node
    reference = reference_of(node)
    if reference is not None:
        return {"$ref": "#/definitions/" + escape_pointer_step(reference)}
    schema = {
        key: value
        for key, value in map_subschemas(node, convert_to_json_schema).items()
        if key in _JSON_SCHEMA
    }  # fmt: skip
    if node.get("nullable") is True:
        if isinstance(node.get("type"), str):
            schema["type"] = [node["type"], "null"]
        if isinstance(node.get("enum"), list) and None not in node["enum"]:
            schema["enum"] = [*node["enum"], None]
    return schema


def escape_pointer_step(text: str) -> str:
    """One step of a JSON pointer, as it stands in a reference."""
    escaped = text.replace("~", "~0").replace("/", "~1")
    return "".join(sign if sign.isalnum() or sign in "-._~" else percent_encode(sign) for sign in escaped)


def percent_encode(sign: str) -> str:
    return "".join(f"%{byte:02X}" for byte in sign.encode("utf-8", "surrogatepass"))


def guess_type(node: SchemaMapping) -> str:
    """The type that a schema without one is about."""
    if "items" in node or "minItems" in node:
        return "array"
    if any(key in node for key in ("pattern", "format", "minLength", "maxLength")):
        return "string"
    if any(key in node for key in ("minimum", "maximum", "multipleOf")):
        return "number"
    return "object"


def merge_schemas(one: SchemaMapping, other: SchemaMapping) -> dict[str, Any]:
    """A schema with what another one asks for too, as far as that helps to find a value."""
    both = dict(one)
    for key, value in other.items():
        if key not in both:
            both[key] = value
        elif key == "properties":
            its = both[key]
            both[key] = {
                **its,
                **{name: {"allOf": [its[name], each]} if name in its else each for name, each in value.items()},
            }
        elif key == "required":
            both[key] = list(dict.fromkeys([*both[key], *value]))
        elif key == "enum":
            both[key] = [each for each in both[key] if each in value]
        elif key == "type" and {both[key], value} == {"integer", "number"}:
            both[key] = "integer"
        elif key in ("minimum", "minLength", "minItems", "minProperties"):
            both[key] = max(both[key], value)
        elif key in ("maximum", "maxLength", "maxItems", "maxProperties"):
            both[key] = min(both[key], value)
        elif key == "nullable":
            both[key] = both[key] and value
        elif key == "items":
            both[key] = {"allOf": [both[key], value]}
        elif key == "additionalProperties" and value is False:
            both[key] = False
    return both
