"""Fields: how the Cloud Controller's framework looks at the values of a body. Never knows what a message needs.

Source: rails, activesupport/lib/active_support/core_ext/object/blank.rb; cloud_controller_ng,
app/messages/validators.rb (GuidValidator).
"""

from collections.abc import Iterator
from typing import Any

MAX_GUID_LENGTH = 200


def dig(value: Any, *names: str) -> Any:
    """What a value has at the end of a path of names; None where it is not there."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def is_blank(value: Any) -> bool:
    """Whether Rails takes a value for blank: null, false, blank text and what is empty, but no number."""
    return value is None or value is False or value in ({}, []) or (isinstance(value, str) and not value.strip())


def find_required_text_errors(attribute: str, value: Any) -> Iterator[str]:
    """The errors of a text that must be there, and not blank."""
    if is_blank(value):
        yield f"{attribute} can't be blank"
    if not isinstance(value, str):
        yield f"{attribute} must be a string"


def find_guid_errors(attribute: str, value: Any) -> Iterator[str]:
    """The errors of a guid that must be there."""
    if not isinstance(value, str):
        yield f"{attribute} must be a string"
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_GUID_LENGTH:
        yield f"{attribute} must be between 1 and {MAX_GUID_LENGTH} characters"
