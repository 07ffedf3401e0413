"""Compiling: connexion's operation objects of a contract made into plans. Never serves anything, never reads a file.

This is the one room of the contract that needs connexion; plans that were kept do not.
"""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from mockfoundry.contract.plan import ContractError, DocumentedResponse, Parameter, Plan, Schema, shorten_value

with warnings.catch_warnings():
    # connexion imports starlette's test client, which warns that it would like httpx2; nothing here uses it.
    warnings.simplefilter("ignore")
    from connexion.exceptions import InvalidSpecification
    from connexion.middleware.abstract import AbstractRoutingAPI
    from connexion.operations import AbstractOperation
    from connexion.resolver import Resolution, Resolver
    from connexion.spec import OpenAPISpecification

SchemaMaker = Callable[[Mapping[str, Any]], Schema]


class OperationIdResolver(Resolver):  # type: ignore[misc]
    """Resolves every operation to its name, since no function is called through connexion."""

    def resolve(self, operation: AbstractOperation) -> Resolution:
        name = operation.operation_id or f"{operation.method.upper()} {operation.path}"
        return Resolution(name, name)


class ResolvedSpecification(OpenAPISpecification):  # type: ignore[misc]
    """connexion's specification of a document that was validated, and whose references were resolved, before."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._raw_spec = self._spec = document
        self._base_uri = ""


class PlanCompiler(AbstractRoutingAPI):  # type: ignore[misc]
    """Compiles connexion's operation objects, which its routing gives one by one, into plans."""

    def __init__(self, specification: OpenAPISpecification, make_schema: SchemaMaker) -> None:
        self.plans: dict[str, Plan] = {}
        self.make_schema = make_schema
        super().__init__(specification, resolver=OperationIdResolver())

    def make_operation(self, operation: AbstractOperation) -> Plan:
        return compile_plan(operation, self.base_path, self.make_schema)

    @staticmethod
    def _framework_path_and_name(operation: AbstractOperation, path: str) -> tuple[str, str]:
        return path, operation.operation_id

    def _add_operation_internal(self, method: str, path: str, operation: Plan, name: str | None = None) -> None:
        if operation.operation in self.plans:
            raise ContractError(f"operationId {operation.operation!r} is used twice; each must be unique")
        self.plans[operation.operation] = operation


def compile_plans(operations: dict[str, Any], targets: Mapping[str, Any]) -> dict[str, Plan]:
    """The plans of a document, by operationId.

    Args:
        operations: a valid document, of which nothing but schemas refers to anything.
        targets: what the references of schemas lead to, by their text.

    Raises:
        ContractError: an operation can't be served.
    """
    try:
        return PlanCompiler(ResolvedSpecification(operations), lambda raw: Schema(raw, targets)).plans
    except (InvalidSpecification, KeyError, TypeError, ValueError) as error:
        raise ContractError(str(error)) from error


def compile_plan(operation: AbstractOperation, base_path: str, make_schema: SchemaMaker) -> Plan:
    """A plan of one of connexion's operation objects.

    Raises:
        ContractError: a path can't be read, a name can't be printed, or there is no
            answer to give.
    """
    path, name, method = base_path + operation.path, operation.operation_id, operation.method.upper()
    for what, text in (("operationId", name), ("path", path)):
        if not text.isprintable():
            raise ContractError(f"{what} {shorten_value(text)}: has signs that can't be printed; leave them out")
    segments = tuple(read_segment(segment, path) for segment in path.split("/") if segment)
    path_names = tuple(_PATH_PARAMETER.findall(path))
    responses, ranges, default = compile_responses(operation, f"{method} {path}", make_schema)
    bodies = compile_body_schemas(operation, make_schema)
    parameters = tuple(compile_parameter(each, make_schema) for each in operation.parameters if each["in"] != "cookie")
    return Plan(
        operation=name,
        method=method,
        path=path,
        segments=segments,
        path_names=path_names,
        summary=str(operation._operation.get("summary", "")),
        writes=method not in ("GET", "HEAD", "OPTIONS"),
        # An empty requirement says that it can be called without any.
        secured=bool(operation.security) and {} not in operation.security,
        parameters=parameters,
        body=bodies.get("application/json") or next(iter(bodies.values()), None),
        bodies=bodies,
        body_required=bool(operation.request_body and operation.request_body.get("required", False)),
        responses=responses,
        response_ranges=ranges,
        default_response=default,
        success_status=find_success_status(responses),
        reads_headers=any(each.place == "header" for each in parameters),
        requires_query=any(each.place == "query" and each.required for each in parameters),
        error_envelope=str(operation._operation.get("x-error-envelope", "")),
        needs_naming=operation._operation.get("x-needs-naming") is True,
    )


