"""Roles: what users are in organizations and spaces, shown and listed. Never decides what one allows.

A role is no entity of its own: it follows from the roles that a user has, and is as old as the user.
Source: cloud_controller_ng, app/controllers/v3/roles_controller.rb, app/fetchers/role_list_fetcher.rb,
app/messages/roles_list_message.rb, role_show_message.rb and app/presenters/v3/role_presenter.rb.
"""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote_plus

import msgspec

from mockfoundry.cloudfoundry.api.lists.listing import Inclusion, Listing, ListReading, keep_by, list_page
from mockfoundry.cloudfoundry.api.lists.queries import ListForm, read_list_query, read_shown
from mockfoundry.cloudfoundry.api.lists.query_checks import check_arrays, check_included
from mockfoundry.cloudfoundry.api.organizations.organizations import present_included_organizations
from mockfoundry.cloudfoundry.api.organizations.spaces import present_included_spaces
from mockfoundry.cloudfoundry.api.organizations.users import list_all_users, present_included_users
from mockfoundry.cloudfoundry.api.presenters import present_moment, present_reference
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.auth import list_readable_organizations, may_read_space, reads_everything
from mockfoundry.cloudfoundry.errors import RESOURCE_NOT_FOUND, UNPROCESSABLE_ENTITY, Refusal
from mockfoundry.cloudfoundry.generator import derive_guid
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

INCLUDED = ("user", "organization", "space")


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """What a user is in an organization, or in a space; the other one is None.

    Attributes:
        user, organization, space: guids.
    """

    guid: str
    created_at: int
    updated_at: int
    type: str
    user: str
    organization: str | None = None
    space: str | None = None


def list_all_roles(world: World) -> Iterator[Role]:
    for user in list_all_users(world):
        for guid, types in user.organization_roles.items():
            if guid in world.organizations:
                yield from (build_role(world, user, each, organization=guid) for each in sorted(types))
        for guid, types in user.space_roles.items():
            if guid in world.spaces:
                yield from (build_role(world, user, each, space=guid) for each in sorted(types))


def build_role(
    world: World, user: User, role_type: str, organization: str | None = None, space: str | None = None
) -> Role:
    return Role(
        guid=derive_guid(world.random_seed, "role", user.guid, role_type, organization or space or ""),
        created_at=user.created_at,
        updated_at=user.updated_at,
        type=role_type,
        user=user.guid,
        organization=organization,
        space=space,
    )


def list_readable_roles(world: World, actor: User) -> list[Role]:
    """The roles in the organizations and the spaces that the actor may read."""
    roles = list_all_roles(world)
    if reads_everything(actor):
        return list(roles)
    organizations = {each.guid for each in list_readable_organizations(world, actor)}
    spaces = {each.guid for each in world.spaces.values() if may_read_space(actor, each)}
    return [role for role in roles if role.organization in organizations or role.space in spaces]


def list_roles(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The roles that the actor may read."""
    query = read_list_query(request, ROLES.form)  # 422, 500
    return list_page(ListReading(world, actor, request, query), ROLES, list_readable_roles(world, actor), "/v3/roles")


def get_role(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One role, with what it relates where that is to be included."""
    include = read_shown(request, "include", INCLUDED, UNPROCESSABLE_ENTITY)  # 422
    guid = request.path["guid"]
    role = next((each for each in list_readable_roles(world, actor) if each.guid == guid), None)
    if role is None:
        there = any(each.guid == guid for each in list_all_roles(world))
        why = f"{actor.name} may not read where it is" if there else "no role has this guid"
        raise Refusal(RESOURCE_NOT_FOUND, "Role not found", f"world: {why}")  # 404
    body = present_role(role, request.base)
    if include:
        body["included"] = {
            key: present(world, [role], request.base) for name, key, present in _INCLUSIONS if name in include
        }
    return ApiResponse(200, body, "world: role read", tolerated_violations=request.violations)


def present_role(role: Role, base: str) -> dict[str, Any]:
    """A role; the place that it is in comes first, and the other one is none."""
    user = {"href": f"{base}/v3/users/{quote_plus(role.user)}"}
    relationships = {"user": present_reference(role.user)}
    links = {"self": {"href": f"{base}/v3/roles/{role.guid}"}, "user": user}
    if role.space is not None:
        relationships |= {"space": present_reference(role.space), "organization": present_reference(None)}
        links["space"] = {"href": f"{base}/v3/spaces/{role.space}"}
    else:
        relationships |= {"organization": present_reference(role.organization), "space": present_reference(None)}
        links["organization"] = {"href": f"{base}/v3/organizations/{role.organization}"}
    return {
        "guid": role.guid,
        "created_at": present_moment(role.created_at),
        "updated_at": present_moment(role.updated_at),
        "type": role.type,
        "relationships": relationships,
        "links": links,
    }


def present_roles(reading: ListReading, roles: list[Role]) -> list[dict[str, Any]]:
    return [present_role(each, reading.request.base) for each in roles]


def include_users(world: World, roles: list[Role], base: str) -> list[dict[str, Any]]:
    return present_included_users(world, {role.user for role in roles}, base)


def include_organizations(world: World, roles: list[Role], base: str) -> list[dict[str, Any]]:
    guids = {role.organization for role in roles if role.organization is not None}
    return present_included_organizations(world, guids, base)


def include_spaces(world: World, roles: list[Role], base: str) -> list[dict[str, Any]]:
    return present_included_spaces(world, {role.space for role in roles if role.space is not None}, base)


_INCLUSIONS = (
    ("user", "users", include_users),
    ("organization", "organizations", include_organizations),
    ("space", "spaces", include_spaces),
)


def build_inclusion(
    name: str, key: str, present: Callable[[World, list[Role], str], list[dict[str, Any]]]
) -> Inclusion[Role]:
    return Inclusion(key, (name,), lambda reading, roles: present(reading.world, roles, reading.request.base))


ROLES: Listing[Role] = Listing(
    noun="roles",
    form=ListForm(
        own=("organization_guids", "space_guids", "user_guids", "types", "include"),
        arrays=("organization_guids", "space_guids", "user_guids", "types"),
        implied_order="created_at",
        checks=(check_included(*INCLUDED), check_arrays("organization_guids", "space_guids", "user_guids", "types")),
        entry=UNPROCESSABLE_ENTITY,
    ),
    filters={
        "organization_guids": keep_by(lambda _, role: role.organization),
        "space_guids": keep_by(lambda _, role: role.space),
        "user_guids": keep_by(lambda _, role: role.user),
        "types": keep_by(lambda _, role: role.type),
    },
    inclusions=tuple(build_inclusion(*each) for each in _INCLUSIONS),
    present=present_roles,
)
