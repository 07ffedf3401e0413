"""The update message: what a PATCH asks of a process. Changes nothing.

Source: cloud_controller_ng, app/messages/process_update_message.rb.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from mockfoundry.cloudfoundry.calls import Call
from mockfoundry.cloudfoundry.entities import LARGEST_INTEGER
from mockfoundry.cloudfoundry.messages.bodies import (
    failing,
    must_be_allowed,
    refused,
    requested,
    unknown_fields,
)
from mockfoundry.cloudfoundry.messages.metadata import as_text, metadata_faults
from mockfoundry.cloudfoundry.messages.numbers import Bounds, cast, fault

FIELDS = ("command", "user", "health_check", "readiness_health_check", "metadata")

LONGEST_COMMAND = 4096
LONGEST_USER = 255
LONGEST_ENDPOINT = 255
TYPES = ("port", "process", "http")

_SECONDS = Bounds(1, LARGEST_INTEGER, "must be greater than or equal to 1")
# Ruby's `^` and `$` are the ends of a line, so one good line is enough [lib/utils/uri_utils.rb].
_PATH = re.compile(r"^(?:/|/([^\s/]\S*)?)$", re.ASCII | re.MULTILINE)

CHECKS = {
    "health_check": ("timeout", "invocation_timeout", "interval", "endpoint"),
    "readiness_health_check": ("invocation_timeout", "interval", "endpoint"),
}
"""Both health checks and what each reads of its data, in the order in which it is checked."""


class UpdateMessage(NamedTuple):
    """What an update asks for.

    Attributes:
        asked: the body's keys, as they were sent.
        health_check, readiness_health_check: `type` and keys of `data`, as the database stores them.
    """

    asked: dict[str, Any]
    health_check: dict[str, Any]
    readiness_health_check: dict[str, Any]


def read_update(call: Call) -> UpdateMessage:
    """What an update asks for.

    Raises:
        Refusal: 422, with everything that is wrong; 500 where the real one fails on the shape of it.
    """
    asked = requested(call)
    checks = {name: check_asked(asked, name) for name in CHECKS}
    faults = [*(metadata_faults(asked["metadata"]) if "metadata" in asked else ()), unknown_fields(asked, FIELDS)]
    faults += text_faults("Command", asked.get("command"), LONGEST_COMMAND)
    faults += text_faults("User", asked.get("user"), LONGEST_USER)
    for name, check in checks.items():
        faults += check_faults(name.capitalize().replace("_", " "), check, CHECKS[name])
    if any(faults):
        raise refused(call, [each for each in faults if each])
    must_be_allowed(call)
    return UpdateMessage(asked, *(stored(check) for check in checks.values()))


def check_asked(asked: dict[str, Any], name: str) -> dict[str, Any]:
    """What is asked of a health check: its `type` and the keys of its `data`, where they are there."""
    check = asked.get(name)
    if check is None:
        return {}
    if not isinstance(check, dict):
        raise failing(f"{name} that is no object")
    data = check.get("data")
    if data is not None and not isinstance(data, dict):
        raise failing(f"{name}.data that is no object")
    found = {key: data[key] for key in CHECKS[name] if key in data} if data else {}
    return {"type": check["type"], **found} if "type" in check else found


def text_faults(attribute: str, value: Any, longest: int) -> Iterator[str]:
    if value is None:
        return
    if not isinstance(value, str):
        yield f"{attribute} must be a string"
    length = len(value) if isinstance(value, str | list | dict) else len(as_text(value))
    if not 1 <= length <= longest:
        yield f"{attribute} must be between 1 and {longest} characters"


def check_faults(attribute: str, check: dict[str, Any], keys: tuple[str, ...]) -> Iterator[str]:
    if "type" in check and check["type"] not in TYPES:
        yield f'{attribute} type must be "port", "process", or "http"'
    for key in keys:
        for text in _JUDGES[key](check.get(key)):
            yield f"{attribute} {key.replace('_', ' ')} {text}"


def seconds_faults(value: Any) -> Iterator[str]:
    if text := fault(value, _SECONDS):
        yield text


def endpoint_faults(value: Any) -> Iterator[str]:
    if value is None:
        return
    if (len(value) if isinstance(value, str | list | dict) else len(as_text(value))) > LONGEST_ENDPOINT:
        yield f"is too long (maximum is {LONGEST_ENDPOINT} characters)"
    if not is_path(value):
        yield "must be a valid URI path"


_JUDGES: dict[str, Callable[[Any], Iterator[str]]] = {
    "timeout": seconds_faults,
    "invocation_timeout": seconds_faults,
    "interval": seconds_faults,
    "endpoint": endpoint_faults,
}


def is_path(value: Any) -> bool:
    """Whether a value is a URI path as the Cloud Controller has it."""
    return isinstance(value, str) and _PATH.search(value) is not None


def stored(check: dict[str, Any]) -> dict[str, Any]:
    """A change of a health check as the database stores it; a type other than http takes the endpoint away."""
    found = {key: value if key in ("type", "endpoint") else cast(value) for key, value in check.items()}
    if found.get("type", "http") != "http":
        found["endpoint"] = None
    return found
