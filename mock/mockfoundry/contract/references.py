"""References of a contract: each one found, bounded to the contract's own folder, and resolved. Never fetches.

An OpenAPI document says where a reference may stand. What only looks like one (in an example, a default) is data.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from mockfoundry.contract.files import MAX_CONTRACT_BYTES, compute_digest, read_contract_text
from mockfoundry.contract.plan import ContractError, shorten_value
from mockfoundry.contract.read import parse_contract_text
from mockfoundry.contract.schemas import escape_pointer_step

BUNDLED_FILES_KEY = "x-mockfoundry-files"
"""Where a bundled document holds the files that it refers to, by their paths in the contract's folder."""

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# Of each object of OpenAPI 3.0: what stands under its keys, alone, in a list or in a mapping. `*` is every key.
_PARTS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "document": {"paths": ("map", "path item"), "components": ("one", "components")},
    "components": {
        "schemas": ("map", "schema"),
        "responses": ("map", "response"),
        "parameters": ("map", "parameter"),
        "examples": ("map", "example"),
        "requestBodies": ("map", "request body"),
        "headers": ("map", "parameter"),
        "securitySchemes": ("map", "security scheme"),
        "links": ("map", "link"),
        "callbacks": ("map", "callback"),
    },
    "path item": {"parameters": ("list", "parameter"), **dict.fromkeys(METHODS, ("one", "operation"))},
    "operation": {
        "parameters": ("list", "parameter"),
        "requestBody": ("one", "request body"),
        "responses": ("map", "response"),
        "callbacks": ("map", "callback"),
    },
    "callback": {"*": ("one", "path item")},
    "parameter": {"schema": ("one", "schema"), "content": ("map", "media type"), "examples": ("map", "example")},
    "request body": {"content": ("map", "media type")},
    "response": {"headers": ("map", "parameter"), "content": ("map", "media type"), "links": ("map", "link")},
    "media type": {"schema": ("one", "schema"), "examples": ("map", "example"), "encoding": ("map", "encoding")},
    "encoding": {"headers": ("map", "parameter")},
    "schema": {
        "properties": ("map", "schema"),
        "allOf": ("list", "schema"),
        "anyOf": ("list", "schema"),
        "oneOf": ("list", "schema"),
        "items": ("one", "schema"),
        "not": ("one", "schema"),
        "additionalProperties": ("one", "schema"),
    },
    "example": {},
    "link": {},
    "security scheme": {},
}


def iterate_parts(node: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Any, str]]:
    """What stands directly in an object of OpenAPI: where, what, and of which kind."""
    parts = _PARTS[kind]
    if "*" in parts:
        parts = {key: parts["*"] for key in node if not key.startswith("x-") and key != "$ref"}
    for key, (form, inside) in parts.items():
        value = node.get(key)
        if form == "one":
            yield key, value, inside
        elif form == "map" and isinstance(value, Mapping):
            yield from ((f"{key}/{name}", each, inside) for name, each in value.items() if not is_extension(name, kind))
        elif form == "list" and isinstance(value, list):
            yield from ((f"{key}/{number}", each, inside) for number, each in enumerate(value))


def is_extension(name: str, kind: str) -> bool:
    """Whether a name in `paths` or `responses` is one of the document's own extensions."""
    return name.startswith("x-") and kind in ("document", "operation")


class Bundle(NamedTuple):
    """A contract as one document.

    Attributes:
        document: every reference in it begins with `#`; the files that it refers to stand at `x-mockfoundry-files`.
        files: the digest of each of these files, by its path in the contract's folder.
        targets: what each reference leads to, by its text.
    """

    document: dict[str, Any]
    files: dict[str, str]
    targets: dict[str, Any]


def bundle_document(source: Path, document: dict[str, Any]) -> Bundle:
    """A document with everything that it refers to. The document is changed.

    Raises:
        ContractError: a reference leads out of the contract's folder, to nothing, or back to itself.
    """
    bundler = _Bundler(source, document)
    bundler.visit(document, "document", "")
    for reference in bundler.targets:
        bundler.must_end(reference)
    return Bundle(document, bundler.digests, bundler.targets)