def read_segment(segment: str, path: str) -> str | None:
    if _PATH_PARAMETER.fullmatch(segment):
        return None
    rest = _PATH_PARAMETER.sub("/", segment)
    if "{" in rest or "}" in rest or "//" in rest:
        raise ContractError(
            f"{path}: a path parameter is a name in braces, with text before the next; mend {segment!r}"
        )
    return segment


_PATH_PARAMETER = re.compile(r"\{([^{}]+)\}")


def compile_parameter(source: Mapping[str, Any], make_schema: SchemaMaker) -> Parameter:
    schema = make_schema(source.get("schema", {}))
    meaning = schema.source
    kind = meaning.get("type", "string")
    return Parameter(
        name=source["name"],
        place=source["in"],
        required=bool(source.get("required", False)),
        kind=kind,
        items_kind=meaning.get("items", {}).get("type", "string"),
        comma_separated=kind == "array" and source.get("explode", source["in"] == "query") is False,
        schema=schema,
        default=meaning.get("default"),
    )


def compile_body_schemas(operation: AbstractOperation, make_schema: SchemaMaker) -> dict[str, Schema]:
    """The schemas of a request body by media type; empty where the operation takes none."""
    content: Mapping[str, Any] = (operation.request_body or {}).get("content", {})
    return {media_type.lower(): make_schema(media.get("schema", {})) for media_type, media in content.items()}


ResponseRanges = dict[int, DocumentedResponse]


def compile_responses(
    operation: AbstractOperation, place: str, make_schema: SchemaMaker
) -> tuple[dict[int, DocumentedResponse], ResponseRanges, DocumentedResponse | None]:
    """The documented responses by status, those of ranges by their first digit, and the one of everything else.

    Where no single status is documented, the success is 200 by the range 2XX or by the default, or the lowest of
    another range.
    """
    responses, ranges, default = {}, {}, None
    for status, answer in operation.responses.items():
        if status.isdigit():
            responses[int(status)] = compile_response(int(status), answer, place, make_schema)
        elif _RANGE.fullmatch(status):
            first = int(status[0])
            ranges[first] = compile_response(first * 100, answer, place, make_schema)
        elif status == "default":
            default = compile_response(0, answer, place, make_schema)
    if 2 in ranges and not any(200 <= status < 300 for status in responses):
        responses[200] = ranges[2]
    if not responses and default is not None:
        responses[200] = replace(default, status=200)
    for each in ranges.values() if not responses else ():
        responses[each.status] = each
    if not responses:
        raise ContractError(f"{place} documents no answer; give it one")
    return dict(sorted(responses.items())), ranges, default


_RANGE = re.compile(r"[1-5]XX", re.IGNORECASE)


def find_success_status(responses: Mapping[int, DocumentedResponse]) -> int:
    """The lowest documented status of success, else of a redirect (it may be the only answer), else of all."""
    return min(responses, key=lambda status: (not 200 <= status < 300, not 300 <= status < 400, status))


