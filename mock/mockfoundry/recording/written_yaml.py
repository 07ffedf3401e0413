"""YAML as people write it, with the values of some names hidden. Never judges a name.

The same can be written in many ways: over lines, with tags, escapes, anchors. So a value is found by a reader of YAML,
and replaced where that says that it stands. What comes of it is read again: if one is still in it, nothing is kept.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import yaml

from mockfoundry.journal.marks import digest_secret

MAX_YAML_DEPTH = 100
"""How deep lists and mappings may lie in one another."""

MAX_INDENT = 200
"""Characters before a value that are looked at."""

_HIDDEN = re.compile(r"\[?redacted [0-9a-f]{8}\]?")
# What is hidden already; without quotes it is a list to a reader of YAML.


class UnreadableError(ValueError):
    """A text is no YAML, or nests too deep."""


def hide_in_yaml(text: str, is_hidden: Callable[[str, Mapping[str, Any]], bool]) -> tuple[str, list[tuple[str, str]]]:
    """A text with the values of some names hidden, and these, with their names; all of it is where they can't be told.

    Args:
        is_hidden: whether the value of a name is, in a mapping of which it gets what is plain text.

    Raises:
        UnreadableError: it is no YAML.
    """
    text = text.removeprefix("\ufeff")
    found = find_hidden(text, is_hidden)
    if not found:
        return text, []
    parts: list[str] = []
    done = 0
    for start, end, secret, _ in found:
        if start >= done:
            whole = text[start:end]
            before = text[max(start - MAX_INDENT, 0) : start].rpartition("\n")[2]
            # A list may be no further to the right than its name; a text has to be.
            parts += (text[done:start], "" if before.strip() else "  ", f'"{digest_secret(secret)}"')
            parts.append("\n" if whole.endswith("\n") else "")
            done = end
    written = "".join((*parts, text[done:]))
    leaves = [leaf for _, _, _, inside in found for leaf in inside]
    with suppress(UnreadableError):
        if not find_hidden(written, is_hidden):
            return written, leaves
    return digest_secret(text), leaves


Found = tuple[int, int, str, list[tuple[str, str]]]
"""Where a hidden value begins and ends, what it is, and the texts in it, each with the nearest name."""


def find_hidden(text: str, is_hidden: Callable[[str, Mapping[str, Any]], bool]) -> list[Found]:
    """The hidden values of a text, in the order in which they begin."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        documents = list(yaml.compose_all(text, Loader=loader))
        return sorted(found for each in documents for found in iterate_hidden(each, text, is_hidden, set(), 0))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UnreadableError(str(error)) from None


def iterate_hidden(
    node: Any, text: str, is_hidden: Callable[[str, Mapping[str, Any]], bool], seen: set[int], depth: int
) -> Iterator[Found]:
    # An alias leads to what was gone through where it stands.
    if id(node) in seen:
        return
    seen.add(id(node))
    if depth > MAX_YAML_DEPTH:
        raise UnreadableError(f"it nests deeper than {MAX_YAML_DEPTH}")
    if isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from iterate_hidden(each, text, is_hidden, seen, depth + 1)
    elif isinstance(node, yaml.MappingNode):
        plain = {
            name.value: value.value
            for name, value in node.value
            if isinstance(name, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode)
        }
        for name, value in node.value:
            if isinstance(name, yaml.ScalarNode) and is_hidden(name.value, plain):
                leaves = list(iterate_texts(name.value, value, set()))
                if not all(_HIDDEN.fullmatch(leaf) for _, leaf in leaves):
                    yield locate(value, text, leaves)
            else:
                yield from iterate_hidden(name, text, is_hidden, seen, depth + 1)
                yield from iterate_hidden(value, text, is_hidden, seen, depth + 1)


def locate(node: Any, text: str, leaves: list[tuple[str, str]]) -> Found:
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, yaml.ScalarNode):
        return start, end, node.value, leaves
    # What nests by its indentation ends where the next name begins.
    end = start + len(text[start:end].rstrip())
    return start, end, text[start:end], leaves


def iterate_texts(name: str, node: Any, seen: set[int]) -> Iterator[tuple[str, str]]:
    """What people wrote in a value: no null, no true or false."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        if node.value and node.tag not in ("tag:yaml.org,2002:null", "tag:yaml.org,2002:bool"):
            yield name, node.value
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from iterate_texts(name, each, seen)
    else:
        for inner, value in node.value:
            yield from iterate_texts(str(inner.value), value, seen)
