"""Users: shown and listed, as the Cloud Controller knows them with their names from UAA. Never changes anything.

Source: cloud_controller_ng, app/controllers/v3/users_controller.rb, app/fetchers/user_list_fetcher.rb,
app/messages/users_list_message.rb, app/presenters/v3/user_presenter.rb and lib/cloud_controller/permissions.rb
(`readable_users_query`).
"""

from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import quote_plus

from msgspec.structs import replace

from mockfoundry.cloudfoundry.api.lists.listing import Listing, ListReading, list_page
from mockfoundry.cloudfoundry.api.lists.parameters import Parameters
from mockfoundry.cloudfoundry.api.lists.queries import ListForm, read_list_query
from mockfoundry.cloudfoundry.api.lists.query_checks import check_arrays
from mockfoundry.cloudfoundry.api.presenters import present_metadata, present_moment
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.auth import ANY_ADMIN, list_readable_organizations, reads_everything
from mockfoundry.cloudfoundry.errors import RESOURCE_NOT_FOUND, UNPROCESSABLE_ENTITY, Refusal
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World


def list_all_users(world: World) -> list[User]:
    """The admin that every foundation has, unless the seed has one, and the users of the seed."""
    users = list(world.users.values())
    if ANY_ADMIN.name in world.users:
        return users
    # As old as the quota that every foundation has too, since exports keep the age of that one.
    made = world.default_quota.created_at
    return [replace(ANY_ADMIN, created_at=made, updated_at=made), *users]


def list_memberships(world: World, user: User) -> set[str]:
    """The guids of the organizations that a user is a member of: by a role in one, or in a space of it."""
    spaces = (world.spaces.get(guid) for guid, roles in user.space_roles.items() if roles)
    return {
        *(guid for guid, roles in user.organization_roles.items() if roles),
        *(space.organization for space in spaces if space is not None),
    }


def list_readable_users(world: World, actor: User) -> list[User]:
    """The users that the actor sees: the members of the organizations that they may read, and themselves."""
    users = list_all_users(world)
    if reads_everything(actor):
        return users
    readable = {each.guid for each in list_readable_organizations(world, actor)}
    return [user for user in users if user.guid == actor.guid or not readable.isdisjoint(list_memberships(world, user))]


def list_users(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The users that the actor may read."""
    query = read_list_query(request, USERS.form)  # 422, 500
    return list_page(ListReading(world, actor, request, query), USERS, list_readable_users(world, actor), "/v3/users")


def get_user(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One user. Query parameters are ignored."""
    guid = request.path["guid"]
    user = next((each for each in list_readable_users(world, actor) if each.guid == guid), None)
    if user is None:
        there = any(each.guid == guid for each in list_all_users(world))
        why = f"{actor.name} shares no organization with them" if there else "no user has this guid"
        raise Refusal(RESOURCE_NOT_FOUND, "User not found", f"world: {why}")  # 404
    return ApiResponse(
        200, present_user(user, request.base), "world: user read", tolerated_violations=request.violations
    )


def present_user(user: User, base: str) -> dict[str, Any]:
    return {
        "guid": user.guid,
        "created_at": present_moment(user.created_at),
        "updated_at": present_moment(user.updated_at),
        "username": user.name,
        "presentation_name": user.name,
        "origin": user.origin,
        "metadata": present_metadata(user),
        "links": {"self": {"href": f"{base}/v3/users/{quote_plus(user.guid)}"}},
    }


def present_users(reading: ListReading, users: list[User]) -> list[dict[str, Any]]:
    return [present_user(each, reading.request.base) for each in users]


def present_included_users(world: World, guids: Collection[str], base: str) -> list[dict[str, Any]]:
    """Users beside other resources, the oldest first, whoever may read them [include_role_user_decorator.rb]."""
    found = sorted(
        (each for each in list_all_users(world) if each.guid in guids), key=lambda each: (each.created_at, each.guid)
    )
    return [present_user(each, base) for each in found]


def find_username_errors(parameters: Parameters) -> Iterator[str]:
    """What is wrong with the parameters that UAA is asked about."""
    if "origins" in parameters and not {"usernames", "partial_usernames"} & parameters.keys():
        yield "Origins filter cannot be provided without usernames or partial_usernames filter."
    if {"usernames", "partial_usernames"} <= parameters.keys():
        yield "Usernames filter cannot be provided with both usernames and partial_usernames filter."


def keep_usernames(_: World, users: list[User], names: tuple[str, ...]) -> list[User]:
    """The users of those names, in any case, as UAA compares them."""
    wanted = {name.lower() for name in names}
    return [user for user in users if user.name.lower() in wanted]


def keep_partial_usernames(_: World, users: list[User], parts: tuple[str, ...]) -> list[User]:
    wanted = [part.lower() for part in parts]
    return [user for user in users if any(part in user.name.lower() for part in wanted)]


def keep_origins(_: World, users: list[User], origins: tuple[str, ...]) -> list[User]:
    wanted = {origin.lower() for origin in origins}
    return [user for user in users if user.origin.lower() in wanted]


USERS: Listing[User] = Listing(
    noun="users",
    form=ListForm(
        own=("usernames", "partial_usernames", "origins", "label_selector"),
        arrays=("usernames", "partial_usernames", "origins"),
        checks=(find_username_errors, check_arrays("usernames", "partial_usernames", "origins")),
        entry=UNPROCESSABLE_ENTITY,
    ),
    filters={
        "usernames": keep_usernames,
        "partial_usernames": keep_partial_usernames,
        "origins": keep_origins,
    },
    present=present_users,
)
