"""Names: each says what it stands for, and a class of the package has its name alone."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import mockfoundry

PACKAGE = Path(mockfoundry.__file__).parent

DRAWERS = {"utils", "util", "helpers", "manager", "managers", "common", "misc"}
"""Names of modules that could hold anything."""

BARE_PARTICIPLES = {
    *("told", "found", "met", "kept", "lent", "said", "shown", "begun", "counted", "listed", "refused", "held", "asked")
}
"""Names of functions that say neither what goes in nor what comes out."""


@cache
def modules() -> dict[str, ast.Module]:
    return {
        str(path.relative_to(PACKAGE)): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def nodes() -> Iterator[tuple[str, ast.AST]]:
    for module, tree in modules().items():
        for node in ast.walk(tree):
            yield module, node


@pytest.mark.long
def test_a_class_has_its_name_alone() -> None:
    places = defaultdict[str, list[str]](list)
    for module, node in nodes():
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            places[node.name].append(f"{module}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@pytest.mark.parametrize("module", [str(path.relative_to(PACKAGE)) for path in sorted(PACKAGE.rglob("*.py"))])
def test_a_module_begins_with_what_it_is_for(module: str) -> None:
    text = ast.get_docstring(modules()[module])
    assert text, f"{module} has no docstring"
    first, *rest = text.splitlines()
    assert first.endswith((".", ":")), f"{module}: its first line is no sentence"
    assert not rest or not rest[0], f"{module}: its first line goes on in the second; say it in one"


def test_no_module_is_a_drawer() -> None:
    parts = {part for module in modules() for part in Path(module).with_suffix("").parts}
    assert parts & DRAWERS == set()


def test_no_function_is_named_by_a_participle_alone() -> None:
    found = [
        f"{module}:{node.lineno} {node.name}"
        for module, node in nodes()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.lstrip("_") in BARE_PARTICIPLES
    ]
    assert found == []
