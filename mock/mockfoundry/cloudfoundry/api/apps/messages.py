"""App messages: what a body says of an app that is created or updated, and what is wrong with it. Changes nothing.

Source: cloud_controller_ng, app/messages/app_create_message.rb, app_update_message.rb,
buildpack_lifecycle_data_message.rb, empty_lifecycle_data_message.rb and validators.rb.
"""

from collections.abc import Iterator
from typing import Any, Final

from mockfoundry.cloudfoundry.api.fields import dig, find_guid_errors, is_blank
from mockfoundry.cloudfoundry.api.messages import (
    describe_unknown_fields,
    enforce_contract,
    measure_length,
    read_message_body,
    refuse_message,
)
from mockfoundry.cloudfoundry.api.metadata import find_metadata_errors
from mockfoundry.cloudfoundry.api.request import ApiRequest

CREATE_FIELDS = ("name", "environment_variables", "relationships", "lifecycle", "metadata")
UPDATE_FIELDS = ("name", "lifecycle", "metadata")

MAX_NAME_LENGTH = 255
MAX_LIFECYCLE_TEXT_LENGTH = 4096

LIFECYCLE_DATA_FIELDS = {
    "buildpack": ("buildpacks", "stack", "credentials"),
    "docker": (),
    "cnb": ("buildpacks", "stack", "credentials"),
}
"""The fields of `data`, by the type of the lifecycle, in the order in which types are listed."""

DEFAULT_LIFECYCLE: Final = "buildpack"

MISSHAPEN_SPACE = 'Space must be structured like this: "space: {"data": {"guid": "valid-guid"}}"'


def read_create_app_message(request: ApiRequest) -> dict[str, Any]:
    """The fields of an app to create; raises Refusal (422) with every error."""
    if request.message is not None:
        message: dict[str, Any] = request.take_message()
        return message
    fields = read_message_body(request)
    lifecycle = fields.get("lifecycle")
    kind = dig(lifecycle, "type")
    errors = list(find_metadata_errors(fields["metadata"]) if "metadata" in fields else ())
    errors.append(describe_unknown_fields(fields, CREATE_FIELDS))
    errors += (f"Relationships {error}" for error in find_relationship_errors(fields.get("relationships")))
    if not is_blank(kind):
        errors += find_lifecycle_errors(kind, dig(lifecycle, "data"))
    errors += find_name_errors(fields.get("name"))
    variables = fields.get("environment_variables")
    if variables is not None and not isinstance(variables, dict):
        errors.append("Environment variables must be an object")
    errors += find_lifecycle_shape_errors(fields)
    if any(errors):
        raise refuse_message(request, [error for error in errors if error])
    enforce_contract(request)
    return fields


def read_update_app_message(request: ApiRequest) -> dict[str, Any]:
    """The fields of an app to change; raises Refusal (422) with every error."""
    if request.message is not None:
        message: dict[str, Any] = request.take_message()
        return message
    fields = read_message_body(request)
    lifecycle = fields.get("lifecycle")
    errors = list(find_metadata_errors(fields["metadata"]) if "metadata" in fields else ())
    errors.append(describe_unknown_fields(fields, UPDATE_FIELDS))
    if "lifecycle" in fields:
        kind = dig(lifecycle, "type")
        errors += find_lifecycle_errors(
            DEFAULT_LIFECYCLE if kind is None or kind is False else kind, dig(lifecycle, "data")
        )
    if fields.get("name") is not None:
        errors += find_name_errors(fields["name"])
    errors += find_lifecycle_shape_errors(fields)
    if any(errors):
        raise refuse_message(request, [error for error in errors if error])
    enforce_contract(request)
    return fields


def find_name_errors(name: Any) -> Iterator[str]:
    if not isinstance(name, str):
        yield "Name must be a string"
    if name is not None and measure_length(name) > MAX_NAME_LENGTH:
        yield f"Name is too long (maximum is {MAX_NAME_LENGTH} characters)"


def find_relationship_errors(relationships: Any) -> Iterator[str]:
    if not isinstance(relationships, dict):
        yield "'relationships' is not an object"
        return
    if not relationships:
        yield "'relationships' must include one or more valid relationships"
        return
    if unknown := describe_unknown_fields(relationships, ("space",)):
        yield unknown
    space = relationships.get("space")
    if is_blank(space):
        yield "Space can't be blank"
    data = dig(space, "data")
    if not isinstance(space, dict) or [*space] != ["data"] or not is_reference(data):
        yield MISSHAPEN_SPACE
    elif data is not None:
        yield from find_guid_errors("Space guid", data["guid"])


def is_reference(data: Any) -> bool:
    """Whether the data of a relationship names one resource, or none."""
    return data is None or (isinstance(data, dict) and [*data] == ["guid"])


def find_lifecycle_errors(kind: Any, data: Any) -> Iterator[str]:
    """The errors of a lifecycle of this type with this data."""
    known = LIFECYCLE_DATA_FIELDS.get(kind) if isinstance(kind, str) else None
    if known is None:
        yield f"Lifecycle type is not included in the list: {', '.join(LIFECYCLE_DATA_FIELDS)}"
        return
    if not isinstance(data, dict):
        return
    if unknown := describe_unknown_fields(data, known):
        yield f"Lifecycle {unknown}"
    if known:
        for error in find_buildpack_data_errors(data):
            yield f"Lifecycle {error}"


def find_buildpack_data_errors(data: dict[str, Any]) -> Iterator[str]:
    stack, buildpacks, credentials = (data.get(name) for name in ("stack", "buildpacks", "credentials"))
    if stack is not None:
        if not isinstance(stack, str):
            yield "Stack must be a string"
        if not 1 <= measure_length(stack) <= MAX_LIFECYCLE_TEXT_LENGTH:
            yield f"Stack must be between 1 and {MAX_LIFECYCLE_TEXT_LENGTH} characters"
    if buildpacks is not None and not isinstance(buildpacks, list):
        yield "Buildpacks must be an array"
    if credentials is not None and not isinstance(credentials, dict):
        yield "Credentials must be an object"
    if isinstance(buildpacks, list):
        texts = [each for each in buildpacks if isinstance(each, str)]
        if len(texts) < len(buildpacks):
            yield "Buildpacks can only contain strings"
        if any(not each.strip() or len(each) > MAX_LIFECYCLE_TEXT_LENGTH for each in texts):
            yield f"Buildpacks entries must be between 1 and {MAX_LIFECYCLE_TEXT_LENGTH} characters"
    if isinstance(credentials, dict) and not all(isinstance(each, dict) for each in credentials.values()):
        yield "Credentials credentials value must be a hash"


def find_lifecycle_shape_errors(fields: dict[str, Any]) -> Iterator[str]:
    if "lifecycle" not in fields:
        return
    lifecycle = fields["lifecycle"]
    kind = dig(lifecycle, "type")
    if not is_blank(kind) and not isinstance(kind, str):
        yield "Lifecycle type must be a string"
    if not isinstance(dig(lifecycle, "data"), dict):
        yield "Lifecycle data must be an object"
