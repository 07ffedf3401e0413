"""Bodies: the JSON of a request as Rails hands it to a message. Knows no field.

Source: cloud_controller_ng, app/controllers/v3/application_controller.rb (`wrap_parameters :body`), and rails,
actionpack/lib/action_controller/metal/params_wrapper.rb.
"""

from collections.abc import Iterable
from typing import Any

from mockfoundry.cloudfoundry.calls import Call
from mockfoundry.cloudfoundry.errors import UNKNOWN_ERROR, UNPROCESSABLE_ENTITY, Refusal, refuse
from mockfoundry.cloudfoundry.words import listed, sentences

NOT_AN_OBJECT = "_json"
"""The name that Rails gives to a body that is not an object."""

_DROPPED = frozenset({"utf8", "authenticity_token", "_method"})


def requested(call: Call) -> dict[str, Any]:
    """What a call's body asks for, key by key.

    Raises:
        Refusal: 500, where the body has a `body` that is neither an object nor null.
    """
    body = call.body
    if not isinstance(body, dict):
        return {NOT_AN_OBJECT: body} if call.has_body or body is not None else {}
    if "body" in body:
        inner = body["body"]
        if inner is None or inner is False:
            return {}
        if not isinstance(inner, dict):
            raise failing("a `body` inside the body that is no object")
        return inner
    if _DROPPED.isdisjoint(body):
        return body
    return {name: value for name, value in body.items() if name not in _DROPPED}


def unknown_fields(asked: Iterable[str], known: Iterable[str]) -> str:
    """What is said of keys that a message does not know; empty where it knows all of them."""
    unknown = [name for name in asked if name not in known]
    return f"Unknown field(s): {listed(unknown)}" if unknown else ""


def refused(call: Call, faults: list[str]) -> Refusal:
    """The refusal of a message with these faults."""
    why = f"contract: {call.violations[0]}" if call.violations else "world: the message is invalid"
    return refuse(UNPROCESSABLE_ENTITY, ", ".join(faults), why)


def failing(on: str) -> Refusal:
    """The 500 that the real one answers where its code does not expect what came."""
    return refuse(UNKNOWN_ERROR, why=f"world: the Cloud Controller fails on {on}")


def must_be_allowed(call: Call) -> None:
    """Raises Refusal (422) in strict mode, where the contract does not allow what the real one would take."""
    if call.refuses_what_is_laxer():
        raise refuse(UNPROCESSABLE_ENTITY, sentences(call.violations), f"contract (strict): {call.violations[0]}")
