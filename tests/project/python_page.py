"""docs/python-api.md: the public names of the package with their signatures and docstrings. Imports nothing of it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).parents[2]

PYTHON_PAGE = ROOT / "docs" / "python-api.md"

MODULES = {
    "mockfoundry": "Servers, foundations, scenarios, and what they answer.",
    "mockfoundry.strategies": "Strategies of Hypothesis; they need the extra `hypothesis`.",
}
"""What is public, and what it is for."""

_HEAD = """\
# Python API

Every public name of the package, with its arguments, what it gives and what it raises.

[Testing from Python](python.md) shows how they are used. This page is made from the docstrings by `make documents`.
"""


def render_python_page() -> str:
    """The whole page."""
    package = griffe.load(
        "mockfoundry",
        search_paths=[ROOT / "mock"],
        docstring_parser="google",
        docstring_options={"warnings": False},  # it does not know that one line may be about two arguments
    )
    parts = [_HEAD]
    for module, about in MODULES.items():
        parts.append(f"## {module}\n\n{about}\n")
        inside = package if module == "mockfoundry" else package[module.removeprefix("mockfoundry.")]
        for name in list_public_names(ROOT / "mock" / module.replace(".", "/") / "__init__.py"):
            parts += render_object(resolve(inside.members[name]))
    return "\n".join(parts)


def list_public_names(file: Path) -> list[str]:
    """What `__all__` of a module names, classes and functions before constants."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names = [str(each) for each in ast.literal_eval(node.value)]
            return sorted((name for name in names if not name.startswith("_")), key=lambda name: (name.isupper(), name))
    raise LookupError(f"{file} has no __all__")


def resolve(found: griffe.Object | griffe.Alias) -> griffe.Object:
    """What a name stands for; where a module has the name of what it holds, that."""
    target = found.final_target if isinstance(found, griffe.Alias) else found
    return resolve(target.members[target.name]) if isinstance(target, griffe.Module) else target


def render_object(found: griffe.Object) -> Iterator[str]:
    """A class with its members, a function, or a constant."""
    if isinstance(found, griffe.Attribute):
        yield f"### {found.name}\n\n```python\n{found.name} = {found.value}\n```\n"
        yield from render_docstring(found)
        return
    yield f"### {found.name}\n\n```python\n{render_signature(found)}\n```\n"
    yield from render_docstring(found)
    if isinstance(found, griffe.Class):
        for member in iterate_members(found):
            yield f"#### {found.name}.{member.name}\n\n```python\n{render_signature(member)}\n```\n"
            yield from render_docstring(member)


def iterate_members(found: griffe.Class) -> Iterator[griffe.Object]:
    """The documented public methods and properties of a class, those of its bases too, in the order of the source."""
    for owner in (found, *found.mro()):
        for member in owner.members.values():
            here = owner is found or member.name not in found.members
            if here and not member.name.startswith("_") and not isinstance(member, griffe.Alias) and member.docstring:
                yield member


def render_signature(found: griffe.Object) -> str:
    if isinstance(found, griffe.Class):
        bases = ", ".join(str(base) for base in found.bases)
        return f"class {found.name}({bases})" if bases else f"class {found.name}"
    if isinstance(found, griffe.Function):
        return found.signature()
    assert isinstance(found, griffe.Attribute)
    return f"{found.name}: {found.annotation}"


def render_docstring(found: griffe.Object) -> Iterator[str]:
    """The text, and tables of what is given, held and raised."""
    if found.docstring is None:
        return
    for section in found.docstring.parsed:
        if isinstance(section, griffe.DocstringSectionText):
            yield f"{section.value}\n"
        elif isinstance(
            section,
            griffe.DocstringSectionParameters | griffe.DocstringSectionAttributes | griffe.DocstringSectionRaises,
        ):
            title = {"parameters": "argument", "attributes": "attribute", "raises": "raises"}[section.kind.value]
            yield f"| {title} | |\n|---|---|"
            for item in section.value:
                text = " ".join(item.description.split()).replace("|", "\\|")
                yield f"| `{name_item(item)}` | {text} |"
            yield ""
        elif isinstance(section, griffe.DocstringSectionReturns):
            yield f"Gives: {' '.join(' '.join(each.description.split()) for each in section.value)}\n"
        elif isinstance(section, griffe.DocstringSectionExamples):
            yield from ("```python", *(str(text) for _, text in section.value), "```", "")


def name_item(item: griffe.DocstringElement) -> str:
    """What a line of a docstring is about; one that is about two names is read as a name and its type."""
    name = getattr(item, "name", None)
    if name is None:
        return str(item.annotation).strip("()")
    return f"{name} {item.annotation}" if name.endswith(",") else str(name)
