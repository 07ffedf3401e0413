"""Apps read: one of them, and the list. Never changes anything.

Source: cloud_controller_ng, app/controllers/v3/apps_controller.rb, app/messages/apps_list_message.rb and
app_show_message.rb, app/fetchers/app_list_fetcher.rb, app/decorators/include_*_decorator.rb.
"""

from collections.abc import Collection
from typing import Any

from mockfoundry.cloudfoundry.api.access import find_app
from mockfoundry.cloudfoundry.api.apps.presenters import present_app
from mockfoundry.cloudfoundry.api.lists.listing import Inclusion, Listing, ListReading, keep_by, keep_by_name, list_page
from mockfoundry.cloudfoundry.api.lists.queries import COMMON_ORDERS, ListForm, read_list_query, read_shown
from mockfoundry.cloudfoundry.api.lists.query_checks import check_arrays, check_choice, check_included
from mockfoundry.cloudfoundry.api.organizations.organizations import present_included_organizations
from mockfoundry.cloudfoundry.api.organizations.spaces import present_included_spaces
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.auth import may_read_space
from mockfoundry.cloudfoundry.model import App
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

INCLUDED_BESIDE_APPS = ("space", "org", "space.organization")
SHOWS_SPACES = ("space", "space.organization")
SHOWS_ORGANIZATIONS = ("org", "space.organization")


def get_app(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One app, with its space and its organization where these are to be included."""
    include = read_shown(request, "include", INCLUDED_BESIDE_APPS)  # 400
    app, space = find_app(world, actor, request.path["guid"])  # 404
    body = present_app(app, request.base)
    if include:
        included: dict[str, Any] = {}
        if not frozenset(include).isdisjoint(SHOWS_SPACES):
            included["spaces"] = present_included_spaces(world, [space.guid], request.base)
        if not frozenset(include).isdisjoint(SHOWS_ORGANIZATIONS):
            included["organizations"] = present_included_organizations(world, [space.organization], request.base)
        body["included"] = included
    return ApiResponse(200, body, "world: app read", tolerated_violations=request.violations)


def list_apps(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The apps of every space that the actor may read."""
    query = read_list_query(request, APPS.form)  # 400, 500
    readable_spaces = {space.guid for space in world.spaces.values() if may_read_space(actor, space)}
    apps: Collection[App] = world.apps.values()
    if len(readable_spaces) < len(world.spaces):
        apps = [app for app in apps if app.space in readable_spaces]
    return list_page(ListReading(world, actor, request, query), APPS, apps, "/v3/apps")


def present_apps(reading: ListReading, apps: list[App]) -> list[dict[str, Any]]:
    base = reading.request.base
    return [present_app(app, base) for app in apps]


def include_spaces(reading: ListReading, apps: list[App]) -> list[dict[str, Any]]:
    return present_included_spaces(reading.world, {app.space for app in apps}, reading.request.base)


def include_organizations(reading: ListReading, apps: list[App]) -> list[dict[str, Any]]:
    spaces = reading.world.spaces
    guids = {spaces[app.space].organization for app in apps}
    return present_included_organizations(reading.world, guids, reading.request.base)


def keep_by_stack(_: World, apps: list[App], stacks: tuple[str, ...]) -> list[App]:
    """The apps of lifecycle buildpack that have one of the stacks; an empty name means none."""
    wanted = {stack or None for stack in stacks}
    return [app for app in apps if app.lifecycle == "buildpack" and app.stack in wanted]


APPS: Listing[App] = Listing(
    noun="apps",
    form=ListForm(
        own=("names", "organization_guids", "space_guids", "stacks", "include", "lifecycle_type", "label_selector"),
        arrays=("names", "organization_guids", "space_guids", "stacks"),
        orders=(*COMMON_ORDERS, "name", "state"),
        checks=(
            check_included(*INCLUDED_BESIDE_APPS),
            check_choice("lifecycle_type", ("buildpack", "docker", "cnb"), "Invalid lifecycle_type: '{}'"),
            check_arrays("names", "organization_guids", "space_guids", "stacks"),
        ),
    ),
    present=present_apps,
    filters={
        "names": keep_by_name(lambda _, app: app.name),
        "space_guids": keep_by(lambda _, app: app.space),
        "organization_guids": keep_by(lambda world, app: world.spaces[app.space].organization),
        "stacks": keep_by_stack,
        "lifecycle_type": keep_by(lambda _, app: app.lifecycle),
    },
    inclusions=(
        Inclusion("spaces", SHOWS_SPACES, include_spaces),
        Inclusion("organizations", SHOWS_ORGANIZATIONS, include_organizations),
    ),
)
