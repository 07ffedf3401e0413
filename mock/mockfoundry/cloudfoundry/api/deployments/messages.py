"""Deployment messages: what a request asks of a deployment, and what is wrong with it. Changes nothing.

Source: cloud_controller_ng, app/messages/deployment_create_message.rb, deployment_update_message.rb and
metadata_base_message.rb.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from mockfoundry.cloudfoundry.api.fields import is_blank
from mockfoundry.cloudfoundry.api.messages import (
    SCALE_FIELDS,
    cast_integer,
    describe_unknown_fields,
    enforce_contract,
    find_number_error,
    read_message_body,
    refuse_message,
    refuse_unexpected,
)
from mockfoundry.cloudfoundry.api.metadata import find_metadata_errors, format_like_ruby
from mockfoundry.cloudfoundry.api.request import ApiRequest

STRATEGIES = ("rolling", "canary")

CREATE_FIELDS = ("relationships", "droplet", "revision", "strategy", "options", "metadata")

SCALE_OPTIONS = {
    "web_instances": SCALE_FIELDS["instances"],
    "memory_in_mb": SCALE_FIELDS["memory_in_mb"],
    "disk_in_mb": SCALE_FIELDS["disk_in_mb"],
    "log_rate_limit_in_bytes_per_second": SCALE_FIELDS["log_rate_limit_in_bytes_per_second"],
}
"""The options that are checked as a scale's fields, in that order."""

OPTION_KEYS = ("canary", "max_in_flight", *SCALE_OPTIONS)

STEP_KEY = "instance_weight"
BAD_WEIGHT = "Options canary steps instance weight must be an Integer between 1-100 (inclusive)"


class CreateDeploymentMessage(NamedTuple):
    """What the body of a new deployment asks for.

    Attributes:
        fields: of the body, as they were sent.
        options: without nulls: `max_in_flight` and the scale options, as the database stores them.
        weights: of the steps of a canary; None where it has no steps.
    """

    fields: dict[str, Any]
    strategy: str
    options: dict[str, int]
    weights: tuple[int, ...] | None

    @property
    def app_guid(self) -> str | None:
        """Of the app; raises Refusal (500) where the Cloud Controller fails on the shape of the body."""
        return dig_guid(self.fields, "relationships", ("app", "data", "guid"))

    @property
    def droplet_guid(self) -> str | None:
        """Of the droplet, None for the current one; raises Refusal as `app_guid` does."""
        return dig_guid(self.fields, "droplet", ("guid",))

    @property
    def revision_guid(self) -> str | None:
        """Of the revision to go back to; raises Refusal as `app_guid` does."""
        return dig_guid(self.fields, "revision", ("guid",))


def dig_guid(fields: dict[str, Any], name: str, keys: tuple[str, ...]) -> str | None:
    """A guid deep inside a field, as Ruby's `dig` finds it; None where a step is null or not there.

    Raises:
        Refusal: 500, where a step on the way is no object.
    """
    value = fields.get(name)
    for key in keys:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise refuse_unexpected(f"{name} of another shape")
        value = value.get(key)
    return None if value is None else format_like_ruby(value)


def read_create_deployment_message(request: ApiRequest) -> CreateDeploymentMessage:
    """What the body of a new deployment asks for.

    Raises:
        Refusal: 422, with every error.
    """
    fields = read_message_body(request)
    errors = [*find_field_errors(fields), *find_option_errors(fields.get("options"), fields.get("strategy"))]
    if errors:
        raise refuse_message(request, errors)
    enforce_contract(request)
    options = fields.get("options") or {}
    if not isinstance(options, dict):
        raise refuse_unexpected("options of another shape")
    steps = (options.get("canary") or {}).get("steps")
    return CreateDeploymentMessage(
        fields,
        fields.get("strategy") or STRATEGIES[0],
        {
            name: number
            for name in ("max_in_flight", *SCALE_OPTIONS)
            if (value := options.get(name)) is not False and (number := cast_integer(value)) is not None
        },
        tuple(step[STEP_KEY] for step in steps) if isinstance(steps, list) else None,
    )


def find_field_errors(fields: dict[str, Any]) -> Iterator[str]:
    """The errors of all fields but the options."""
    if "metadata" in fields:
        yield from find_metadata_errors(fields["metadata"])
    if unknown := describe_unknown_fields(fields, CREATE_FIELDS):
        yield unknown
    strategy = fields.get("strategy")
    if strategy is not None and strategy not in STRATEGIES:
        yield f"Strategy '{format_like_ruby(strategy)}' is not a supported deployment strategy"
    if not is_blank(fields.get("revision")) and not is_blank(fields.get("droplet")):
        yield "Droplet Cannot set both fields 'droplet' and 'revision'"


def find_option_errors(options: Any, strategy: Any) -> Iterator[str]:
    """The errors of the options."""
    if is_blank(options):
        return
    if not isinstance(options, dict):
        yield "Options must be an object"
        return
    unsupported = [name for name in options if name not in OPTION_KEYS]
    if unsupported:
        yield f"Options has unsupported key(s): {', '.join(unsupported)}"
    for name, bounds in SCALE_OPTIONS.items():
        if error := find_number_error(options.get(name), bounds):
            yield f"{name.capitalize().replace('_', ' ')} {error}"
    most = options.get("max_in_flight")
    if most is not None and most is not False and (type(most) is not int or most < 1):
        yield "Max in flight must be an integer greater than 0"
    canary = options.get("canary")
    if canary is None or canary is False:
        return
    if not isinstance(canary, dict):
        yield "Options canary must be an object"
    elif strategy != "canary":
        yield "Options canary are only valid for Canary deployments"
    elif canary.get("steps") is not None and canary["steps"] is not False:
        yield from find_step_errors(canary["steps"])


def find_step_errors(steps: Any) -> Iterator[str]:
    """The errors of the steps of a canary."""
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        yield "Options canary steps must be an array of objects"
        return
    for step in steps:
        unsupported = [name for name in step if name != STEP_KEY]
        if unsupported:
            yield f"Options canary steps has unsupported key(s): {', '.join(unsupported)}"
    if any(STEP_KEY not in step for step in steps):
        yield f'Options canary steps missing key: "{STEP_KEY}"'
    weights = [step.get(STEP_KEY) for step in steps]
    if any(type(each) is not int for each in weights):
        yield BAD_WEIGHT
        return
    if any(not 1 <= each <= 100 for each in weights):
        yield BAD_WEIGHT
    if weights != sorted(weights):
        yield "Options canary steps instance weight must be sorted in ascending order"


def read_metadata_message(request: ApiRequest) -> dict[str, Any]:
    """The metadata of a body that may have nothing else.

    Raises:
        Refusal: 422, with every error.
    """
    fields = read_message_body(request)
    errors = [
        *(find_metadata_errors(fields["metadata"]) if "metadata" in fields else ()),
        describe_unknown_fields(fields, ("metadata",)),
    ]
    if any(errors):
        raise refuse_message(request, [error for error in errors if error])
    enforce_contract(request)
    metadata: dict[str, Any] = fields.get("metadata") or {}
    return metadata
