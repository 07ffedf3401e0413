"""Reading: the parameters and the body of a control call, as its document describes them. Touches no foundation."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from mockfoundry.bodies import read_json, read_query
from mockfoundry.contract.plan import Plan
from mockfoundry.contract.routes import Route
from mockfoundry.control.context import JSON, YAML, ControlCall, ControlProblem
from mockfoundry.control.violations import WHERE_DESCRIBED, refuse_violations
from mockfoundry.documents.json import describe_lone_surrogate, find_lone_surrogate, find_repeated_key, repeats_key
from mockfoundry.exchange.request import Request

BROWSER_HEADERS = (b"origin", b"sec-fetch-site")
"""Headers that browsers send, and programs do not."""

FORM = "application/x-www-form-urlencoded"

DOCUMENT_OPERATIONS = frozenset({"put_foundation", "replace_state", "patch_state", "play_scenario"})
"""Operations whose body is a document: where it is prepared, a key that stands twice is found with its column."""


def read_parameters(request: Request, route: Route) -> ControlCall:
    """A call with its parameters, without its body.

    Raises:
        ControlProblem: 400, the document does not allow a parameter.
    """
    plan = route.plan
    query = read_query(request.query_string) if request.query_string else {}
    must_not_repeat_parameters(query, plan)
    refuse_violations((*route.violations, *plan.query_violations(query)), list_parameter_names(plan))
    return ControlCall(
        operation=plan.operation,
        path=plan.read_path(route.path),
        query=plan.read_query(query),
        headers=request.headers,
        base_url=request.base_url,
        real_time=request.arrived,
    )


def must_not_repeat_parameters(query: Mapping[str, list[str]], plan: Plan) -> None:
    """Raises ControlProblem (400) where a parameter was sent twice: no one of its values is the one that is meant."""
    for name, values in query.items():
        if len(values) > 1:
            lists = [each.name for each in plan.parameters if each.kind == "array"]
            mend = "join its values with commas" if name in lists else "send it once"
            raise ControlProblem(400, "not-as-described", f"query {name[:80]}: was sent {len(values)} times; {mend}")


def list_parameter_names(plan: Plan) -> tuple[str, ...]:
    return tuple(each.name for each in plan.parameters if each.place == "query")


def find_media_type(plan: Plan, headers: Mapping[bytes, bytes]) -> str:
    """The media type that a body is read by; the document's first one where the call names none.

    `curl -d` says that it sends a form, which no call takes: what it means is JSON. A browser means a form, which any
    page may send anywhere without asking first, so it is not read.

    Raises:
        ControlProblem: 415, the call does not take it.
    """
    found = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    if not plan.bodies:
        return ""
    if not found:
        return next(iter(plan.bodies))
    is_from_browser = any(name in headers for name in BROWSER_HEADERS)
    media_type = JSON if found == FORM and not is_from_browser else found
    if media_type not in plan.bodies:
        allowed = ", ".join(plan.bodies)
        raise ControlProblem(
            415, "not-as-described", f"header Content-Type: {found[:200]} is not taken by this call; send {allowed}"
        )
    return media_type


def read_body(
    plan: Plan, media_type: str, content: bytes, call: ControlCall, prepare: Callable[[str], Any] | None
) -> ControlCall:
    """A call with its body read, validated and prepared. Touches no foundation, so it may run in a worker thread.

    Args:
        prepare: what the operation does with the body's text, None for nothing.

    Raises:
        ControlProblem: 400, the body is not what the document describes.
        ControlProblem, DocumentError: 422, it can't be prepared.
    """
    if not plan.bodies:
        return call
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ControlProblem(400, "not-text", f"body: is not UTF-8 at byte {error.start}; send it as UTF-8") from None
    body = None
    if content and media_type.endswith("json"):
        body = read_json_body(content, f"; for YAML send Content-Type: {YAML}" if YAML in plan.bodies else "")
        if plan.operation not in DOCUMENT_OPERATIONS and repeats_key(content, body):
            found = find_repeated_key(text, "body")
            raise ControlProblem(400, "not-as-described", f"body: in line {found.line}, {found.text}")
        schema = plan.bodies[media_type]
        if not schema.accepts(body):
            refuse_violations(schema.violations(body))
    elif not content and plan.body_required:
        raise ControlProblem(400, "not-as-described", f"body: is missing; send one. {WHERE_DESCRIBED}")
    return msgspec.structs.replace(call, body=body, text=text, prepared=prepare(text) if prepare else None)


def read_json_body(content: bytes, mend: str = "") -> Any:
    """A body as JSON's value.

    Args:
        mend: what else to do about a body that is not JSON.

    Raises:
        ControlProblem: 400, it is not JSON; 422, it nests deeper than anything that is described.
    """
    try:
        return read_json(content)
    except msgspec.DecodeError as error:
        text = content.decode("utf-8", "replace")
        surrogate = find_lone_surrogate(text)
        if surrogate is None:
            text = f"body: is not JSON: {error}; {WHERE_DESCRIBED}{mend}"
            raise ControlProblem(400, "not-as-described", text) from None
        found = describe_lone_surrogate(text[surrogate : surrogate + 6])
        raise ControlProblem(400, "not-as-described", f"body: at character {surrogate}, {found}") from None
    except ValueError as error:
        raise ControlProblem(422, "bad-value", f"body: {error}; nothing that is described does, mend it") from None
