"""The task message: what a body says of a task that is started, and what is wrong with it. Changes nothing.

Source: cloud_controller_ng, app/messages/task_create_message.rb and validators.rb (GuidValidator).
"""

from typing import Any

from mockfoundry.cloudfoundry.api.fields import dig, find_guid_errors
from mockfoundry.cloudfoundry.api.messages import (
    MAX_USER_LENGTH,
    IntRange,
    describe_unknown_fields,
    enforce_contract,
    find_number_error,
    find_text_errors,
    read_message_body,
    refuse_message,
    refuse_unexpected,
)
from mockfoundry.cloudfoundry.api.metadata import find_metadata_errors
from mockfoundry.cloudfoundry.api.request import ApiRequest
from mockfoundry.cloudfoundry.model import LARGEST_INTEGER, LARGEST_LONG

CREATE_TASK_FIELDS = (
    "name",
    "command",
    "disk_in_mb",
    "memory_in_mb",
    "log_rate_limit_in_bytes_per_second",
    "droplet_guid",
    "template",
    "user",
    "metadata",
)

_NUMBERS = {
    "disk_in_mb": IntRange(1, LARGEST_LONG, "must be greater than 0"),
    "memory_in_mb": IntRange(1, LARGEST_LONG, "must be greater than 0"),
    "log_rate_limit_in_bytes_per_second": IntRange(-1, LARGEST_LONG, "must be greater than -2"),
}
"""In the order in which they are checked. The first two have no upper bound but that of the database."""


def read_create_task_message(request: ApiRequest) -> dict[str, Any]:
    """The fields of a task to start.

    Raises:
        Refusal: 422, with every error; 500, where the Cloud Controller fails on a value.
    """
    if request.message is not None:
        message: dict[str, Any] = request.take_message()
        return message
    fields = read_message_body(request)
    errors = [
        *(find_metadata_errors(fields["metadata"]) if "metadata" in fields else ()),
        describe_unknown_fields(fields, CREATE_TASK_FIELDS),
        *(
            f"{name.capitalize().replace('_', ' ')} {error}"
            for name, bounds in _NUMBERS.items()
            if (error := find_number_error(fields.get(name), bounds))
        ),
        *(find_guid_errors("Droplet guid", fields["droplet_guid"]) if fields.get("droplet_guid") is not None else ()),
        *(find_guid_errors("Template process guid", find_template_guid(fields)) if "template" in fields else ()),
    ]
    if fields.get("command") in (None, False) and fields.get("template") in (None, False):
        errors.append("Command No command or template provided")
    errors += find_text_errors("User", fields.get("user"), MAX_USER_LENGTH)
    if any(errors):
        raise refuse_message(request, [error for error in errors if error])
    for name in ("disk_in_mb", "memory_in_mb"):
        if fields.get(name) is not None and int(fields[name]) > LARGEST_INTEGER:
            raise refuse_unexpected(f"{name} that its database can't hold")
    for name in ("name", "command"):
        if isinstance(fields.get(name), dict | list):
            raise refuse_unexpected(f"a {name} that is no text")
    enforce_contract(request)
    return fields


def find_template_guid(fields: dict[str, Any]) -> Any:
    """The guid of the process that a task is to be like; None where none is named."""
    return dig(fields, "template", "process", "guid")
