"""Packages and builds: shown and listed. Never uploads or stages anything.

Source: cloud_controller_ng, app/controllers/v3/packages_controller.rb, builds_controller.rb and apps_controller.rb
(`builds`), app/messages/packages_list_message.rb, builds_list_message.rb and app_builds_list_message.rb.
"""

from typing import Any

import msgspec

from mockfoundry.cloudfoundry.api.access import app_guid_override
from mockfoundry.cloudfoundry.api.app_parts.lists import (
    PartRow,
    filter_by_app,
    list_parts_of_all,
    list_parts_of_app,
    require_readable,
)
from mockfoundry.cloudfoundry.api.app_parts.presenters import present_build, present_package
from mockfoundry.cloudfoundry.api.lists.listing import Listing, ListReading, keep_by
from mockfoundry.cloudfoundry.api.lists.queries import ListForm
from mockfoundry.cloudfoundry.api.lists.query_checks import check_absent, check_arrays
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.app_parts import Package
from mockfoundry.cloudfoundry.staging import (
    Build,
    find_build,
    find_package,
    list_builds,
    list_packages,
    package_guid_of,
    package_type_of,
)
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

# Packages


def list_all_packages(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The packages of every app that the actor may read; of one app, where the query names it."""
    if (guid := app_guid_override(request)) is not None:
        return list_parts_of_app(world, actor, request, PACKAGES_OF_APP, list_packages, guid, "packages")
    return list_parts_of_all(world, actor, request, PACKAGES, list_packages, "/v3/packages")


def list_app_packages(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The packages of an app."""
    return list_parts_of_app(world, actor, request, PACKAGES_OF_APP, list_packages, request.path["guid"], "packages")


def get_package(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One package."""
    app, package, _ = require_readable(world, actor, find_package(world, request.path["guid"]), "Package")  # 404
    body = present_package(app, package, request.base)
    return ApiResponse(200, body, "world: package read", tolerated_violations=request.violations)


def present_packages(reading: ListReading, rows: list[PartRow[Package]]) -> list[dict[str, Any]]:
    return [present_package(row.app, row.part, reading.request.base) for row in rows]


PACKAGES: Listing[PartRow[Package]] = Listing(
    noun="packages",
    form=ListForm(
        own=("states", "types", "app_guids", "app_guid", "space_guids", "organization_guids", "label_selector"),
        arrays=("types", "states", "app_guids", "space_guids", "organization_guids"),
        ignored=("app_guid",),
        checks=(check_arrays("states", "types", "app_guids", "space_guids", "organization_guids"),),
    ),
    filters={
        **filter_by_app(Package),
        "states": keep_by(lambda _, row: row.part.state),
        "types": keep_by(lambda _, row: package_type_of(row.app, row.part)),
    },
    present=present_packages,
)

PACKAGES_OF_APP: Listing[PartRow[Package]] = msgspec.structs.replace(
    PACKAGES,
    form=msgspec.structs.replace(
        PACKAGES.form,
        checks=(*PACKAGES.form.checks, check_absent("app_guids", "organization_guids", "space_guids")),
    ),
)

# Builds


def list_all_builds(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The builds of every app that the actor may read."""
    return list_parts_of_all(world, actor, request, BUILDS, list_builds, "/v3/builds")


def list_app_builds(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The builds of an app."""
    return list_parts_of_app(world, actor, request, BUILDS_OF_APP, list_builds, request.path["guid"], "builds")


def get_build(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One build."""
    found = find_build(world, request.path["guid"])
    _, build, _ = require_readable(world, actor, None if found is None else (found.app, found), "Build")  # 404
    body = present_build(build, request.base)
    return ApiResponse(200, body, "world: build read", tolerated_violations=request.violations)


def present_builds(reading: ListReading, rows: list[PartRow[Build]]) -> list[dict[str, Any]]:
    return [present_build(row.part, reading.request.base) for row in rows]


BUILDS: Listing[PartRow[Build]] = Listing(
    noun="builds",
    form=ListForm(
        own=("app_guids", "package_guids", "states", "label_selector"),
        arrays=("app_guids", "package_guids", "states"),
        checks=(check_arrays("app_guids", "package_guids", "states"),),
    ),
    filters={
        "app_guids": filter_by_app(Build)["app_guids"],
        "package_guids": keep_by(lambda _, row: package_guid_of(row.part.droplet)),
        "states": keep_by(lambda _, row: row.part.state),
    },
    present=present_builds,
)

BUILDS_OF_APP: Listing[PartRow[Build]] = Listing(
    noun="builds",
    form=ListForm(own=("states", "label_selector"), arrays=("states",), checks=(check_arrays("states"),)),
    filters={"states": BUILDS.filters["states"]},
    present=present_builds,
)
