"""The scale message: what a body asks of a process. Changes nothing.

Source: cloud_controller_ng, app/messages/process_scale_message.rb.
"""

from typing import Any

from mockfoundry.cloudfoundry.calls import Call
from mockfoundry.cloudfoundry.entities import LARGEST_INTEGER, LARGEST_LONG
from mockfoundry.cloudfoundry.messages.bodies import must_be_allowed, refused, requested, unknown_fields
from mockfoundry.cloudfoundry.messages.numbers import Bounds, cast, fault

FIELDS: dict[str, Bounds] = {
    "instances": Bounds(0, LARGEST_INTEGER, "must be greater than or equal to 0"),
    "memory_in_mb": Bounds(1, LARGEST_INTEGER, "must be greater than 0"),
    "disk_in_mb": Bounds(1, LARGEST_INTEGER, "must be greater than 0"),
    "log_rate_limit_in_bytes_per_second": Bounds(-1, LARGEST_LONG, "must be greater than or equal to -1"),
}
"""In the order in which they are checked."""

_SPANS = {name: (bounds.least, bounds.most) for name, bounds in FIELDS.items()}
_NONE = (1, 0)


def read_scale(call: Call) -> tuple[dict[str, Any], dict[str, int | None]]:
    """What a scale asks for: as it was sent, and as the database stores it.

    Raises:
        Refusal: 422, with everything that is wrong.
    """
    body = call.body
    if type(body) is dict and not call.violations:
        for name, value in body.items():
            least, most = _SPANS.get(name, _NONE)
            if type(value) is not int or not least <= value <= most:
                break
        else:
            return body, body
    asked = requested(call)
    faults = [unknown_fields(asked, FIELDS)] + [
        f"{name.capitalize().replace('_', ' ')} {text}"
        for name, bounds in FIELDS.items()
        if (text := fault(asked.get(name), bounds))
    ]
    if any(faults):
        raise refused(call, [each for each in faults if each])
    must_be_allowed(call)
    return asked, {name: cast(value) for name, value in asked.items()}
