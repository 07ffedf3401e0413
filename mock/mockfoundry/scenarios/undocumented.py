"""Undocumented answers: what the contract does not document of what a scenario answers. Never makes an answer.

An answer that is said to be `undocumented` may be anything.
"""

from collections.abc import Iterator, Mapping

import msgspec

from mockfoundry.bodies import read_json
from mockfoundry.contract.plan import DocumentedResponse, Plan, Schema, shorten_value
from mockfoundry.documents.declare import Path
from mockfoundry.documents.problems import did_you_mean
from mockfoundry.documents.wording import describe_value
from mockfoundry.scenarios.conditions import ABSENT
from mockfoundry.scenarios.model import Respond, Rule, describe_demand, quote_value
from mockfoundry.scenarios.states import PathFinding

KeyFinding = tuple[str, str]
"""A key of the answer, and what is wrong with it."""

UNDOCUMENTED_HINT = "say undocumented: true if that is meant"


def find_wrong_answers(rule: Rule, plans: list[Plan], errors: Mapping[str, int]) -> Iterator[PathFinding]:
    """Answers of a rule that the contract does not document, or that are errors which the catalogue does not have."""
    for path, respond in list_answers(rule):
        if respond.error is not None and respond.error not in errors:
            hint, listing = did_you_mean(respond.error, errors), " (mockfoundry errors lists them)"
            yield (*path, "error"), f"{describe_value(respond.error)} is not an error of the catalogue{hint}{listing}"
            continue
        for plan in plans:
            found = list(find_undocumented(respond, plan, errors))
            for key, text in found:
                yield (*path, key), text
            if found:
                break


def list_answers(rule: Rule) -> Iterator[tuple[Path, Respond]]:
    if rule.respond is not None:
        yield ("respond",), rule.respond
    for number, respond in enumerate(rule.sequence):
        yield ("sequence", number), respond


def find_undocumented(respond: Respond, plan: Plan, errors: Mapping[str, int]) -> Iterator[KeyFinding]:
    """What the contract does not document of an answer to an operation. Wire faults are beyond any contract."""
    if respond.example is not None and plan.example(respond.example) is None:
        names = {name for each in plan.responses.values() for name in each.examples}
        hint = did_you_mean(respond.example, names) or "; its responses in the contract name them"
        yield "example", f'"{shorten_value(respond.example)}" is not an example of {plan.operation}{hint}'
        return
    if respond.undocumented or (respond.fault is not None and not respond.headers):
        return
    key, documented = find_documented_response(respond, plan, errors)
    if documented is None:
        status = respond.status if respond.status is not None else errors.get(respond.error or "", 0)
        had = ", ".join(str(each) for each in sorted(plan.responses))
        yield key, f"{plan.operation} documents no {status}; it has {had}; {UNDOCUMENTED_HINT}"
        return
    if respond.status is not None:
        yield from find_undocumented_body(respond, plan, documented)
    yield from find_undocumented_headers(respond, plan, documented)


def find_documented_response(
    respond: Respond, plan: Plan, errors: Mapping[str, int]
) -> tuple[str, DocumentedResponse | None]:
    """The key that gives the status, and what the contract says of that status."""
    if respond.example is not None:
        found = plan.example(respond.example)
        return "example", None if found is None else found[0]
    if respond.error is not None:
        return "error", plan.responses.get(errors.get(respond.error, 0))
    status = plan.success_status if respond.status is None else respond.status
    return "status", plan.responses.get(status)


def find_undocumented_body(respond: Respond, plan: Plan, documented: DocumentedResponse) -> Iterator[KeyFinding]:
    if respond.text is not None:
        yield from find_undocumented_content("text", "text/plain", respond.text.encode(), respond, plan, documented)
    elif respond.base64 is not None:
        yield from find_undocumented_content("base64", BINARY_TYPE, respond.base64, respond, plan, documented)
    elif respond.body is ABSENT:
        return
    elif documented.body is None:
        yield (
            "body",
            f"{plan.operation} documents no body with {documented.status}; leave it out, or {UNDOCUMENTED_HINT}",
        )
    else:
        yield from find_misfit("body", respond.body, documented.body, plan, documented)


BINARY_TYPE = "application/octet-stream"


def find_undocumented_content(
    key: str, media_type: str, content: bytes, respond: Respond, plan: Plan, documented: DocumentedResponse
) -> Iterator[KeyFinding]:
    """What is not documented of a body that is given as it is sent.

    Args:
        key: that gives it.
        media_type: of such a body, unless the headers have another.
    """
    if not any(name.lower() == "content-type" for name in respond.headers):
        if media_type != BINARY_TYPE or media_type not in documented.media_types:
            yield key, f"{key} is sent as {media_type}, which {plan.operation} does not document; {UNDOCUMENTED_HINT}"
        return
    if documented.body is None:
        return
    try:
        body = read_json(content)
    except (ValueError, msgspec.DecodeError, RecursionError):
        yield key, f"{key} is not the JSON that {plan.operation} documents; {UNDOCUMENTED_HINT}"
        return
    yield from find_misfit(key, body, documented.body, plan, documented)


def find_misfit(
    key: str, body: object, schema: Schema, plan: Plan, documented: DocumentedResponse
) -> Iterator[KeyFinding]:
    if schema.accepts(body):
        return
    violation = schema.violations(body)[0]
    found = f"{violation.pointer or 'the whole'} is {quote_value(violation.value)}"
    demand = f"{plan.operation} documents {describe_demand(violation)} there for {documented.status}"
    yield key, f"{key}: {found}, but {demand}; mend it, or {UNDOCUMENTED_HINT}"


def find_undocumented_headers(respond: Respond, plan: Plan, documented: DocumentedResponse) -> Iterator[KeyFinding]:
    known = {name.lower() for name in documented.headers}
    for name, value in respond.headers.items():
        if name.lower() == "content-type":
            media_type = "none" if value is None else value.partition(";")[0].strip().lower()
            if media_type not in documented.media_types:
                has = ", ".join(documented.media_types) or "none"
                demand = f"{plan.operation} documents the content type {has} for {documented.status}"
                yield "headers", f"{demand}, not {shorten_value(media_type)}; {UNDOCUMENTED_HINT}"
        elif value is None and name.lower() in known:
            yield (
                "headers",
                f"{plan.operation} documents the header {name}, so it can't be taken away; {UNDOCUMENTED_HINT}",
            )
