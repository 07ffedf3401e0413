"""Messages: request bodies as the Cloud Controller reads them, which is laxer than the contract. Never changes anything.

Source: cloud_controller_ng, app/messages/process_scale_message.rb and process_update_message.rb, and the numericality
validator that they use.
"""

from collections.abc import Callable
from typing import Any

from mockfoundry.cloudfoundry.calls import Call
from mockfoundry.cloudfoundry.errors import BAD_QUERY_PARAMETER, UNPROCESSABLE_ENTITY, refuse
from mockfoundry.cloudfoundry.words import sentences
from mockfoundry.contract import Violation


def valid_body(call: Call, read: Callable[[Any], Any]) -> tuple[dict[str, Any], tuple[Violation, ...]]:
    """The body of a call as the Cloud Controller reads it, and what the contract minds that the real one does not.

    Args:
        read: gives the body as the real one reads it.

    Raises:
        Refusal: 422, in its words, where the contract does not allow even that.
    """
    if not call.violations:
        return call.body or {}, ()
    body = read(call.body)
    left = call.recheck(body)
    if left:
        raise refuse(UNPROCESSABLE_ENTITY, sentences(left), why=f"contract: {left[0]}")
    return body, call.violations


def valid_query(call: Call) -> None:
    """Raises Refusal (400) where the contract does not allow the call's query."""
    wrong = [violation for violation in call.violations if violation.place == "query"]
    if wrong:
        raise refuse(
            BAD_QUERY_PARAMETER, f"The query parameter is invalid: {sentences(wrong)}", why=f"contract: {wrong[0]}"
        )


def read_scale(body: Any) -> Any:
    """A scale's body as the real one reads it: numeric strings are numbers, nulls ask for nothing."""
    if body is None:
        return {}
    if not isinstance(body, dict):
        return body
    return {name: as_number(value) for name, value in body.items() if value is not None}


def read_update(body: Any) -> Any:
    """An update's body as the real one reads it: no body asks for nothing."""
    return {} if body is None else body


def as_number(value: Any) -> Any:
    """A numeric string as its number; anything else as it is."""
    if not isinstance(value, str) or len(value) > 40:
        return value
    for number in (int, float):
        try:
            return number(value)
        except ValueError:
            continue
    return value
