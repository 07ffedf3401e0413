"""Security groups: those that hold in a space. Never changes anything, and never opens or closes a way.

Source: cloud_controller_ng, app/controllers/v3/spaces_controller.rb (`running_security_groups`,
`staging_security_groups`), app/messages/space_security_groups_list_message.rb and
app/presenters/v3/security_group_presenter.rb.
"""

from functools import partial
from typing import Any

from msgspec.structs import replace

from mockfoundry.cloudfoundry.api.lists.listing import Listing, ListReading, keep_by, list_page
from mockfoundry.cloudfoundry.api.lists.queries import ListForm, read_list_query
from mockfoundry.cloudfoundry.api.lists.query_checks import check_arrays
from mockfoundry.cloudfoundry.api.organizations.spaces import find_space
from mockfoundry.cloudfoundry.api.presenters import present_moment
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.errors import UNPROCESSABLE_ENTITY
from mockfoundry.cloudfoundry.organizations import SecurityGroup
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World


def list_running_security_groups(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The security groups that hold for the running apps of a space."""
    return list_space_groups(world, actor, request, "running")


def list_staging_security_groups(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The security groups that hold for the apps of a space that are staged."""
    return list_space_groups(world, actor, request, "staging")


def list_space_groups(world: World, actor: User, request: ApiRequest, phase: str) -> ApiResponse | LateResponse:
    query = read_list_query(request, SPACE_GROUPS.form)  # 422, 500
    space = find_space(world, actor, request.path["guid"])  # 404
    place = f"{world.organizations[space.organization].name}/{space.name}"
    groups = [
        group
        for group in world.security_groups.values()
        if getattr(group, f"{phase}_default") or place in getattr(group, f"{phase}_spaces")
    ]
    # Whoever reads this list is shown this space only, an admin too.
    listing = replace(SPACE_GROUPS, present=partial(present_space_groups, space.guid, place))
    path = f"/v3/spaces/{space.guid}/{phase}_security_groups"
    return list_page(ListReading(world, actor, request, query), listing, groups, path)


def present_space_groups(
    space: str, place: str, reading: ListReading, groups: list[SecurityGroup]
) -> list[dict[str, Any]]:
    """Security groups with one of the spaces that they hold in.

    Args:
        space: its guid.
        place: its organization and its name.
    """
    return [
        {
            "guid": group.guid,
            "created_at": present_moment(group.created_at),
            "updated_at": present_moment(group.updated_at),
            "name": group.name,
            "rules": list(group.rules),
            "globally_enabled": {"running": group.running_default, "staging": group.staging_default},
            "relationships": {
                "running_spaces": {"data": [{"guid": space}] if place in group.running_spaces else []},
                "staging_spaces": {"data": [{"guid": space}] if place in group.staging_spaces else []},
            },
            "links": {"self": {"href": f"{reading.request.base}/v3/security_groups/{group.guid}"}},
        }
        for group in groups
    ]


SPACE_GROUPS: Listing[SecurityGroup] = Listing(
    noun="security groups",
    form=ListForm(own=("names",), arrays=("names",), checks=(check_arrays("names"),), entry=UNPROCESSABLE_ENTITY),
    filters={"names": keep_by(lambda _, group: group.name)},
    present=partial(present_space_groups, "", ""),
)
