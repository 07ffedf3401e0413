"""Spaces: shown, listed, and what clients ask of one besides. Never changes anything.

Source: cloud_controller_ng, app/controllers/v3/spaces_controller.rb, app/messages/spaces_list_message.rb and
app/presenters/v3/space_presenter.rb.
"""

from collections.abc import Collection
from typing import Any

from mockfoundry.cloudfoundry.api.lists.listing import Inclusion, Listing, ListReading, keep_by, keep_by_name, list_page
from mockfoundry.cloudfoundry.api.lists.queries import COMMON_ORDERS, ListForm, read_list_query, read_shown
from mockfoundry.cloudfoundry.api.lists.query_checks import check_arrays, check_included
from mockfoundry.cloudfoundry.api.organizations.isolation_segments import present_segment_relationship
from mockfoundry.cloudfoundry.api.organizations.organizations import present_included_organizations
from mockfoundry.cloudfoundry.api.presenters import present_metadata, present_moment, present_reference
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.auth import may_read_space
from mockfoundry.cloudfoundry.errors import RESOURCE_NOT_FOUND, Refusal
from mockfoundry.cloudfoundry.organizations import Space
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

INCLUDED = ("org", "organization")
"""The values of `include` that show a space with its organization."""


def find_space(world: World, actor: User, guid: str) -> Space:
    """The space of that guid.

    Raises:
        Refusal: 404, if there is none or the actor may not read it.
    """
    space = world.spaces.get(guid)
    if space is None:
        raise Refusal(RESOURCE_NOT_FOUND, "Space not found", why="world: no space has this guid")
    if not may_read_space(actor, space):
        why = f"world: {actor.name} may not read space {space.name}"
        raise Refusal(RESOURCE_NOT_FOUND, "Space not found", why=why)
    return space


def list_spaces(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The spaces that the actor may read."""
    query = read_list_query(request, SPACES.form)  # 400, 500
    rows = [space for space in world.spaces.values() if may_read_space(actor, space)]
    return list_page(ListReading(world, actor, request, query), SPACES, rows, "/v3/spaces")


def get_space(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One space, with its organization where that is to be included."""
    space = find_space(world, actor, request.path["guid"])  # 404
    include = read_shown(request, "include", INCLUDED)  # 400
    body = present_space(space, request.base)
    if include:
        body["included"] = {"organizations": present_included_organizations(world, [space.organization], request.base)}
    return ApiResponse(200, body, "world: space read", tolerated_violations=request.violations)


def get_space_isolation_segment(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """The isolation segment that a space names itself."""
    space = find_space(world, actor, request.path["guid"])  # 404
    url = f"{request.base}/v3/spaces/{space.guid}/relationships/isolation_segment"
    body = present_segment_relationship(world, url, space.isolation_segment, request.base)
    return ApiResponse(200, body, "world: isolation segment of the space read", tolerated_violations=request.violations)


SSH_FEATURE = "ssh"


def list_space_features(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """The features of a space: one, and no pages."""
    space = find_space(world, actor, request.path["guid"])  # 404
    return ApiResponse(
        200,
        {"resources": [present_ssh_feature(space)]},
        "world: features of the space listed",
        tolerated_violations=request.violations,
    )


def get_space_feature(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One feature of a space, by its name."""
    space = find_space(world, actor, request.path["guid"])  # 404
    if request.path["name"] != SSH_FEATURE:
        why = f"world: a space has no feature but {SSH_FEATURE}"
        raise Refusal(RESOURCE_NOT_FOUND, "Feature not found", why)  # 404
    return ApiResponse(
        200, present_ssh_feature(space), "world: feature of the space read", tolerated_violations=request.violations
    )


def present_ssh_feature(space: Space) -> dict[str, Any]:
    return {"name": SSH_FEATURE, "description": "Enable SSHing into apps in the space.", "enabled": space.allow_ssh}


def present_space(space: Space, base: str) -> dict[str, Any]:
    """A space.

    Args:
        base: what links begin with.
    """
    url = f"{base}/v3/spaces/{space.guid}"
    links: dict[str, Any] = {
        "self": {"href": url},
        "organization": {"href": f"{base}/v3/organizations/{space.organization}"},
        "features": {"href": f"{url}/features"},
        "apply_manifest": {"href": f"{url}/actions/apply_manifest", "method": "POST"},
    }
    if space.quota is not None:
        links["quota"] = {"href": f"{base}/v3/space_quotas/{space.quota.guid}"}
    return {
        "guid": space.guid,
        "created_at": present_moment(space.created_at),
        "updated_at": present_moment(space.updated_at),
        "name": space.name,
        "suspended": space.suspended,
        "relationships": {
            "organization": present_reference(space.organization),
            "quota": present_reference(None if space.quota is None else space.quota.guid),
        },
        "metadata": present_metadata(space),
        "links": links,
    }


def present_included_spaces(world: World, guids: Collection[str], base: str) -> list[dict[str, Any]]:
    """Spaces beside other resources, the oldest first, whoever may read them [include_*_decorator.rb]."""
    found = sorted((world.spaces[guid] for guid in set(guids)), key=lambda each: (each.created_at, each.guid))
    return [present_space(each, base) for each in found]


def present_spaces(reading: ListReading, spaces: list[Space]) -> list[dict[str, Any]]:
    return [present_space(each, reading.request.base) for each in spaces]


def include_organizations(reading: ListReading, spaces: list[Space]) -> list[dict[str, Any]]:
    guids = [space.organization for space in spaces]
    return present_included_organizations(reading.world, guids, reading.request.base)


SPACES: Listing[Space] = Listing(
    noun="spaces",
    form=ListForm(
        own=("names", "organization_guids", "include", "label_selector"),
        arrays=("names", "organization_guids"),
        orders=(*COMMON_ORDERS, "name"),
        checks=(check_included(*INCLUDED), check_arrays("names", "organization_guids")),
    ),
    filters={
        "names": keep_by_name(lambda _, space: space.name),
        "organization_guids": keep_by(lambda _, space: space.organization),
    },
    inclusions=(Inclusion("organizations", INCLUDED, include_organizations),),
    present=present_spaces,
)
