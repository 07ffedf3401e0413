"""The quota message: the body that changes a quota, and what is wrong with it. Changes nothing.

Quotas of spaces take the same as those of organizations: their controller reads the same message.
Source: cloud_controller_ng, app/messages/organization_quotas_update_message.rb, quotas_apps_message.rb,
quotas_services_message.rb and quotas_routes_message.rb.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from mockfoundry.cloudfoundry.api.lists.query_checks import name_attribute
from mockfoundry.cloudfoundry.api.messages import (
    IntRange,
    cast_integer,
    describe_unknown_fields,
    enforce_contract,
    find_number_error,
    find_short_text_errors,
    read_message_body,
    refuse_message,
    refuse_unexpected,
)
from mockfoundry.cloudfoundry.api.request import ApiRequest
from mockfoundry.cloudfoundry.model import LARGEST_INTEGER, LARGEST_LONG

MAX_NAME_LENGTH = 250

_AT_LEAST_NONE = "must be greater than or equal to 0"
_LIMIT = IntRange(0, LARGEST_INTEGER, _AT_LEAST_NONE)
_NO_LIMIT = IntRange(0, 1 << 1000, _AT_LEAST_NONE)

PAID_SERVICES = "paid_services_allowed"

QUOTA_PARTS: Mapping[str, Mapping[str, IntRange]] = {
    "apps": {
        "total_memory_in_mb": _LIMIT,
        "per_process_memory_in_mb": _LIMIT,
        "total_instances": _LIMIT,
        "per_app_tasks": _LIMIT,
        "log_rate_limit_in_bytes_per_second": IntRange(0, LARGEST_LONG, _AT_LEAST_NONE),
    },
    "services": {"total_service_keys": _LIMIT, "total_service_instances": _LIMIT},
    "routes": {"total_routes": _LIMIT, "total_reserved_ports": _LIMIT},
    "domains": {"total_domains": _NO_LIMIT},
}
"""The limits by the part of the body that they stand in, in the order in which they are checked."""

QUOTA_FIELDS = ("name", *QUOTA_PARTS)


def read_quota_message(request: ApiRequest) -> dict[str, Any]:
    """The limits and the name that a body changes, as a quota has them; null is no limit.

    Raises:
        Refusal: 422, with every error; 500, where a number is larger than the database takes.
    """
    fields = read_message_body(request)
    errors = [describe_unknown_fields(fields, QUOTA_FIELDS)]
    if "name" in fields:
        errors += find_short_text_errors("Name", fields["name"], MAX_NAME_LENGTH)
    for part in QUOTA_PARTS:
        if part in fields:
            errors += (f"{part.capitalize()} {error}" for error in find_part_errors(part, fields[part]))
    if any(errors):
        raise refuse_message(request, [error for error in errors if error])
    enforce_contract(request)
    changes: dict[str, Any] = {"name": fields["name"]} if "name" in fields else {}
    for part, limits in QUOTA_PARTS.items():
        given = fields.get(part, {})
        changes.update({name: cast_integer(given[name]) for name in limits if name in given})
        if PAID_SERVICES in given and part == "services":
            changes[PAID_SERVICES] = given[PAID_SERVICES] is not False
    if (changes.get("total_domains") or 0) > LARGEST_INTEGER:
        raise refuse_unexpected("a number of domains that the database does not take")
    return changes


def find_part_errors(part: str, given: Any) -> Iterator[str]:
    """What is wrong with one part of a quota, each error without the name of the part."""
    if not isinstance(given, dict):
        yield "must be an object"
        return
    limits = QUOTA_PARTS[part]
    known = (*limits, PAID_SERVICES) if part == "services" else tuple(limits)
    unknown = describe_unknown_fields(given, known)
    if unknown:
        yield unknown
    for name, bounds in limits.items():
        error = find_number_error(given.get(name), bounds)
        if error:
            yield f"{name_attribute(name)} {error}"
    if part == "services" and not isinstance(given.get(PAID_SERVICES), bool | None):
        yield f"{name_attribute(PAID_SERVICES)} must be a boolean"
