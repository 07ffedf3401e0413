"""Plans: the operations of an OpenAPI document, each compiled once. Never knows Cloud Foundry.

They are values, which can be written to a file. What a request violates is data (`Violation`); the code that answers
the request finds the words for it.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any

import jsonschema_rs
import msgspec

from mockfoundry.contract.large_values import find_first_reasons, is_large, take_head
from mockfoundry.contract.schemas import Definitions, build_json_schema, inline_references


class Violation(msgspec.Struct, frozen=True):
    """One thing the contract does not allow.

    Attributes:
        place: `body`, `query`, `path` or `header`.
        pointer: where in that place, as a JSON pointer (`/health_check/data/timeout`), or `""` for the whole.
        keyword: the schema keyword that did not hold (`minimum`, `type`, `additionalProperties`, `required`, …), or
            MORE for the last one of many, whose limit is the number of those that are not listed.
        value: what was found there.
        limit: what the keyword asks for: a bound, the allowed types, or the names that were unexpected.
        allowed: the names that would have been expected, where the keyword is additionalProperties.
    """

    place: str
    pointer: str
    keyword: str
    value: Any
    limit: Any
    allowed: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.keyword == MORE:
            return f"and {self.limit} more"
        limit = "" if self.limit is None else f" {shorten_value(self.limit)}"
        return f"{self.place} {self.pointer or '/'} {self.keyword}{limit}"

    def describe(self) -> str:
        """The violation in a line for someone who reads the contract: `body /instances: "5" is not an integer`."""
        if self.keyword == MORE:
            return str(self)
        found = shorten_value(value_to_json(take_head(self.value)))
        if self.keyword == "type":
            allowed = self.limit if isinstance(self.limit, list) else [self.limit]
            wanted = " or ".join(f"an {name}" if name[0] in "aio" else f"a {name}" for name in sorted(allowed))
            return f"{self.place} {self.pointer or '/'}: {found} is not {wanted}"
        limit = "" if self.limit is None else f" {shorten_value(self.limit)}"
        return f"{self.place} {self.pointer or '/'}: {found} breaks {self.keyword}{limit}"


MORE = "more"
MAX_VIOLATIONS = 20
"""How many violations of one schema are listed."""


class Schema:
    """A schema of the contract, compiled when it is first asked: `accepts` answers yes or no quickly, `violations`
    lists the reasons.

    Args:
        raw: as the contract has it, with references.
        definitions: what references lead to, by their text; it may be filled later.
    """

    def __init__(self, raw: Mapping[str, Any], definitions: Definitions = MappingProxyType({})) -> None:
        self.raw = raw
        self.definitions = definitions
        self.made_values: dict[str, Any] = {}

    @cached_property
    def source(self) -> Mapping[str, Any]:
        """Without references, but for those that lead back into themselves."""
        return inline_references(self.raw, self.definitions)

    @cached_property
    def document(self) -> dict[str, Any]:
        """As JSON Schema."""
        return build_json_schema(self.source, self.definitions)

    @cached_property
    def validator(self) -> jsonschema_rs.Draft4Validator:
        return jsonschema_rs.Draft4Validator(self.document)

    @cached_property
    def accepts(self) -> Callable[[Any], bool]:
        """Whether a value fits."""
        return self.validator.is_valid

    def violations(self, value: Any, place: str = "body") -> tuple[Violation, ...]:
        """The first reasons why `value` does not fit, in the order of the schema's own keys, and how many more."""
        if is_large(value):
            return self._violations_of_large(value, place)
        found = tuple(self._violation(error, value, place) for error in self.validator.iter_errors(value))
        more = len(found) - MAX_VIOLATIONS
        return (*found[:MAX_VIOLATIONS], Violation(place, "", MORE, None, str(more))) if more > 0 else found

    def _violations_of_large(self, value: Any, place: str) -> tuple[Violation, ...]:
        reasons, more = find_first_reasons(self.document, value, MAX_VIOLATIONS)
        first = tuple(
            Violation(place, format_pointer(path), keyword, found, limit, allowed)
            for path, keyword, found, limit, allowed in reasons
        )
        return (*first, Violation(place, "", MORE, None, more)) if more else first

    def _violation(self, error: jsonschema_rs.ValidationError, value: Any, place: str) -> Violation:
        path = name_steps(value, error.instance_path, error.instance)
        keyword = next((str(step) for step in reversed(list(error.schema_path)) if isinstance(step, str)), "schema")
        if keyword == "required":
            keyword, limit = "required", error.kind.as_dict().get("property")
        else:
            limit = extract_limit(error.kind.as_dict())
        allowed = self._list_properties(error.schema_path) if keyword == "additionalProperties" else ()
        return Violation(place, format_pointer(path), keyword, value_at_path(value, path), limit, allowed)

    def _list_properties(self, schema_path: Sequence[str | int]) -> tuple[str, ...]:
        """The properties beside a keyword; none if a reference leads to it."""
        try:
            beside = value_at_path(self.document, schema_path[:-1])
        except (LookupError, TypeError):
            return ()
        return tuple(beside.get("properties", ()))


