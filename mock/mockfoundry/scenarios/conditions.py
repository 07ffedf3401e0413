"""Conditions: what `when:` asks of a request, compiled; with what was wanted and what came. Never picks a response."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import jsonschema_rs
import msgspec

from mockfoundry.contract.plan import shorten_value
from mockfoundry.documents.problems import did_you_mean

ABSENT = msgspec.UNSET
"""In place of a body that is missing or is not JSON."""


class MatchableRequest(Protocol):
    """The parts of a request that the engine reads; each may be computed on first use.

    Attributes:
        operation: the operationId, `""` where the route is unknown.
        needs_naming: whether only rules that name the operation, or any, are about it.
        path: the path parameters, decoded.
        headers: names in lower case.
        body: the decoded JSON, `ABSENT` where there is none.
        token: the bearer token or `""`.
        process: the process that the request is about, `""` where none.
        user: the name of the user, or of the client, whose token it has; `""` where none is accepted.
        process_facts: type, app, space and organization of the one process that it is about; empty where there is none.
    """

    @property
    def operation(self) -> str: ...
    @property
    def needs_naming(self) -> bool: ...
    @property
    def path(self) -> Mapping[str, str]: ...
    @property
    def query(self) -> Mapping[str, list[str]]: ...
    @property
    def headers(self) -> Mapping[bytes, bytes]: ...
    @property
    def body(self) -> Any: ...
    @property
    def token(self) -> str: ...
    @property
    def process(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def process_facts(self) -> Mapping[str, str]: ...


PLACES = ("path", "query", "headers", "body")
"""The parts of a request that conditions are about. Others are about its `user`, and about its `process`."""

SINGLE_TEXTS = ("path", "headers", "user", "process")
"""The places in which there is one text, or none."""


def is_about_one_process(template: str) -> bool:
    """Whether the operation of a path is about one process, which the path names by its guid, or by app and type.

    Args:
        template: the path, with names in place of parameters.
    """
    return "/processes/{" in template


# Keywords by the type that they are about; a condition that uses those of one type alone means a value of that type.
_ABOUT = {
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "string": ("minLength", "maxLength", "pattern"),
    "array": ("items", "prefixItems", "contains", "minContains", "maxContains", "minItems", "maxItems", "uniqueItems"),
    "object": (
        "properties",
        "required",
        "additionalProperties",
        "patternProperties",
        "propertyNames",
        "minProperties",
        "maxProperties",
        "dependentRequired",
    ),
}
_ANY_TYPE = ("type", "enum", "const", "not", "allOf", "anyOf", "oneOf", "if", "then", "else")
KEYWORDS = (*_ANY_TYPE, *(keyword for keywords in _ABOUT.values() for keyword in keywords))
"""The JSON Schema keywords a condition may use. `$ref` is not one of them: a condition reads only the request."""

ONE_SCHEMA = ("not", "if", "then", "else", "items", "contains", "additionalProperties", "propertyNames")
MANY_SCHEMAS = ("allOf", "anyOf", "oneOf", "prefixItems")
NAMED_SCHEMAS = ("properties", "patternProperties")

# Patterns run in time linear in the text: no condition can stall the server.
_PATTERNS = jsonschema_rs.RegexOptions()


class ConditionError(ValueError):
    """A condition that is not a JSON Schema; `path` leads to the place in it."""

    def __init__(self, path: tuple[str | int, ...], text: str) -> None:
        super().__init__(text)
        self.path = path


def check_condition(schema: Mapping[str, Any]) -> None:
    """Raises ConditionError where a schema can't be used as a condition."""
    check_keywords(schema, ())
    try:
        jsonschema_rs.Draft202012Validator(add_implied_type(schema), pattern_options=_PATTERNS)
    except (jsonschema_rs.ValidationError, ValueError) as error:
        path = tuple(getattr(error, "instance_path", ()))
        message = getattr(error, "message", None) or str(error).splitlines()[0]
        raise ConditionError(path, f"is not a JSON Schema: {shorten_value(message, 160)}") from None


def check_keywords(schema: Any, path: tuple[str | int, ...]) -> None:
    if not isinstance(schema, Mapping):
        return
    for keyword, value in schema.items():
        if keyword not in KEYWORDS:
            hint = did_you_mean(keyword, KEYWORDS) or "; to compare with a mapping as it stands, write {const: {…}}"
            raise ConditionError(
                (*path, keyword), f'uses "{shorten_value(keyword)}", which is not a keyword of conditions{hint}'
            )
        if keyword in ONE_SCHEMA:
            check_keywords(value, (*path, keyword))
        elif keyword in MANY_SCHEMAS and isinstance(value, list):
            for index, item in enumerate(value):
                check_keywords(item, (*path, keyword, index))
        elif keyword in NAMED_SCHEMAS and isinstance(value, Mapping):
            for name, item in value.items():
                check_keywords(item, (*path, keyword, name))


