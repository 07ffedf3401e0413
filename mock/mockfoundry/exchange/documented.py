"""Documented bodies: what the contract shows or asks for as the body of an answer. Never decides which answer it is.

The first of the document's own examples that its schema accepts; where there is none, a value made from the schema.
"""

from typing import Any, NamedTuple

from mockfoundry.contract.making import is_remembered, make_value
from mockfoundry.contract.nesting import NoValueError
from mockfoundry.contract.plan import DocumentedResponse, Plan, Schema
from mockfoundry.scenarios.conditions import ABSENT

STATUSES_WITHOUT_BODY = frozenset({204, 304})

MESSAGE_NAMES = ("message", "detail", "error_description", "description", "title", "error", "reason")
"""Where documents say what went wrong, the likeliest first."""

MAX_MESSAGE_DEPTH = 3


class DocumentedBody(NamedTuple):
    """The body of a documented answer.

    Attributes:
        value: of JSON; ABSENT for no body.
        origin: where it is from, in words.
    """

    value: Any
    origin: str

    @property
    def note(self) -> str:
        """What a reason says of a body that is not just an example; empty for one that is, and for none."""
        return "" if self.origin in (EXAMPLE, NO_BODY) else f"; body: {self.origin}"


EXAMPLE = "example"
NO_BODY = "documented without a body"


def find_documented_body(plan: Plan, documented: DocumentedResponse, random_seed: int) -> DocumentedBody:
    """The body of a documented answer.

    Args:
        random_seed: a made value follows from it, from the operation and from the status.
    """
    for name, example in documented.examples.items():
        if name not in documented.broken_examples:
            return DocumentedBody(example, EXAMPLE)
    if documented.body is None or documented.status in STATUSES_WITHOUT_BODY:
        return DocumentedBody(ABSENT, NO_BODY)
    first = next(iter(documented.examples.values()), None)
    try:
        value = make_value(documented.body, random_seed, name_value(plan, documented))
    except NoValueError:
        if not documented.examples:
            return DocumentedBody(ABSENT, "none, since no value was found that the schema accepts")
        return DocumentedBody(first, "example, which breaks its schema; no value was found that the schema accepts")
    origin = "made from the schema" + ("" if not documented.examples else ", since its example breaks the schema")
    return DocumentedBody(value, origin)


def takes_long_to_find(plan: Plan, documented: DocumentedResponse, random_seed: int) -> bool:
    """Whether the body of a documented answer is yet to be made from its schema."""
    return (
        documented.body is not None
        and documented.status not in STATUSES_WITHOUT_BODY
        and documented.examples.keys() <= set(documented.broken_examples)
        and not is_remembered(documented.body, random_seed, name_value(plan, documented))
    )


def name_value(plan: Plan, documented: DocumentedResponse) -> str:
    return f"{plan.operation} {documented.status}"


def replace_message(body: Any, message: str, schema: Schema) -> Any:
    """A body of an error with a message in the place where it has one, if its schema accepts that; else the body."""

    def replace_in(node: Any, depth: int) -> Any:
        if isinstance(node, list) and node and depth:
            inside = replace_in(node[0], depth - 1)
            return None if inside is None else [inside, *node[1:]]
        if not isinstance(node, dict) or not depth:
            return None
        for name in MESSAGE_NAMES:
            if isinstance(node.get(name), str):
                return {**node, name: message}
        for name, value in node.items():
            inside = replace_in(value, depth - 1)
            if inside is not None:
                return {**node, name: inside}
        return None

    changed = replace_in(body, MAX_MESSAGE_DEPTH)
    return changed if changed is not None and schema.accepts(changed) else body