def format_pointer(path: Sequence[str | int]) -> str:
    """A path as a JSON pointer."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def extract_limit(kind: Mapping[str, Any]) -> Any:
    """The one value a keyword's error carries: a bound, types, options, names or a pattern.

    None where that is what each of several schemas found.
    """
    return None if "context" in kind else next(iter(kind.values()), None)


def value_at_path(value: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        value = value[step]
    return value


def name_steps(value: Any, path: Sequence[str | int], found: Any = None) -> list[str | int]:
    """A path into a value, each property by its name: the validator gives one that is spelled as a number as that.

    Args:
        found: what is at the end of the path, where that is known: of several spellings it tells the one that is meant.
    """
    steps: list[str | int] = []
    for depth, given in enumerate(path, 1):
        step = given
        if isinstance(step, int) and isinstance(value, Mapping):
            number = str(given)
            spelled = [name for name in value if name and (name.removeprefix("+").lstrip("0") or "0") == number]
            spelled.sort(key=lambda name: name != number)
            meant = [name for name in spelled if depth == len(path) and same_json(value[name], found)]
            step = (meant or spelled)[0]
        steps.append(step)
        value = value[step]
    return steps


def same_json(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def shorten_value(value: Any, longest: int = 80) -> str:
    """A value in a line, cut where it is long: for headers, logs and error texts."""
    text = value if isinstance(value, str) else value_to_json(take_head(value, longest))
    if len(text) <= longest and text.isascii() and text.isprintable():
        return text
    shown = "".join(sign if " " <= sign < "\x7f" else "?" for sign in text[:longest])
    return shown if len(text) <= longest else shown[:-1] + "…"


def value_to_json(value: Any) -> str:
    """A value as its JSON."""
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, UnicodeError, RecursionError):
        return repr(value)


class ContractError(Exception):
    """The contract can't be used; the text says where and why."""


class Parameter(msgspec.Struct, frozen=True):
    """One declared parameter.

    Attributes:
        place: `path`, `query` or `header`.
        kind: the schema's type; of an array, that of its items is `items_kind`.
        comma_separated: an array whose values come in one parameter, joined by commas.
        default: the value where it is not given, None where the contract has none.
    """

    name: str
    place: str
    required: bool
    kind: str
    items_kind: str
    comma_separated: bool
    schema: Schema
    default: Any = None

    def read(self, values: list[str]) -> Any:
        """The parameter's value as its type, or as the text it came in where that can't be."""
        if self.kind == "array":
            parts = [part for value in values for part in value.split(",")] if self.comma_separated else values
            return [parse_parameter_text(part, self.items_kind) for part in parts]
        return parse_parameter_text(values[-1], self.kind)

    def violations(self, values: list[str] | None) -> tuple[Violation, ...]:
        if values is None:
            return (Violation(self.place, "/" + self.name, "required", None, self.name),) if self.required else ()
        value = self.read(values)
        if self.schema.accepts(value):
            return ()
        found = self.schema.violations(value, self.place)
        return tuple(
            Violation(each.place, f"/{self.name}{each.pointer}", each.keyword, each.value, each.limit) for each in found
        )


def parse_parameter_text(text: str, kind: str) -> Any:
    """A parameter's text as the type that the contract gives it; the text itself if it is not of that type."""
    reader, form = _READERS.get(kind), _FORMS.get(kind)
    if reader is None or (form is not None and form.fullmatch(text) is None):
        return text
    try:
        return reader(text)
    except (ValueError, KeyError):
        return text


def parse_finite_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is beyond every number")
    return number


# Python reads digits of every script, with `_` between them, and numbers that are none.
_FORMS = {
    "integer": re.compile(r"[+-]?[0-9]+"),
    "number": re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?"),
}
_READERS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "number": parse_finite_float,
    "boolean": lambda text: {"true": True, "false": False}[text.lower()],
}


