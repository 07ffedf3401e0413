"""Documented answers: whether the contract has what a rule answers. Never looks at when it answers."""

import json
from collections.abc import Iterator, Mapping

from mockfoundry.contract import Documented, Plan, Schema, brief
from mockfoundry.documents import did_you_mean
from mockfoundry.scenarios.conditions import ABSENT
from mockfoundry.scenarios.problems import demand, quoted
from mockfoundry.scenarios.values import Respond

Finding = tuple[str, str]
"""A key of the answer, and what is wrong with it."""

MEANT = "say undocumented: true if that is meant"


def undocumented(respond: Respond, plan: Plan, errors: Mapping[str, int]) -> Iterator[Finding]:
    """What the contract does not document of an answer to an operation. Wire faults are beyond any contract."""
    if respond.example is not None and plan.example(respond.example) is None:
        names = {name for each in plan.responses.values() for name in each.examples}
        hint = did_you_mean(respond.example, names) or "; its responses in the contract name them"
        yield "example", f'"{brief(respond.example)}" is not an example of {plan.operation}{hint}'
        return
    if respond.undocumented or (respond.fault is not None and not respond.headers):
        return
    key, documented = what_is_documented(respond, plan, errors)
    if documented is None:
        status = respond.status if respond.status is not None else errors.get(respond.error or "", 0)
        had = ", ".join(str(each) for each in sorted(plan.responses))
        yield key, f"{plan.operation} documents no {status}; it has {had}; {MEANT}"
        return
    if respond.status is not None:
        yield from undocumented_body(respond, plan, documented)
    yield from undocumented_headers(respond, plan, documented)


def what_is_documented(respond: Respond, plan: Plan, errors: Mapping[str, int]) -> tuple[str, Documented | None]:
    """The key that gives the status, and what the contract says of that status."""
    if respond.example is not None:
        found = plan.example(respond.example)
        return "example", None if found is None else found[0]
    if respond.error is not None:
        return "error", plan.responses.get(errors.get(respond.error, 0))
    status = plan.success if respond.status is None else respond.status
    return "status", plan.responses.get(status)


def undocumented_body(respond: Respond, plan: Plan, documented: Documented) -> Iterator[Finding]:
    if respond.text is not None:
        yield from undocumented_text(respond, respond.text, plan, documented)
    elif respond.body is ABSENT:
        return
    elif documented.body is None:
        yield "body", f"{plan.operation} documents no body with {documented.status}; leave it out, or {MEANT}"
    else:
        yield from misfit("body", respond.body, documented.body, plan, documented)


def undocumented_text(respond: Respond, text: str, plan: Plan, documented: Documented) -> Iterator[Finding]:
    if not any(name.lower() == "content-type" for name in respond.headers):
        yield "text", f"text is sent as text/plain, which {plan.operation} does not document; {MEANT}"
        return
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        yield "text", f"text is not the JSON that {plan.operation} documents; {MEANT}"
        return
    if documented.body is not None:
        yield from misfit("text", body, documented.body, plan, documented)


def misfit(key: str, body: object, schema: Schema, plan: Plan, documented: Documented) -> Iterator[Finding]:
    if schema.accepts(body):
        return
    violation = schema.violations(body)[0]
    told = f"{violation.pointer or 'the whole'} is {quoted(violation.value)}"
    said = f"{plan.operation} documents {demand(violation)} there for {documented.status}"
    yield key, f"{key}: {told}, but {said}; mend it, or {MEANT}"


def undocumented_headers(respond: Respond, plan: Plan, documented: Documented) -> Iterator[Finding]:
    known = {name.lower() for name in documented.headers}
    for name, value in respond.headers.items():
        if name.lower() == "content-type":
            media_type = "none" if value is None else value.partition(";")[0].strip().lower()
            if media_type not in documented.media_types:
                has = ", ".join(documented.media_types) or "none"
                told = f"{plan.operation} documents the content type {has} for {documented.status}"
                yield "headers", f"{told}, not {brief(media_type)}; {MEANT}"
        elif value is None and name.lower() in known:
            yield "headers", f"{plan.operation} documents the header {name}, so it can't be taken away; {MEANT}"
