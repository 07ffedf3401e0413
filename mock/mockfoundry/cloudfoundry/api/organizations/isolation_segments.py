"""Isolation segments: shown, listed, and named by organizations and spaces. Never changes anything.

Source: cloud_controller_ng, app/controllers/v3/isolation_segments_controller.rb,
app/fetchers/isolation_segment_list_fetcher.rb, app/presenters/v3/isolation_segment_presenter.rb and
to_one_relationship_presenter.rb.
"""

from typing import Any

from mockfoundry.cloudfoundry.api.lists.listing import Listing, ListReading, keep_by_any, keep_by_name, list_page
from mockfoundry.cloudfoundry.api.lists.queries import COMMON_ORDERS, ListForm, read_list_query
from mockfoundry.cloudfoundry.api.lists.query_checks import check_arrays
from mockfoundry.cloudfoundry.api.presenters import present_metadata, present_moment
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.auth import list_readable_organizations, reads_everything
from mockfoundry.cloudfoundry.errors import RESOURCE_NOT_FOUND, Refusal
from mockfoundry.cloudfoundry.organizations import IsolationSegment
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World


def list_usable_segments(world: World) -> dict[str, set[str]]:
    """The names of the isolation segments that each organization may use, by its guid: its own and those of spaces."""
    usable = {
        guid: {*each.isolation_segments, each.default_isolation_segment or ""} - {""}
        for guid, each in world.organizations.items()
    }
    for space in world.spaces.values():
        if space.isolation_segment is not None:
            usable[space.organization].add(space.isolation_segment)
    return usable


def list_readable_segments(world: World, actor: User) -> list[IsolationSegment]:
    """The isolation segments that an organization may use which the actor may read."""
    segments = world.isolation_segments.values()
    if reads_everything(actor):
        return list(segments)
    usable = list_usable_segments(world)
    names = {name for each in list_readable_organizations(world, actor) for name in usable[each.guid]}
    return [segment for segment in segments if segment.name in names]


def find_isolation_segment(world: World, actor: User, guid: str) -> IsolationSegment:
    """The isolation segment of that guid.

    Raises:
        Refusal: 404, if there is none or the actor may not read it.
    """
    for segment in list_readable_segments(world, actor):
        if segment.guid == guid:
            return segment
    there = any(segment.guid == guid for segment in world.isolation_segments.values())
    why = f"world: no organization of {actor.name} may use it" if there else "world: no isolation segment has this guid"
    raise Refusal(RESOURCE_NOT_FOUND, "Isolation segment not found", why)


def list_isolation_segments(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The isolation segments that the actor may read."""
    query = read_list_query(request, ISOLATION_SEGMENTS.form)  # 400, 500
    rows = list_readable_segments(world, actor)
    return list_page(ListReading(world, actor, request, query), ISOLATION_SEGMENTS, rows, "/v3/isolation_segments")


def get_isolation_segment(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One isolation segment. Query parameters are ignored."""
    segment = find_isolation_segment(world, actor, request.path["guid"])  # 404
    return ApiResponse(
        200,
        present_isolation_segment(segment, request.base),
        "world: isolation segment read",
        tolerated_violations=request.violations,
    )


def present_isolation_segment(segment: IsolationSegment, base: str) -> dict[str, Any]:
    url = f"{base}/v3/isolation_segments/{segment.guid}"
    return {
        "guid": segment.guid,
        "created_at": present_moment(segment.created_at),
        "updated_at": present_moment(segment.updated_at),
        "name": segment.name,
        "metadata": present_metadata(segment),
        "links": {"self": {"href": url}, "organizations": {"href": f"{url}/organizations"}},
    }


def present_segment_relationship(world: World, url: str, name: str | None, base: str) -> dict[str, Any]:
    """What relates an organization or a space to its isolation segment.

    Args:
        url: of the relationship.
        name: of the segment; None where there is none.
        base: what other links begin with.
    """
    if name is None:
        return {"data": None, "links": {"self": {"href": url}}}
    guid = world.isolation_segments[name].guid
    related = {"href": f"{base}/v3/isolation_segments/{guid}"}
    return {"data": {"guid": guid}, "links": {"self": {"href": url}, "related": related}}


def present_isolation_segments(reading: ListReading, segments: list[IsolationSegment]) -> list[dict[str, Any]]:
    return [present_isolation_segment(each, reading.request.base) for each in segments]


def list_organizations_of(world: World, segment: IsolationSegment) -> list[str]:
    """The guids of the organizations that may use an isolation segment."""
    return [guid for guid, names in list_usable_segments(world).items() if segment.name in names]


ISOLATION_SEGMENTS: Listing[IsolationSegment] = Listing(
    noun="isolation segments",
    form=ListForm(
        own=("names", "organization_guids", "label_selector"),
        arrays=("names", "organization_guids"),
        orders=(*COMMON_ORDERS, "name"),
        checks=(check_arrays("names", "organization_guids"),),
    ),
    filters={
        "names": keep_by_name(lambda _, segment: segment.name),
        "organization_guids": keep_by_any(list_organizations_of),
    },
    present=present_isolation_segments,
)
