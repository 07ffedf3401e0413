"""Reading a contract's text: YAML or JSON as JSON's values, bounded. Never follows a reference."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from mockfoundry.contract.plan import ContractError, shorten_value

MAX_CONTRACT_NODES = 5_000_000
"""How many values a file of a contract may hold, with each alias of YAML counted as what it stands for."""

MAX_CONTRACT_DEPTH = 200
"""How deep the mappings and lists of a contract may nest."""


class _JsonValuesLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Loads plain values, and dates as the text that they are in JSON. With libyaml ten times as fast."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def parse_contract_text(text: str, source: str) -> Any:
    """A text as JSON's values, of which no two share a part.

    Args:
        source: what errors begin with.

    Raises:
        ContractError: it is neither JSON nor YAML, holds what JSON has not, or is beyond a bound.
    """
    if text.lstrip().startswith("{"):
        try:
            return copy_json_values(msgspec.json.decode(text), source)
        except (msgspec.DecodeError, RecursionError):
            pass  # YAML can begin like this too, and says where it breaks
    loader = _JsonValuesLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        must_be_bounded(node, source)
        must_have_keys_once(node, source)
        return copy_json_values(loader.construct_document(node), source)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        raise ContractError(f"{place}: is not YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise ContractError(f"{source}: is not YAML: {error}") from error
    except RecursionError as error:
        raise too_deep(source) from error
    finally:
        loader.dispose()


def must_have_keys_once(root: yaml.Node, source: str) -> None:
    """Raises ContractError where a mapping has a key twice: the second would hide the first without a word."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            first: dict[str, int] = {}
            for key, value in node.value:
                waiting.append(value)
                if not isinstance(key, yaml.ScalarNode) or key.tag == MERGE_TAG:
                    continue
                line = key.start_mark.line + 1
                if key.value in first:
                    place = f"{source}:{line}:{key.start_mark.column + 1}: {shorten_value(key.value)!r}"
                    raise ContractError(f"{place} is there twice, first in line {first[key.value]}; join them")
                first[key.value] = line


MERGE_TAG = "tag:yaml.org,2002:merge"


def must_be_bounded(root: yaml.Node, source: str) -> None:
    """Raises ContractError where a document is beyond a bound once each alias is what it stands for."""
    sizes: dict[int, int] = {}

    def count(node: yaml.Node, depth: int) -> int:
        size = sizes.get(id(node))
        if size is None:
            if depth > MAX_CONTRACT_DEPTH:
                raise too_deep(source)
            # An alias of what it stands in has no end.
            sizes[id(node)] = MAX_CONTRACT_NODES
            inside = node.value if isinstance(node, yaml.CollectionNode) else ()
            children = (child for each in inside for child in (each if isinstance(each, tuple) else (each,)))
            size = sizes[id(node)] = 1 + sum(count(child, depth + 1) for child in children)
        return size

    if count(root, 0) > MAX_CONTRACT_NODES:
        raise ContractError(
            f"{source}: holds more than {MAX_CONTRACT_NODES} values, the most that is read, once its aliases are what "
            "they stand for; write a $ref where an alias is meant"
        )


def too_deep(source: str) -> ContractError:
    return ContractError(f"{source}: nests deeper than {MAX_CONTRACT_DEPTH} levels; name its parts, and refer to them")


def copy_json_values(value: Any, source: str) -> Any:
    """A copy with text for keys: YAML reads a status as a number.

    Raises:
        ContractError: it holds what JSON has not.
    """

    def copy(node: Any, depth: int) -> Any:
        if node is None or isinstance(node, str | bool):
            return node
        if depth > MAX_CONTRACT_DEPTH:
            raise too_deep(source)
        if isinstance(node, dict):
            return {str(key): copy(inside, depth + 1) for key, inside in node.items()}
        if isinstance(node, list):
            return [copy(item, depth + 1) for item in node]
        if isinstance(node, int):
            return node if -(1 << 63) <= node < 1 << 64 else copy(float(node), depth)
        if isinstance(node, float) and node - node == 0:
            return node
        raise ContractError(f"{source}: {str(node)[:80]!r} is no value of JSON; write it in quotes to mean text")

    try:
        return copy(value, 0)
    except (OverflowError, ValueError) as error:
        raise ContractError(f"{source}: holds a number that is too large; write it in quotes to mean text") from error


def parse_document(text: str, source: Path) -> dict[str, Any]:
    """The values of an OpenAPI 3.0 document.

    Raises:
        ContractError: the text is another document, or none.
    """
    document = parse_contract_text(text, str(source))
    version = document.get("openapi") if isinstance(document, Mapping) else None
    if not isinstance(document, dict) or not str(version).startswith("3.0."):
        found = "it has no `openapi:`" if version is None else f"its `openapi:` is {shorten_value(version)!r}"
        raise ContractError(f"{source}: must be an OpenAPI 3.0 document; {found}")
    return document