class _Bundler:
    """The files of a contract, read one by one as references name them."""

    def __init__(self, source: Path, document: dict[str, Any]) -> None:
        self.source = source
        self.folder = source.parent.resolve()
        self.documents: dict[str, Any] = {"": document}
        self.digests: dict[str, str] = {}
        self.targets: dict[str, Any] = {}
        self.left = MAX_CONTRACT_BYTES
        self.document = document

    def visit(self, node: Any, kind: str, file: str) -> None:
        """Rewrites the references in an object of OpenAPI, and in what they lead to."""
        seen: set[int] = set()
        waiting = [(node, kind, file, "")]
        while waiting:
            node, kind, file, place = waiting.pop()
            if not isinstance(node, dict) or id(node) in seen:
                continue
            seen.add(id(node))
            reference = node.get("$ref")
            if isinstance(reference, str):
                other, steps = self.locate(reference, file, place)
                node["$ref"] = render_reference(other, steps)
                target = self.find(other, steps, reference, file, place)
                self.targets[node["$ref"]] = target
                waiting.append((target, kind, other, "/" + "/".join(steps)))
            waiting += ((each, inside, file, f"{place}/{key}") for key, each, inside in iterate_parts(node, kind))

    def locate(self, reference: str, file: str, place: str) -> tuple[str, list[str]]:
        """The file that a reference names, and the steps in it. Files are read here."""
        address, _, fragment = reference.partition("#")
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            raise self.error(reference, file, place, "names no place; write a JSON pointer behind the #, as in #/Thing")
        steps = [step.replace("~1", "/").replace("~0", "~") for step in fragment.split("/")[1:]]
        if not address:
            return file, steps
        path = unquote(address)
        if _OUTSIDE.match(path):
            raise self.error(reference, file, place, _STAY_INSIDE)
        try:
            target = (self.folder / file).parent.joinpath(path) if file else self.folder / path
            target = target.resolve()
            inside = target.is_relative_to(self.folder)
        except (OSError, ValueError, RuntimeError):
            raise self.error(reference, file, place, "is not a path of a file") from None
        if not inside:
            raise self.error(reference, file, place, _STAY_INSIDE)
        if target == self.source.resolve():
            return "", steps
        name = target.relative_to(self.folder).as_posix()
        if name not in self.documents:
            if not self.digests and BUNDLED_FILES_KEY in self.document:
                raise ContractError(
                    f"{self.source}: at /{BUNDLED_FILES_KEY}: the files that it refers to are put there; "
                    "give what stands there another name"
                )
            if not target.is_file():
                raise self.error(reference, file, place, "there is no such file")
            text = read_contract_text(target, self.left)
            self.left -= len(text.encode())
            self.digests[name] = compute_digest(text)
            self.documents[name] = parse_contract_text(text, str(target))
            self.document.setdefault(BUNDLED_FILES_KEY, {})[name] = self.documents[name]
        return name, steps

    def find(self, file: str, steps: list[str], reference: str, by: str, place: str) -> Any:
        node = self.documents[file]
        for step in steps:
            if isinstance(node, dict) and step in node:
                node = node[step]
            elif isinstance(node, list) and step.isascii() and step.isdigit() and int(step[:9]) < len(node):
                node = node[int(step[:9])]
            else:
                raise self.error(reference, by, place, f"leads nowhere; there is no {shorten_value(step)!r}")
        if not isinstance(node, dict):
            raise self.error(reference, by, place, "leads to a single value; a mapping can be referred to")
        return node

    def must_end(self, reference: str) -> None:
        """Raises ContractError where a reference leads to a reference, and so on without an end."""
        passed = {reference}
        following = self.targets[reference].get("$ref")
        while isinstance(following, str) and following in self.targets:
            if following in passed:
                raise ContractError(f"{self.source}: $ref {shorten_value(reference)!r} leads back to itself alone")
            passed.add(following)
            following = self.targets[following].get("$ref")

    def error(self, reference: str, file: str, place: str, reason: str) -> ContractError:
        where = self.folder / file if file else self.source
        return ContractError(f"{where}: at {place or '/'}: $ref {shorten_value(reference)!r}: {reason}")


# A scheme, a host, or the root of a file system (of Windows too).
_OUTSIDE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|[/\\]")
_STAY_INSIDE = (
    "leads out of the contract's own folder, and references stay in there; copy the file into it, "
    "and name it by its relative path"
)


def render_reference(file: str, steps: list[str]) -> str:
    """The text of a reference in a bundled document."""
    steps = [BUNDLED_FILES_KEY, file, *steps] if file else steps
    return "#" + "".join("/" + escape_pointer_step(step) for step in steps)


def resolve_operations(bundle: Bundle) -> dict[str, Any]:
    """The document with paths alone, of which nothing but schemas refers to anything.

    A parameter of a path that an operation declares anew is left out for it.
    """
    document, targets = bundle.document, bundle.targets

    def resolve(node: Any, kind: str) -> Any:
        if not isinstance(node, Mapping):
            return node
        while isinstance(node.get("$ref"), str) and kind != "schema":
            beside = {key: value for key, value in node.items() if key != "$ref"}
            node = {**beside, **targets[node["$ref"]]}
        if kind == "schema":
            return node
        resolved = dict(node)
        for key, (form, inside) in _PARTS[kind].items():
            value = node.get(key)
            if key in ("callbacks", "encoding", "links"):
                resolved.pop(key, None)
            elif form == "one" and key in node:
                resolved[key] = resolve(value, inside)
            elif form == "map" and isinstance(value, Mapping):
                resolved[key] = {
                    name: resolve(each, inside) for name, each in value.items() if not is_extension(name, kind)
                }
            elif form == "list" and isinstance(value, list):
                resolved[key] = [resolve(each, inside) for each in value]
        return resolved

    paths = {}
    for path, item in document["paths"].items():
        if path.startswith("/"):
            resolved = resolve(item, "path item")
            shared = resolved.pop("parameters", [])
            for method in METHODS:
                if method in resolved:
                    own = resolved[method].get("parameters", [])
                    names = {(each["in"], each["name"]) for each in own}
                    others = [each for each in shared if (each["in"], each["name"]) not in names]
                    resolved[method] = {**resolved[method], "parameters": [*own, *others]}
            paths[path] = resolved
    return {
        **{key: document[key] for key in ("openapi", "info", "servers", "security") if key in document},
        "paths": paths,
        "components": {},
    }
