"""Organizations: shown, listed, and what clients ask of one besides. Never changes anything.

Source: cloud_controller_ng, app/controllers/v3/organizations_controller.rb, app/messages/orgs_list_message.rb and
app/presenters/v3/organization_presenter.rb.
"""

from collections.abc import Collection
from typing import Any

from mockfoundry.cloudfoundry.api.lists.listing import Listing, ListReading, keep_by_name, list_page
from mockfoundry.cloudfoundry.api.lists.queries import COMMON_ORDERS, ListForm, read_list_query
from mockfoundry.cloudfoundry.api.lists.query_checks import check_arrays
from mockfoundry.cloudfoundry.api.organizations.isolation_segments import (
    find_isolation_segment,
    list_usable_segments,
    present_segment_relationship,
)
from mockfoundry.cloudfoundry.api.presenters import present_metadata, present_moment, present_reference
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.auth import list_readable_organizations, may_read_organization
from mockfoundry.cloudfoundry.errors import RESOURCE_NOT_FOUND, Refusal
from mockfoundry.cloudfoundry.organizations import Organization
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World


def find_organization(world: World, actor: User, guid: str) -> Organization:
    """The organization of that guid.

    Raises:
        Refusal: 404, if there is none or the actor may not read it.
    """
    organization = world.organizations.get(guid)
    if organization is None:
        raise Refusal(RESOURCE_NOT_FOUND, "Organization not found", why="world: no organization has this guid")
    if not may_read_organization(world, actor, organization):
        why = f"world: {actor.name} has no role in organization {organization.name}"
        raise Refusal(RESOURCE_NOT_FOUND, "Organization not found", why=why)
    return organization


def list_organizations(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The organizations that the actor may read."""
    query = read_list_query(request, ORGANIZATIONS.form)  # 400, 500
    rows = list_readable_organizations(world, actor)
    return list_page(ListReading(world, actor, request, query), ORGANIZATIONS, rows, "/v3/organizations")


def list_segment_organizations(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The organizations that the actor may read and that may use an isolation segment."""
    query = read_list_query(request, ORGANIZATIONS.form)  # 400, 500
    segment = find_isolation_segment(world, actor, request.path["guid"])  # 404
    usable = list_usable_segments(world)
    rows = [each for each in list_readable_organizations(world, actor) if segment.name in usable[each.guid]]
    path = f"/v3/isolation_segments/{segment.guid}/organizations"
    return list_page(ListReading(world, actor, request, query), ORGANIZATIONS, rows, path)


def get_organization(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One organization. Query parameters are ignored."""
    organization = find_organization(world, actor, request.path["guid"])  # 404
    return ApiResponse(
        200,
        present_organization(world, organization, request.base),
        "world: organization read",
        tolerated_violations=request.violations,
    )


def get_default_isolation_segment(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """The isolation segment of an organization's spaces that name none."""
    organization = find_organization(world, actor, request.path["guid"])  # 404
    owner = f"{request.base}/v3/organizations/{organization.guid}"
    body = present_segment_relationship(
        world, f"{owner}/relationships/default_isolation_segment", organization.default_isolation_segment, request.base
    )
    return ApiResponse(200, body, "world: default isolation segment read", tolerated_violations=request.violations)


def present_organization(world: World, organization: Organization, base: str) -> dict[str, Any]:
    """An organization.

    Args:
        world: that it is in: its quota may be the one of all organizations that name none.
        base: what links begin with.
    """
    url, quota = f"{base}/v3/organizations/{organization.guid}", world.quota_of(organization).guid
    return {
        "guid": organization.guid,
        "created_at": present_moment(organization.created_at),
        "updated_at": present_moment(organization.updated_at),
        "name": organization.name,
        "suspended": organization.suspended,
        "relationships": {"quota": present_reference(quota)},
        "metadata": present_metadata(organization),
        "links": {
            "self": {"href": url},
            "domains": {"href": f"{url}/domains"},
            "default_domain": {"href": f"{url}/domains/default"},
            "quota": {"href": f"{base}/v3/organization_quotas/{quota}"},
        },
    }


def present_included_organizations(world: World, guids: Collection[str], base: str) -> list[dict[str, Any]]:
    """Organizations beside other resources, the oldest first, whoever may read them [include_*_decorator.rb]."""
    found = sorted((world.organizations[guid] for guid in set(guids)), key=lambda each: (each.created_at, each.guid))
    return [present_organization(world, each, base) for each in found]


def present_organizations(reading: ListReading, organizations: list[Organization]) -> list[dict[str, Any]]:
    return [present_organization(reading.world, each, reading.request.base) for each in organizations]


ORGANIZATIONS: Listing[Organization] = Listing(
    noun="organizations",
    form=ListForm(
        own=("names", "isolation_segment_guid", "label_selector"),
        arrays=("names",),
        ignored=("isolation_segment_guid",),
        orders=(*COMMON_ORDERS, "name"),
        checks=(check_arrays("names"),),
    ),
    filters={"names": keep_by_name(lambda _, organization: organization.name)},
    present=present_organizations,
)
