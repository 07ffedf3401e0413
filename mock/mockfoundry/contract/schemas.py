"""Schemas of the contract, compiled, and what a value does against them, as data. Never words it for people."""

from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema_rs
import msgspec


class Violation(msgspec.Struct, frozen=True):
    """One thing the contract does not allow.

    Attributes:
        place: `body`, `query`, `path` or `header`.
        pointer: where in that place, as a JSON pointer (`/health_check/data/timeout`), or `""` for the whole.
        keyword: the schema keyword that did not hold (`minimum`, `type`, `additionalProperties`, `required`, …).
        value: what was found there.
        limit: what the keyword asks for: a bound, the allowed types, or the names that were unexpected.
    """

    place: str
    pointer: str
    keyword: str
    value: Any
    limit: Any

    def __str__(self) -> str:
        return f"{self.place} {self.pointer or '/'} {self.keyword} {brief(self.limit)}"

    def told(self) -> str:
        """The violation in a line for someone who reads the contract: `body /instances: "5" is not an integer`."""
        found = brief(shown(self.value))
        if self.keyword == "type":
            allowed = self.limit if isinstance(self.limit, list) else [self.limit]
            wanted = " or ".join(f"an {name}" if name[0] in "aio" else f"a {name}" for name in sorted(allowed))
            return f"{self.place} {self.pointer or '/'}: {found} is not {wanted}"
        return f"{self.place} {self.pointer or '/'}: {found} breaks {self.keyword} {brief(self.limit)}"


class Schema:
    """A schema of the contract, compiled once: the quick yes or no, and the slow list of reasons."""

    __slots__ = ("accepts", "source", "validator")

    def __init__(self, source: Mapping[str, Any], components: Mapping[str, Any] | None = None) -> None:
        document = as_json_schema(source)
        if components:
            document = {**document, "components": as_json_schema(components)}
        self.source = source
        self.validator = jsonschema_rs.Draft4Validator(document)
        self.accepts = self.validator.is_valid

    def violations(self, value: Any, place: str = "body") -> tuple[Violation, ...]:
        """Every reason why `value` does not fit, in the order of the schema's own keys."""
        return tuple(self._violation(error, value, place) for error in self.validator.iter_errors(value))

    def _violation(self, error: jsonschema_rs.ValidationError, value: Any, place: str) -> Violation:
        path = list(error.instance_path)
        keyword = next((str(step) for step in reversed(list(error.schema_path)) if isinstance(step, str)), "schema")
        if keyword == "required":
            keyword, limit = "required", error.kind.as_dict().get("property")
        else:
            limit = limit_of(error.kind.as_dict())
        pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
        return Violation(place, pointer, keyword, found_at(value, path), limit)


def limit_of(kind: Mapping[str, Any]) -> Any:
    """The one value a keyword's error carries: a bound, types, options, names or a pattern."""
    return next(iter(kind.values()), None)


def found_at(value: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        value = value[step]
    return value


def as_json_schema(node: Any) -> Any:
    """An OpenAPI 3.0 schema as JSON Schema draft 4: `nullable` becomes a type and an enumerated value."""
    if isinstance(node, list):
        return [as_json_schema(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    schema = {key: as_json_schema(value) for key, value in node.items() if key not in _NOT_JSON_SCHEMA}
    if node.get("nullable") is True and isinstance(node.get("type"), str):
        schema["type"] = [node["type"], "null"]
        if isinstance(node.get("enum"), list) and None not in node["enum"]:
            schema["enum"] = [*node["enum"], None]
    return schema


# `nullable` is translated, `example` may hold anything, even a `$ref` that is none.
_NOT_JSON_SCHEMA = frozenset({"nullable", "example", "examples"})


def brief(value: Any, longest: int = 80) -> str:
    """A value in a line, cut where it is long: for headers, logs and error texts."""
    text = value if isinstance(value, str) else shown(value)
    text = "".join(sign if " " <= sign < "\x7f" else "?" for sign in text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def shown(value: Any) -> str:
    """A value as its JSON."""
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, UnicodeError, RecursionError):
        return repr(value)
