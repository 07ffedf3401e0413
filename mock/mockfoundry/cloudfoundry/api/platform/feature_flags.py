"""Feature flags: shown, listed, and set by admins. Never decides what one forbids.

Source: cloud_controller_ng, app/controllers/v3/feature_flags_controller.rb, app/fetchers/feature_flag_list_fetcher.rb,
app/messages/feature_flags_update_message.rb and app/presenters/v3/feature_flag_presenter.rb.
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from mockfoundry.cloudfoundry.api.access import require_admin
from mockfoundry.cloudfoundry.api.lists.listing import Listing, ListReading, list_page
from mockfoundry.cloudfoundry.api.lists.queries import ListForm, read_list_query
from mockfoundry.cloudfoundry.api.lists.query_checks import check_not_filtered
from mockfoundry.cloudfoundry.api.messages import (
    describe_unknown_fields,
    enforce_contract,
    find_short_text_errors,
    read_message_body,
    refuse_message,
)
from mockfoundry.cloudfoundry.api.metadata import find_metadata_errors
from mockfoundry.cloudfoundry.api.presenters import present_moment
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.errors import RESOURCE_NOT_FOUND, Refusal
from mockfoundry.cloudfoundry.settings import FeatureFlag
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

FLAG_FIELDS = ("custom_error_message", "enabled", "metadata")
"""What a body may have; metadata is checked and then ignored."""

MAX_MESSAGE_LENGTH = 250


class FlagRow(msgspec.Struct, frozen=True):
    """A feature flag with its name."""

    name: str
    flag: FeatureFlag

    @property
    def updated_at(self) -> int | None:
        return self.flag.updated_at


def find_flag(world: World, name: str) -> FeatureFlag:
    """The feature flag of that name.

    Raises:
        Refusal: 404, if there is none.
    """
    flag = world.feature_flags.get(name)
    if flag is None:
        raise Refusal(RESOURCE_NOT_FOUND, "Feature flag not found", why=f"world: there is no feature flag {name}")
    return flag


def list_feature_flags(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The feature flags, which everybody may read."""
    query = read_list_query(request, FLAGS.form)  # 400, 500
    rows = [FlagRow(name, flag) for name, flag in world.feature_flags.items()]
    return list_page(ListReading(world, actor, request, query), FLAGS, rows, "/v3/feature_flags")


def get_feature_flag(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One feature flag. Query parameters are ignored."""
    name = request.path["name"]
    flag = find_flag(world, name)  # 404
    return ApiResponse(
        200,
        present_feature_flag(name, flag, request.base),
        "world: feature flag read",
        tolerated_violations=request.violations,
    )


def find_writable_flag(world: World, actor: User, request: ApiRequest) -> FeatureFlag:
    """The feature flag that a path names, for an admin.

    Raises:
        Refusal: 404, if there is none; 403, for anybody else.
    """
    flag = find_flag(world, request.path["name"])
    require_admin(actor)
    return flag


def update_feature_flag(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Sets a feature flag, its message, or both."""
    name, flag = request.path["name"], find_writable_flag(world, actor, request)  # 404, 403
    changes = read_flag_message(request)  # 422
    changed = replace(flag, **changes, updated_at=request.now)
    world.own_table("feature_flags")[name] = changed
    return ApiResponse(
        200,
        present_feature_flag(name, changed, request.base),
        "world: feature flag set",
        tolerated_violations=request.violations,
        state_changed=replace(changed, updated_at=flag.updated_at) != flag,
    )


def read_flag_message(request: ApiRequest) -> dict[str, Any]:
    """What a body sets of a feature flag.

    Raises:
        Refusal: 422, with every error.
    """
    fields = read_message_body(request)
    errors = [
        *(find_metadata_errors(fields["metadata"]) if "metadata" in fields else ()),
        describe_unknown_fields(fields, FLAG_FIELDS),
    ]
    if "enabled" in fields and not isinstance(fields["enabled"], bool):
        errors.append("Enabled must be a boolean")
    message = fields.get("custom_error_message")
    if message is not None:
        errors += find_short_text_errors("Custom error message", message, MAX_MESSAGE_LENGTH)
    if any(errors):
        raise refuse_message(request, [error for error in errors if error])
    enforce_contract(request)
    changes = {"enabled": fields["enabled"]} if "enabled" in fields else {}
    return {**changes, "error_message": message} if "custom_error_message" in fields else changes


def present_feature_flag(name: str, flag: FeatureFlag, base: str) -> dict[str, Any]:
    return {
        "name": name,
        "enabled": flag.enabled,
        "updated_at": None if flag.updated_at is None else present_moment(flag.updated_at),
        "custom_error_message": flag.error_message,
        "links": {"self": {"href": f"{base}/v3/feature_flags/{name}"}},
    }


def present_feature_flags(reading: ListReading, rows: list[FlagRow]) -> list[dict[str, Any]]:
    return [present_feature_flag(row.name, row.flag, reading.request.base) for row in rows]


FLAGS: Listing[FlagRow] = Listing(
    noun="feature flags",
    form=ListForm(orders=("name",), checks=(check_not_filtered("created_ats"),)),
    # Every list takes `guids`; flags have none, and are not narrowed by it.
    filters={"guids": lambda _, rows, __: rows},
    identity="name",
    default_order="name",
    counts_beyond_end=True,
    present=present_feature_flags,
)