def add_implied_type(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with the type that its keywords are about: `{minimum: 2}` means a number, not also any text."""
    about = [kind for kind, keywords in _ABOUT.items() if any(keyword in schema for keyword in keywords)]
    implied = {"type": about[0]} if len(about) == 1 else {}
    return {**implied, **schema}


class Condition:
    """One condition of one rule.

    Attributes:
        place: `path`, `query`, `headers`, `body`, `user` or `process`.
        name: of the parameter, header (in lower case), field or fact; empty for the user.
        wanted: the plain value or the JSON Schema.
        keys: the only values that can fulfil it, for the index; None where they can't be listed.
    """

    __slots__ = ("_accepts", "_plain", "keys", "name", "place", "wanted")

    def __init__(self, place: str, name: str, wanted: Any) -> None:
        self.place = place
        self.name = name.lower() if place == "headers" else name
        self.wanted = wanted
        schema = add_implied_type(wanted) if isinstance(wanted, Mapping) else {"const": wanted}
        self._plain = place != "body" and (means_text(schema) if isinstance(wanted, Mapping) else True)
        if place != "body" and not isinstance(wanted, Mapping) and wanted is not None:
            schema = {"const": encode_parameter(wanted)}
        self._accepts = jsonschema_rs.Draft202012Validator(schema, pattern_options=_PATTERNS).is_valid
        self.keys = list_plain_keys(schema) if place == "body" or self._plain else None

    def holds(self, request: MatchableRequest) -> bool:
        return any(map(self.accepts, find_request_values(request, self.place, self.name)))

    def accepts(self, value: Any) -> bool:
        """Whether one value fulfils it; a parameter comes as its text, `None` where it was not sent."""
        if value is None and self.place != "body":
            return self.wanted is None
        if not self._plain and self.place != "body":
            value = decode_parameter(value)
        try:
            return bool(self._accepts(value))
        except (ValueError, TypeError, RecursionError):
            return False

    def got(self, request: MatchableRequest) -> Any:
        """What came in its place, to be shown."""
        values = find_request_values(request, self.place, self.name)
        if values == [None] and self.place in _MISSING:
            return _MISSING[self.place]
        return values[0] if len(values) == 1 else values or None


_MISSING = {"user": "none (no token that is accepted)", "process": "none (not about one process that exists)"}
"""What is said to have come where there is no user, and no process."""


def compile_conditions(wanted: Iterable[tuple[str, str, Any]]) -> tuple[Condition, ...]:
    """Conditions of places, names and what is wanted there."""
    return tuple(Condition(*each) for each in wanted)


def find_request_values(request: MatchableRequest, place: str, name: str) -> list[Any]:
    """The values that came in a place: none or one; several where a query parameter is repeated.

    A parameter or header that was not sent is `[None]`, and so is a user or a process that there is not. A field of the
    body that was not sent is `[]`.
    """
    if place == "path":
        return [request.path.get(name)]
    if place == "query":
        return list(request.query.get(name) or (None,))
    if place == "headers":
        value = request.headers.get(name.encode("latin-1", "replace"))
        return [None if value is None else value.decode("latin-1")]
    if place == "user":
        return [request.user or None]
    if place == "process":
        return [request.process_facts.get(name)]
    body = request.body
    return [body[name]] if isinstance(body, dict) and name in body else []


def encode_parameter(wanted: Any) -> str:
    """A plain value as it is written in a path, a query or a header; a list with commas between."""
    if isinstance(wanted, str):
        return wanted
    if isinstance(wanted, list):
        return ",".join(encode_parameter(item) for item in wanted)
    return msgspec.json.encode(wanted).decode()


def decode_parameter(text: str) -> Any:
    """A parameter's text as the number, true or false that it spells; else the text."""
    if len(text) > 24 or not text.startswith(_NUMBER_BEGINS):
        return text
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    return value if isinstance(value, int | float) else text


_NUMBER_BEGINS = ("-", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "true", "false")


def means_text(schema: Mapping[str, Any]) -> bool:
    """Whether a condition on a parameter is about its text, rather than about the number that the text spells."""
    kind = schema.get("type")
    if kind is not None:
        return bool(kind == "string")
    choices = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    return bool(choices) and all(isinstance(choice, str) for choice in choices)


def list_plain_keys(schema: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The values of a `const` or `enum`, where each can be looked up."""
    if "const" in schema:
        choices = [schema["const"]]
    elif isinstance(schema.get("enum"), list):
        choices = schema["enum"]
    else:
        return None
    return tuple(choices) if all(isinstance(each, str | int | float | None) for each in choices) else None