def compile_response(
    status: int, answer: Mapping[str, Any], place: str, make_schema: SchemaMaker
) -> DocumentedResponse:
    content: Mapping[str, Any] = answer.get("content", {})
    for media_type in content:
        if not _MEDIA_TYPE.fullmatch(media_type):
            raise ContractError(
                f"{place}: answer {status or 'default'}: {shorten_value(media_type)!r} is not a media type; "
                "write TYPE/SUBTYPE, as in application/json"
            )
    # Of several media types the usual one is JSON's, since values are what a contract describes.
    media_types = sorted(content, key=lambda name: "json" not in name)
    usual: Mapping[str, Any] = content[media_types[0]] if media_types else {}
    examples = {name: each["value"] for name, each in usual.get("examples", {}).items() if "value" in each}
    if "example" in usual:
        examples.setdefault("example", usual["example"])
    schema = usual.get("schema")
    return DocumentedResponse(
        status=status,
        description=str(answer.get("description", "")),
        media_types=tuple(media_types),
        examples=examples,
        body=None if schema is None else make_schema(schema),
        headers=tuple(answer.get("headers", {})),
    )


# RFC 9110, section 8.3.1: two tokens, then parameters; printable ASCII alone, since it is sent as a header.
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 (of HTTP)
_MEDIA_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}( *;[ -~]*)?")


def iterate_schemas(plan: Plan) -> Iterator[tuple[str, Schema]]:
    """Every schema of a plan, with its place in words."""
    for parameter in plan.parameters:
        yield f"{parameter.place} parameter {parameter.name}", parameter.schema
    for media_type, body in plan.bodies.items():
        yield f"body of {media_type}", body
    answers = (*plan.responses.values(), *plan.response_ranges.values(), plan.default_response)
    for answer in answers:
        if answer is not None and answer.body is not None:
            yield f"answer {answer.status or 'default'}", answer.body


def must_compile(plan: Plan) -> None:
    """Raises ContractError with the first schema of a plan that can't be compiled."""
    for place, schema in iterate_schemas(plan):
        try:
            schema.validator  # noqa: B018 (compiled when it is asked for)
        except (ValueError, TypeError, RecursionError) as error:
            text = f"{plan.method} {plan.path}: {place}: {shorten_value(str(error).partition(chr(10))[0], 200)}"
            raise ContractError(text) from error


def mark_broken_examples(plan: Plan) -> tuple[Plan, list[str]]:
    """A plan that knows which of its answers' examples break their schema, and a line for each of them."""
    lines = []

    def mark(answer: DocumentedResponse) -> DocumentedResponse:
        schema = answer.body
        if schema is None or not answer.examples or "json" not in answer.media_types[0]:
            return answer
        broken = [name for name, example in answer.examples.items() if not schema.accepts(example)]
        for name in broken:
            violation = schema.violations(answer.examples[name])[0].describe()
            status = answer.status or "default"
            lines.append(f"{plan.method} {plan.path}: example {name} of {status} breaks its schema: {violation}")
        return replace(answer, broken_examples=tuple(broken))

    responses = {status: mark(answer) for status, answer in plan.responses.items()}
    ranges = {first: mark(answer) for first, answer in plan.response_ranges.items()}
    default = None if plan.default_response is None else mark(plan.default_response)
    marked = replace(plan, responses=responses, response_ranges=ranges, default_response=default)
    return marked, list(dict.fromkeys(lines))


def build_routing_document(plans: Mapping[str, Plan]) -> dict[str, Any]:
    """A document of what connexion's routing needs, no more: paths, methods, and the types of path parameters."""
    paths: dict[str, dict[str, Any]] = {}
    for plan in plans.values():
        paths.setdefault(plan.path, {})[plan.method.lower()] = {
            "operationId": plan.operation,
            "parameters": [
                {
                    "name": each.name,
                    "in": "path",
                    "required": True,
                    "schema": {key: each.schema.source[key] for key in ("type", "format") if key in each.schema.source},
                }
                for each in plan.parameters
                if each.place == "path"
            ],
            "responses": {"default": {"description": ""}},
        }
    return {"openapi": "3.0.3", "info": {"title": "", "version": ""}, "paths": paths}
