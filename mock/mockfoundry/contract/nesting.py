"""How deep the values of schemas nest that refer to each other, and what a reference leads to. Never makes a value."""

from math import inf

from mockfoundry.contract.schemas import (
    Definitions,
    SchemaMapping,
    find_references,
    follow_reference,
    guess_type,
    reference_of,
)

MAX_DEPTH = 40
"""How deep a value nests at most."""

MAX_MEASURED = 50_000
"""How many schemas are looked at to know how deep values nest; where there are more, it is not known."""


class NoValueError(Exception):
    """No value was found that a schema accepts."""


class ReferencedSchemas:
    """A schema and all that it refers to.

    What is remembered by the identity of a schema has that schema beside it, so that it is not another one's later.
    """

    def __init__(self, root: SchemaMapping, definitions: Definitions) -> None:
        self._definitions = definitions
        self._followed: dict[int, tuple[SchemaMapping, SchemaMapping, frozenset[str]]] = {}
        self._found: dict[int, tuple[SchemaMapping, set[str]]] = {}
        self._heights: dict[str, float] = {}
        self._measured = 0
        self._measure_heights(root)

    def _measure_heights(self, root: SchemaMapping) -> None:
        """Finds how deep a value of each schema that is referred to nests at least; endless is infinite."""
        reached = dict.fromkeys(sorted(self.find(root)), inf)
        waiting = list(reached)
        while waiting:
            for name in sorted(self.find(self._definitions[waiting.pop()]) - reached.keys()):
                reached[name] = inf
                waiting.append(name)
        self._heights = reached
        for _ in range(MAX_DEPTH + 1):
            before = dict(self._heights)
            for name in before:
                self._heights[name] = self.measure_height(self._definitions[name])
                if self._measured > MAX_MEASURED:
                    self._heights = {}
                    return
            if self._heights == before:
                return

    def measure_height(self, node: SchemaMapping) -> float:
        """How deep a value of a schema nests at least, as far as is known."""
        self._measured += 1
        reference = reference_of(node)
        if reference is not None:
            return self._heights.get(reference, 0)
        if node.get("nullable") is True or isinstance(node.get("enum"), list):
            return 0
        heights = [self.measure_height(part) for part in node.get("allOf", ())]
        heights += [min(map(self.measure_height, node[key])) for key in ("oneOf", "anyOf") if node.get(key)]
        kind, properties = node.get("type") or guess_type(node), node.get("properties", {})
        inside: list[SchemaMapping] = []
        if kind == "object":
            inside = [properties[name] for name in node.get("required", ()) if name in properties]
        elif kind == "array" and node.get("minItems", 0) > 0:
            inside = [node.get("items", {})]
        height = max([0, *heights, *(1 + self.measure_height(each) for each in inside)])
        # What has no type accepts what is no object, too.
        return height if "type" in node or height < inf or heights else MAX_DEPTH

    def follow(self, node: SchemaMapping) -> tuple[SchemaMapping, frozenset[str]]:
        """What a schema means, and the references that lead to it.

        Raises:
            NoValueError: a value of it would have no end.
        """
        if id(node) not in self._followed:
            target = node if reference_of(node) is None else follow_reference(node, self._definitions)
            self._followed[id(node)] = node, target, self._list_chain(node)
        _, target, references = self._followed[id(node)]
        if any(self._heights.get(name) == inf for name in references):
            raise NoValueError
        return target, references

    def _list_chain(self, node: SchemaMapping) -> frozenset[str]:
        passed = []
        reference = reference_of(node)
        while reference is not None and reference not in passed:
            passed.append(reference)
            reference = reference_of(self._definitions[reference])
        return frozenset(passed)

    def find(self, node: SchemaMapping) -> set[str]:
        """The references that stand in a schema."""
        if id(node) not in self._found:
            self._found[id(node)] = node, find_references(node)
        return self._found[id(node)][1]
