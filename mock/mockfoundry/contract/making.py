"""Made values: what a schema accepts, made for an answer that has no example. The same seed makes the same value.

A schema can ask for what is hard to find, so each candidate is held against it. It can ask for what is endless, or
large, so the search has a budget of steps and of size, and what it can't find within that it does not find.
"""

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from math import ceil, floor
from random import Random
from typing import Any

import msgspec

from mockfoundry.contract.formats import FORMATS, WORDS, text_of_pattern
from mockfoundry.contract.nesting import MAX_DEPTH, NoValueError, ReferencedSchemas
from mockfoundry.contract.plan import Schema
from mockfoundry.contract.schemas import SchemaMapping, guess_type, merge_schemas, reference_of

MAX_REMEMBERED_VALUES = 16
"""How many values of one schema are remembered, each for its seed."""

MAX_STEPS = 15_000
"""How many steps each round of a search takes at most: a candidate is one, what takes longer is several."""

MAX_SIZE = 1024 * 1024
"""How large a made value is at most, in about the bytes of its JSON."""

FULL_DEPTHS = (6, 3, 1, 0)
"""Down to this depth an object has its optional properties too, in the rounds of a search; the last one is thrifty."""

MAX_ALTERNATIVES = 32
"""How many combinations of `allOf`, `oneOf` and `anyOf` are looked at."""

_COMBINING = frozenset({"allOf", "oneOf", "anyOf", "discriminator"})


class _OutOfBudgetError(Exception):
    """A round of a search has taken all its steps, or made all that it may."""


def make_value(schema: Schema, random_seed: int, name: str) -> Any:
    """A value that a schema accepts. It is remembered, so it must not be changed. May be called in several threads.

    Args:
        name: what the value is for; another name makes another value.

    Raises:
        NoValueError: none was found.
    """
    key = f"{random_seed} {name}"
    remembered = schema.made_values
    value = remembered.get(key, _NOT_MADE)
    if value is _NOT_MADE:
        value = find_value(schema, key)
        if len(remembered) >= MAX_REMEMBERED_VALUES:
            remembered.clear()
        remembered[key] = value
    if value is NoValueError:
        raise NoValueError(name)
    return value


_NOT_MADE = object()


def is_remembered(schema: Schema, random_seed: int, name: str) -> bool:
    """Whether `make_value` need not search, since it has done so."""
    return f"{random_seed} {name}" in schema.made_values


def find_value(schema: Schema, key: str) -> Any:
    """A value that a schema accepts; NoValueError itself where none was found."""
    maker = _Maker(schema)
    for full_depth in FULL_DEPTHS:
        maker.begin_round(Random(key), full_depth)  # noqa: S311 (no secret: tests want it again)
        try:
            value = maker.make(schema.raw, 0, frozenset())
            if schema.accepts(value):
                return value
        except (NoValueError, _OutOfBudgetError, ArithmeticError, ValueError, RecursionError):
            pass
    return NoValueError