class DocumentedResponse(msgspec.Struct, frozen=True):
    """What the contract says of one status of one operation.

    Attributes:
        status: of a range (`4XX`) the lowest; 0 of the default.
        examples: by name, each the whole body as a value.
        broken_examples: the names of those that break the schema.
        media_types: as documented, the usual one first; empty if there is no body.
        body: the schema of the body, None if there is none.
        headers: the names of the documented headers.
    """

    status: int
    description: str
    media_types: tuple[str, ...]
    examples: Mapping[str, Any]
    body: Schema | None
    headers: tuple[str, ...]
    broken_examples: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """One operation of the contract, ready to run.

    Attributes:
        operation: the operationId.
        method: upper case.
        path: the template, with the contract's base path.
        segments: of the path, each literal text, None for a parameter, or text and parameters (`{base}...{head}`).
        path_names: the path parameters in order.
        writes: whether the method changes something.
        secured: whether the contract asks for a token.
        body: the schema of the request body (of its JSON where it has several media types), None where the operation
            takes none.
        bodies: the schema of the request body by media type, in the order of the document.
        responses: by status.
        response_ranges: of the statuses of a hundred that are not listed (`4XX`), by its first digit.
        default_response: of every status that is not listed, None where the document has none.
        success_status: the lowest documented 2xx status; else the lowest that is documented, whatever it is.
        reads_headers: whether header parameters are declared.
        requires_query: whether a query parameter must be given.
        error_envelope: the form of its errors, a name that only who answers knows (`x-error-envelope`); empty for the
            usual one.
        needs_naming: whether only scenario rules that name it, or any operation, are about it (`x-needs-naming`).
    """

    operation: str
    method: str
    path: str
    segments: tuple[str | None, ...]
    path_names: tuple[str, ...]
    summary: str
    writes: bool
    secured: bool
    parameters: tuple[Parameter, ...]
    body: Schema | None
    bodies: Mapping[str, Schema]
    body_required: bool
    responses: Mapping[int, DocumentedResponse]
    response_ranges: Mapping[int, DocumentedResponse]
    default_response: DocumentedResponse | None
    success_status: int
    reads_headers: bool
    requires_query: bool
    error_envelope: str = ""
    needs_naming: bool = False

    @property
    def pattern(self) -> "RoutePattern":
        """What of it the route table needs."""
        return RoutePattern(self.operation, self.method, self.path, self.segments, self.path_names, self.needs_naming)

    def find_response(self, status: int) -> DocumentedResponse | None:
        """What the contract says of a status: for itself, in a range, or by default; None if nothing."""
        found = self.responses.get(status) or self.response_ranges.get(status // 100) or self.default_response
        return found if found is None or found.status == status else msgspec.structs.replace(found, status=status)

    def path_violations(self, path: Mapping[str, str]) -> tuple[Violation, ...]:
        """What the contract does not allow of the path parameters."""
        found: list[Violation] = []
        for parameter in self.parameters:
            if parameter.place == "path":
                found.extend(parameter.violations([path[parameter.name]]))
        return tuple(found)

    def query_violations(self, query: Mapping[str, list[str]]) -> tuple[Violation, ...]:
        """What the contract does not allow of the query; undeclared parameters among it."""
        declared = [each for each in self.parameters if each.place == "query"]
        unknown = [name for name in query if name not in {each.name for each in declared}]
        found = [Violation("query", "", "additionalProperties", dict(query), unknown)] if unknown else []
        for parameter in declared:
            found.extend(parameter.violations(query.get(parameter.name)))
        return tuple(found)

    def header_violations(self, headers: Mapping[bytes, bytes]) -> tuple[Violation, ...]:
        """What the contract does not allow of the headers; names in lower case."""
        found: list[Violation] = []
        for parameter in self.parameters:
            if parameter.place == "header":
                raw = headers.get(parameter.name.lower().encode())
                found.extend(parameter.violations(None if raw is None else [raw.decode("latin-1")]))
        return tuple(found)

    def body_violations(self, body: Any) -> tuple[Violation, ...]:
        """What the contract does not allow of a body; a body is always given here."""
        if self.body is None or self.body.accepts(body):
            return ()
        return self.body.violations(body)

    def read_path(self, path: Mapping[str, str]) -> dict[str, Any]:
        """The path parameters as their types; to be called where they have no violations."""
        return {each.name: each.read([path[each.name]]) for each in self.parameters if each.place == "path"}

    def read_query(self, query: Mapping[str, list[str]]) -> dict[str, Any]:
        """The declared query parameters as their types; for one that is not given its default."""
        return {
            each.name: each.read(query[each.name]) if each.name in query else each.default
            for each in self.parameters
            if each.place == "query"
        }

    def example(self, name: str) -> tuple[DocumentedResponse, Any] | None:
        """The documented example of that name, the lowest status first; None if there is none."""
        for status in sorted(self.responses):
            documented = self.responses[status]
            if name in documented.examples:
                return documented, documented.examples[name]
        return None


class RoutePattern(msgspec.Struct, frozen=True, array_like=True):
    """Where an operation is found: what of its plan is needed before any request has come. As the plan has them."""

    operation: str
    method: str
    path: str
    segments: tuple[str | None, ...]
    path_names: tuple[str, ...]
    needs_naming: bool


class PlanTable(Mapping[str, Plan]):
    """Plans by operationId, each read when it is first asked for: a client calls few of the operations that are served.

    Args:
        entries: the plans, or what reads them.
    """

    def __init__(self, entries: Mapping[str, Plan | Callable[[], Plan]]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, operation: str) -> Plan:
        entry = self._entries[operation]
        if not isinstance(entry, Plan):
            entry = self._entries[operation] = entry()
        return entry

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def join(self, other: "PlanTable") -> "PlanTable":
        """The plans of two tables, which have no operationId in common."""
        return PlanTable({**self._entries, **other._entries})
