"""Made values: what a schema accepts, made for an answer that has no example. The same seed makes the same value.

A schema can ask for what is hard to find, so each candidate is held against it, and the search has an end.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from math import ceil, floor
from random import Random
from typing import Any

from mockfoundry.contract.formats import FORMATS, WORDS, text_of_pattern
from mockfoundry.contract.plan import Schema
from mockfoundry.contract.schemas import SchemaMapping, find_references, follow_reference, reference_of

MAX_REMEMBERED_VALUES = 16
"""How many values of one schema are remembered, each for its seed."""

MAX_TRIES = 50_000
"""How many candidates are looked at for one value, with all that is in it."""

MAX_DEPTH = 40
"""How deep a value nests at most."""

FULL_DEPTH = 6
"""Down to this depth an object has its optional properties too."""

MAX_ALTERNATIVES = 32
"""How many combinations of `allOf`, `oneOf` and `anyOf` are looked at."""

_COMBINING = frozenset({"allOf", "oneOf", "anyOf", "discriminator"})


class NoValueError(Exception):
    """No value was found that a schema accepts."""


def make_value(schema: Schema, random_seed: int, name: str) -> Any:
    """A value that a schema accepts. It is remembered, so it must not be changed.

    Args:
        name: what the value is for; another name makes another value.

    Raises:
        NoValueError: none was found.
    """
    key = f"{random_seed} {name}"
    remembered = schema.made_values
    if key not in remembered:
        if len(remembered) >= MAX_REMEMBERED_VALUES:
            remembered.clear()
        remembered[key] = find_value(schema, key)
    if remembered[key] is NoValueError:
        raise NoValueError(name)
    return remembered[key]


def find_value(schema: Schema, key: str) -> Any:
    """A value that a schema accepts; NoValueError itself where none was found."""
    for thrift in (False, True):
        maker = _Maker(schema, Random(key), thrift)  # noqa: S311 (no secret: tests want it again)
        try:
            value = maker.make(schema.raw, 0, frozenset())
            if schema.accepts(value):
                return value
        except (NoValueError, ValueError, RecursionError):
            pass
    return NoValueError


class _Maker:
    """The search for one value.

    Attributes:
        thrift: objects have only what is required, and no example is taken.
    """

    def __init__(self, schema: Schema, random: Random, thrift: bool) -> None:
        self.definitions = schema.definitions
        self.random = random
        self.thrift = thrift
        self.left = MAX_TRIES
        # By identity, with the schema itself so that it is not another one's later.
        self.compiled: dict[int, tuple[SchemaMapping, Schema]] = {}

    def make(self, node: SchemaMapping, depth: int, opened: frozenset[str]) -> Any:
        """A value for a schema within the whole.

        Args:
            opened: the references that led to it.
        """
        if reference_of(node) is not None:
            opened |= self.list_chain(node)
            node = follow_reference(node, self.definitions)
        if depth > MAX_DEPTH:
            raise NoValueError
        for candidate in self.list_candidates(node, depth, opened):
            self.left -= 1
            if self.left < 0:
                raise NoValueError
            if self.fits(node, candidate):
                return candidate
        raise NoValueError

    def list_chain(self, node: SchemaMapping) -> frozenset[str]:
        chain = []
        reference = reference_of(node)
        while reference is not None and reference not in chain:
            chain.append(reference)
            reference = reference_of(self.definitions[reference])
        return frozenset(chain)

    def fits(self, node: SchemaMapping, candidate: Any) -> bool:
        """Whether a schema accepts a candidate. What stands in it was looked at before."""
        if not any(key in node for key in _LOOKED_AT) and not isinstance(candidate, str):
            return True
        _, schema = self.compiled.setdefault(id(node), (node, Schema(node, self.definitions)))
        return schema.accepts(candidate)

    def list_candidates(self, node: SchemaMapping, depth: int, opened: frozenset[str]) -> Iterator[Any]:
        """Values that a schema may accept, the likeliest first."""
        if not self.thrift:
            yield from (node[key] for key in ("example", "default") if node.get(key) is not None)
        if isinstance(node.get("enum"), list):
            yield from self.shuffle(node["enum"])
            return
        if any(key in node for key in _COMBINING):
            for plain in islice(self.list_alternatives(node, depth), MAX_ALTERNATIVES):
                yield from self.list_plain_candidates(plain, depth, opened)
        else:
            yield from self.list_plain_candidates(node, depth, opened)
        yield None

    def shuffle(self, values: list[Any]) -> list[Any]:
        """Values in a random order, null at the end."""
        return sorted(self.random.sample(values, len(values)), key=lambda value: value is None)

    def list_alternatives(self, node: SchemaMapping, depth: int) -> Iterator[dict[str, Any]]:
        """What a schema asks for without `allOf`, `oneOf` and `anyOf`: one of the ways to please them."""
        if depth > MAX_DEPTH:
            return
        node = follow_reference(node, self.definitions)
        bases = [{key: value for key, value in node.items() if key not in _COMBINING}]
        for part in node.get("allOf", ()):
            found = list(islice(self.list_alternatives(part, depth + 1), MAX_ALTERNATIVES))
            bases = [merge_schemas(base, each) for base in bases for each in found][:MAX_ALTERNATIVES]
        for key in ("oneOf", "anyOf"):
            if node.get(key):
                named = [(each, self.list_names(node, each)) for each in node[key]]
                found = [
                    merge_schemas(each, name)
                    for part, names in named
                    for each in islice(self.list_alternatives(part, depth + 1), MAX_ALTERNATIVES)
                    for name in names
                ]
                bases = [merge_schemas(base, each) for each in found for base in bases][:MAX_ALTERNATIVES]
        yield from bases

    def list_names(self, node: SchemaMapping, part: SchemaMapping) -> list[dict[str, Any]]:
        """What a discriminator asks for of one of the schemas it tells apart, and then nothing."""
        discriminator, reference = node.get("discriminator"), reference_of(part)
        if not isinstance(discriminator, Mapping) or reference is None:
            return [{}]
        mapping = discriminator.get("mapping", {})
        plain = reference.rpartition("/")[2]
        name = next((key for key, value in mapping.items() if str(value).rpartition("/")[2] == plain), plain)
        asked = discriminator["propertyName"]
        return [{"properties": {asked: {"type": "string", "enum": [name]}}, "required": [asked]}, {}]

    def list_plain_candidates(self, node: SchemaMapping, depth: int, opened: frozenset[str]) -> Iterator[Any]:
        if isinstance(node.get("enum"), list):
            yield from self.shuffle(node["enum"])
            return
        kind = node.get("type") or guess_type(node)
        if kind == "object":
            yield from self.list_objects(node, depth, opened)
        elif kind == "array":
            yield from self.list_arrays(node, depth, opened)
        elif kind == "string":
            yield from self.list_texts(node)
        elif kind in ("integer", "number"):
            yield from self.list_numbers(node, kind == "integer")
        else:
            yield self.random.random() < 0.5
            yield from (True, False)
        if node.get("nullable") is True:
            yield None

    def list_objects(self, node: SchemaMapping, depth: int, opened: frozenset[str]) -> Iterator[dict[str, Any]]:
        for full in (True, False) if depth < FULL_DEPTH and not self.thrift else (False,):
            try:
                yield self.make_object(node, depth, opened, full)
            except NoValueError:
                continue

    def make_object(self, node: SchemaMapping, depth: int, opened: frozenset[str], full: bool) -> dict[str, Any]:
        properties: Mapping[str, Any] = node.get("properties", {})
        others = node.get("additionalProperties", True)
        required = [name for name in node.get("required", ()) if isinstance(name, str)]
        value: dict[str, Any] = {}
        for name, schema in properties.items():
            if name in required:
                value[name] = self.make(schema, depth + 1, opened)
            elif full and opened.isdisjoint(find_references(schema)):
                try:
                    value[name] = self.make(schema, depth + 1, opened)
                except NoValueError:
                    continue
        names = [name for name in required if name not in value]
        if full and not properties and isinstance(others, Mapping) and opened.isdisjoint(find_references(others)):
            names += [self.random.choice(WORDS)]
        names += [f"{word}{number}" for number in range(node.get("minProperties", 0)) for word in WORDS[:1]]
        fewest = max(len(value) + len(set(required) - value.keys()), node.get("minProperties", 0))
        for name in names:
            if name in value or (name not in required and len(value) >= max(fewest, 1)):
                continue
            value[name] = self.make(others, depth + 1, opened) if isinstance(others, Mapping) else name
        most = node.get("maxProperties", len(value))
        for name in [name for name in reversed(value) if name not in required][: max(0, len(value) - most)]:
            del value[name]
        return value

    def list_arrays(self, node: SchemaMapping, depth: int, opened: frozenset[str]) -> Iterator[list[Any]]:
        items, least = node.get("items", {}), node.get("minItems", 0)
        wanted = least if self.thrift else min(max(least, 1), node.get("maxItems", max(least, 1)))
        value: list[Any] = []
        unique = node.get("uniqueItems") is True
        if least or opened.isdisjoint(find_references(items)):
            thrift = self.thrift
            try:
                for _ in range(wanted * 20 if unique else wanted):
                    item = self.make(items, depth + 1, opened)
                    if not (unique and item in value):
                        value.append(item)
                    # Of an example there is but one.
                    self.thrift = thrift or (unique and item in value)
                    if len(value) >= wanted:
                        break
            except NoValueError:
                value = []
            finally:
                self.thrift = thrift
        if len(value) >= least:
            yield value
        if least == 0:
            yield []

    def list_texts(self, node: SchemaMapping) -> Iterator[str]:
        least = node.get("minLength", 0)
        most = node.get("maxLength", max(least, 1000))
        if isinstance(node.get("pattern"), str):
            yield from text_of_pattern(node["pattern"], least, most, self.random)
        form = FORMATS.get(str(node.get("format")))
        if form is not None:
            yield form(self.random)
        for _ in range(3):
            text = self.random.choice(WORDS)
            while len(text) < least:
                text += "-" + self.random.choice(WORDS)
            yield text[:most] if len(text[:most]) >= least else text.ljust(least, "x")
        yield "x" * least
        if "pattern" in node and "format" not in node:
            yield from ("0" * max(least, 1), "")

    def list_numbers(self, node: SchemaMapping, whole: bool) -> Iterator[int | float]:
        step = node.get("multipleOf", 1 if whole else None)
        least, most = node.get("minimum"), node.get("maximum")
        low = least if least is not None else min(1, most) if most is not None else 1
        high = min(most if most is not None else low + 1000, low + 1000)
        if whole or step is not None:
            step = step or 1
            first = ceil(low / step) + (1 if node.get("exclusiveMinimum") is True and low % step == 0 else 0)
            last = floor(high / step) - (1 if node.get("exclusiveMaximum") is True and high % step == 0 else 0)
            if first <= last:
                yield self.random.randint(first, last) * step
            yield from (first * step, last * step)
        else:
            yield round(low + (high - low) * self.random.random(), 2)
            yield low + (high - low) / 2
            yield from (low, high)


_LOOKED_AT = (
    *("allOf", "oneOf", "anyOf", "not", "enum", "example", "default", "pattern", "format", "multipleOf"),
    *("minProperties", "maxProperties", "uniqueItems", "minimum", "maximum", "additionalProperties", "maxItems"),
)
"""Keywords of which a candidate is not made so that it surely pleases them; a candidate of None is looked at too."""


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