class _Maker:
    """The search for one value, in rounds.

    What is remembered by the identity of a schema has that schema beside it, so that it is not another one's later.

    Attributes:
        full_depth: down to which an object has its optional properties too.
        thrift: objects have only what is required, no example is taken, and the flattest alternative is the first.
        spread: how many numbers there should be to choose from.
    """

    def __init__(self, schema: Schema) -> None:
        self.definitions = schema.definitions
        self.compiled: dict[int, tuple[SchemaMapping, Schema]] = {}
        self.alternatives: dict[tuple[int, bool], tuple[SchemaMapping, list[dict[str, Any]]]] = {}
        self.sizes: dict[int, tuple[Any, int]] = {}
        self.references = ReferencedSchemas(schema.raw, schema.definitions)

    def begin_round(self, random: Random, full_depth: int) -> None:
        self.random, self.full_depth, self.thrift = random, full_depth, full_depth == 0
        self.steps_left, self.size_left, self.spread = MAX_STEPS, MAX_SIZE, 1000

    def spend(self, steps: int = 1, size: int = 0) -> None:
        self.steps_left -= steps
        self.size_left -= size
        if self.steps_left < 0 or self.size_left < 0:
            raise _OutOfBudgetError

    def make(self, node: SchemaMapping, depth: int, opened: frozenset[str]) -> Any:
        """A value for a schema within the whole.

        Args:
            opened: the references that led to it.
        """
        node, references = self.references.follow(node)
        again = not references.isdisjoint(opened)
        opened |= references
        if depth > MAX_DEPTH:
            raise NoValueError
        for candidate in self.list_candidates(node, depth, opened, again):
            self.spend()
            if self.fits(node, candidate):
                return candidate
        raise NoValueError

    def fits(self, node: SchemaMapping, candidate: Any) -> bool:
        """Whether a schema accepts a candidate. What stands in it was looked at before."""
        if not any(key in node for key in _LOOKED_AT) and not isinstance(candidate, str):
            return True
        if id(node) not in self.compiled:
            schema = Schema(node, self.definitions)
            self.compiled[id(node)] = node, schema
            self.spend(5 + len(msgspec.json.encode(schema.document)) // 100)
        return self.compiled[id(node)][1].accepts(candidate)

    def take(self, value: Any) -> Any:
        """A value that stands in the schema, as a part of what is made."""
        if id(value) not in self.sizes:
            self.sizes[id(value)] = value, len(msgspec.json.encode(value))
        self.spend(size=self.sizes[id(value)][1])
        return value

    def list_candidates(
        self, node: SchemaMapping, depth: int, opened: frozenset[str], again: bool = False
    ) -> Iterator[Any]:
        """Values that a schema may accept, the likeliest first.

        Args:
            again: whether the schema stands in itself, so that it is time to come to an end.
        """
        if not self.thrift:
            yield from (self.take(node[key]) for key in ("example", "default") if node.get(key) is not None)
        if isinstance(node.get("enum"), list):
            yield from self.shuffle(node["enum"])
            return
        if any(key in node for key in _COMBINING):
            parts = [part for key in ("oneOf", "anyOf") for part in node.get(key, ())]
            flat = self.thrift or again or any(reference_of(part) in opened for part in parts)
            for plain in self.list_remembered_alternatives(node, flat):
                yield from self.list_plain_candidates(plain, depth, opened)
        else:
            yield from self.list_plain_candidates(node, depth, opened)
        yield None

    def shuffle(self, values: list[Any]) -> Iterator[Any]:
        """Values in a random order, null at the end."""
        self.spend(len(values) // 10)
        shuffled = sorted(self.random.sample(values, len(values)), key=lambda value: value is None)
        return map(self.take, shuffled)

    def list_remembered_alternatives(self, node: SchemaMapping, flat: bool) -> list[dict[str, Any]]:
        key = (id(node), flat)
        if key not in self.alternatives:
            self.alternatives[key] = node, list(islice(self.list_alternatives(node, 0, flat), MAX_ALTERNATIVES))
        return self.alternatives[key][1]

    def list_alternatives(self, node: SchemaMapping, depth: int, flat: bool) -> Iterator[dict[str, Any]]:
        """What a schema asks for without `allOf`, `oneOf` and `anyOf`: one of the ways to please them.

        Args:
            flat: whether the alternatives whose values nest least are the first.
        """
        self.spend()
        if depth > MAX_DEPTH:
            return
        try:
            node, _ = self.references.follow(node)
        except NoValueError:
            return
        bases = [{key: value for key, value in node.items() if key not in _COMBINING}]
        for part in node.get("allOf", ()):
            found = list(islice(self.list_alternatives(part, depth + 1, flat), MAX_ALTERNATIVES))
            bases = list(islice((self.merge(base, each) for base in bases for each in found), MAX_ALTERNATIVES))
        for key in ("oneOf", "anyOf"):
            if node.get(key):
                parts = sorted(node[key], key=self.references.measure_height) if flat else node[key]
                named = self.list_named_alternatives(node, parts, depth, flat)
                if key == "oneOf":
                    named = chain(named, self.list_told_apart_alternatives(parts, depth, flat))
                found = list(islice(named, MAX_ALTERNATIVES))
                bases = list(islice((self.merge(base, each) for each in found for base in bases), MAX_ALTERNATIVES))
        yield from bases

    def list_named_alternatives(
        self, node: SchemaMapping, parts: list[SchemaMapping], depth: int, flat: bool
    ) -> Iterator[dict[str, Any]]:
        """What the alternatives of a schema ask for, with what its discriminator asks for of each."""
        for part in parts:
            names = self.list_names(node, part)
            for each in islice(self.list_alternatives(part, depth + 1, flat), MAX_ALTERNATIVES):
                yield from (self.merge(each, name) for name in names)

    def list_told_apart_alternatives(
        self, parts: list[SchemaMapping], depth: int, flat: bool
    ) -> Iterator[dict[str, Any]]:
        """What the alternatives of a `oneOf` ask for, with a property that another one does not accept."""
        for part in parts:
            for other in parts:
                properties = {} if other is part else self.references.follow(other)[0].get("properties", {})
                for name, schema in islice(properties.items(), 1):
                    wrong = 1 if schema.get("type") == "string" else WORDS[0]
                    apart = {"properties": {name: {"enum": [wrong]}}, "required": [name]}
                    yield from (self.merge(each, apart) for each in self.list_alternatives(part, depth + 1, flat))

    def merge(self, one: SchemaMapping, other: SchemaMapping) -> dict[str, Any]:
        self.spend(1 + (len(one.get("properties", ())) + len(other.get("properties", ()))) // 10)
        return merge_schemas(one, other)

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
            try:
                yield from self.list_numbers(node, kind == "integer")
            except ArithmeticError:
                # The bounds, or the steps, are beyond what numbers can be.
                yield from ()
        else:
            yield self.random.random() < 0.5
            yield from (True, False)
        if node.get("nullable") is True:
            yield None

    def list_objects(self, node: SchemaMapping, depth: int, opened: frozenset[str]) -> Iterator[dict[str, Any]]:
        for full in (True, False) if depth < self.full_depth else (False,):
            try:
                yield self.make_object(node, depth, opened, full)
            except NoValueError:
                continue

    def make_object(self, node: SchemaMapping, depth: int, opened: frozenset[str], full: bool) -> dict[str, Any]:
        properties: Mapping[str, Any] = node.get("properties", {})
        others = node.get("additionalProperties", True)
        required = [name for name in node.get("required", ()) if isinstance(name, str)]
        value: dict[str, Any] = {}
        self.spend(node.get("minProperties", 0), sum(map(len, required)))
        for name, schema in properties.items():
            if name in required:
                value[name] = self.make(schema, depth + 1, opened)
            elif full and opened.isdisjoint(self.references.find(schema)):
                try:
                    value[name] = self.make(schema, depth + 1, opened)
                except NoValueError:
                    continue
        names = [name for name in required if name not in value]
        if full and not properties and isinstance(others, Mapping) and opened.isdisjoint(self.references.find(others)):
            names += [self.random.choice(WORDS)]
        names += [f"{word}{number}" for number in range(node.get("minProperties", 0)) for word in WORDS[:1]]
        fewest = max(len(value) + len(set(required) - value.keys()), node.get("minProperties", 0))
        for name in names:
            if name in value or (name not in required and len(value) >= max(fewest, 1)):
                continue
            value[name] = self.make(others, depth + 1, opened) if isinstance(others, Mapping) else name
            self.spend(size=2 * len(name))
        most = node.get("maxProperties", len(value))
        for name in [name for name in reversed(value) if name not in required][: max(0, len(value) - most)]:
            del value[name]
        return value

    def list_arrays(self, node: SchemaMapping, depth: int, opened: frozenset[str]) -> Iterator[list[Any]]:
        items, least = node.get("items", {}), node.get("minItems", 0)
        wanted = least if self.thrift else min(max(least, 1), node.get("maxItems", max(least, 1)))
        if wanted > self.steps_left:
            raise _OutOfBudgetError
        value: list[Any] = []
        unique = node.get("uniqueItems") is True
        if least or opened.isdisjoint(self.references.find(items)):
            thrift, spread = self.thrift, self.spread
            known: set[bytes] = set()
            try:
                if unique:
                    self.spread = max(1000, 4 * wanted)
                for _ in range(wanted * 20 if unique else wanted):
                    item = self.make(items, depth + 1, opened)
                    if unique:
                        spelled = msgspec.json.encode(item, order="sorted")
                        # Of an example there is but one.
                        self.thrift = thrift or spelled in known
                        if spelled in known:
                            continue
                        known.add(spelled)
                    value.append(item)
                    if len(value) >= wanted:
                        break
            except NoValueError:
                value = []
            finally:
                self.thrift, self.spread = thrift, spread
        if len(value) >= least:
            yield value
        if least == 0:
            yield []

    def list_texts(self, node: SchemaMapping) -> Iterator[str]:
        least = node.get("minLength", 0)
        most = node.get("maxLength", max(least, 1000))
        if least > self.size_left:
            raise _OutOfBudgetError
        for text in self.list_longer_texts(node, least, most):
            self.spend(size=len(text) + 2)
            yield text

    def list_longer_texts(self, node: SchemaMapping, least: int, most: int) -> Iterator[str]:
        if isinstance(node.get("pattern"), str):
            yield from text_of_pattern(node["pattern"], least, most, self.random, self.spend)
        form = FORMATS.get(str(node.get("format")))
        if form is not None:
            yield form(self.random)
        for _ in range(3):
            words = [self.random.choice(WORDS)]
            length = len(words[0])
            while length < least:
                words.append(self.random.choice(WORDS))
                length += 1 + len(words[-1])
            text = "-".join(words)[:most]
            yield text if len(text) >= least else text.ljust(least, "x")
        yield "x" * least
        if "pattern" in node and "format" not in node:
            yield from ("0" * max(least, 1), "")

    def list_numbers(self, node: SchemaMapping, whole: bool) -> Iterator[int | float]:
        step = node.get("multipleOf", 1 if whole else None)
        least, most = node.get("minimum"), node.get("maximum")
        low = least if least is not None else min(1, most) if most is not None else 1
        high = min(most if most is not None else low + self.spread, low + self.spread)
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
