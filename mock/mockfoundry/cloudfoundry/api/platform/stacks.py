"""Stacks and buildpacks: those that every foundation has, and the stacks that its apps name. Never changes one.

Source: cloud_controller_ng, app/controllers/v3/stacks_controller.rb, buildpacks_controller.rb,
app/presenters/v3/stack_presenter.rb, buildpack_presenter.rb and app/messages/stacks_list_message.rb,
buildpacks_list_message.rb; cf-deployment, cf-deployment.yml (`install_buildpacks`).
"""

from typing import Any, NamedTuple

from mockfoundry.cloudfoundry.api.lists.listing import Listing, ListReading, keep_by, list_page
from mockfoundry.cloudfoundry.api.lists.queries import COMMON_ORDERS, ListForm, read_list_query
from mockfoundry.cloudfoundry.api.lists.query_checks import check_arrays, check_choice
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.errors import RESOURCE_NOT_FOUND, Refusal
from mockfoundry.cloudfoundry.generator import derive_guid
from mockfoundry.cloudfoundry.model import DEFAULT_STACK
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents.times import format_second

STACK_DESCRIPTIONS = {
    DEFAULT_STACK: "Cloud Foundry Linux-based filesystem (Ubuntu 22.04)",
    "cflinuxfs3": "Cloud Foundry Linux-based filesystem (Ubuntu 18.04)",
    "windows": "Windows Server",
}

BUILDPACK_STACKS = {
    "staticfile_buildpack": DEFAULT_STACK,
    "java_buildpack": DEFAULT_STACK,
    "ruby_buildpack": DEFAULT_STACK,
    "dotnet_core_buildpack": DEFAULT_STACK,
    "nodejs_buildpack": DEFAULT_STACK,
    "go_buildpack": DEFAULT_STACK,
    "python_buildpack": DEFAULT_STACK,
    "php_buildpack": DEFAULT_STACK,
    "nginx_buildpack": DEFAULT_STACK,
    "r_buildpack": DEFAULT_STACK,
    "binary_buildpack": DEFAULT_STACK,
    "hwc_buildpack": "windows",
}
"""The buildpacks in the order in which they are tried, each with the stack that it is for."""

AGE = 24 * 3600 * SECOND
"""How long before its world the first stack and buildpack were created; each a second after the one before."""


class Stack(NamedTuple):
    """A root file system."""

    guid: str
    created_at: int
    updated_at: int
    name: str
    labels: dict[str, str] = {}


class AdminBuildpack(NamedTuple):
    """A buildpack of the foundation."""

    guid: str
    created_at: int
    updated_at: int
    name: str
    stack: str
    position: int
    lifecycle: str = "buildpack"
    labels: dict[str, str] = {}


def read_stacks(world: World) -> list[Stack]:
    """Every stack: those that there always are, then those that only apps name."""
    named = {app.stack for app in world.apps.values() if app.stack is not None} - STACK_DESCRIPTIONS.keys()
    moment = world.began_at - AGE
    names = (*STACK_DESCRIPTIONS, *sorted(named))
    return [
        Stack(derive_guid(world.random_seed, "stack", name), moment + number * SECOND, moment + number * SECOND, name)
        for number, name in enumerate(names)
    ]


def read_buildpacks(world: World) -> list[AdminBuildpack]:
    """Every buildpack, in the order in which they are tried."""
    buildpacks = []
    for position, (name, stack) in enumerate(BUILDPACK_STACKS.items(), 1):
        guid, moment = derive_guid(world.random_seed, "buildpack", name), world.began_at - AGE + position * SECOND
        buildpacks.append(AdminBuildpack(guid, moment, moment, name, stack, position))
    return buildpacks


def list_stacks(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The stacks, which every token may read."""
    query = read_list_query(request, STACKS.form)  # 400, 500
    return list_page(ListReading(world, actor, request, query), STACKS, read_stacks(world), "/v3/stacks", in_order=True)


def get_stack(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One stack."""
    guid = request.path["guid"]
    stack = next((each for each in read_stacks(world) if each.guid == guid), None)
    if stack is None:
        raise Refusal(RESOURCE_NOT_FOUND, "Stack not found", f"world: no stack has this guid ({actor.name} asks)")
    body = present_stack(stack, request.base)
    return ApiResponse(200, body, "world: stack read", tolerated_violations=request.violations)


def list_buildpacks(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The buildpacks, which every token may read."""
    query = read_list_query(request, BUILDPACKS.form)  # 400, 500
    reading = ListReading(world, actor, request, query)
    return list_page(reading, BUILDPACKS, read_buildpacks(world), "/v3/buildpacks", in_order=True)


def get_buildpack(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One buildpack."""
    guid = request.path["guid"]
    buildpack = next((each for each in read_buildpacks(world) if each.guid == guid), None)
    if buildpack is None:
        why = f"world: no buildpack has this guid ({actor.name} asks)"
        raise Refusal(RESOURCE_NOT_FOUND, "Buildpack not found", why)
    body = present_buildpack(buildpack, request.base)
    return ApiResponse(200, body, "world: buildpack read", tolerated_violations=request.violations)


def present_stack(stack: Stack, base: str) -> dict[str, Any]:
    """A stack.

    Args:
        base: what links begin with.
    """
    moment = format_second(stack.created_at // SECOND)
    return {
        "guid": stack.guid,
        "created_at": moment,
        "updated_at": moment,
        "name": stack.name,
        "description": STACK_DESCRIPTIONS.get(stack.name, stack.name),
        "state": "ACTIVE",
        "state_reason": None,
        "run_rootfs_image": stack.name,
        "build_rootfs_image": stack.name,
        "default": stack.name == DEFAULT_STACK,
        "metadata": {"labels": stack.labels, "annotations": {}},
        "links": {"self": {"href": f"{base}/v3/stacks/{stack.guid}"}},
    }


def present_buildpack(buildpack: AdminBuildpack, base: str) -> dict[str, Any]:
    """A buildpack.

    Args:
        base: what links begin with.
    """
    moment, url = format_second(buildpack.created_at // SECOND), f"{base}/v3/buildpacks/{buildpack.guid}"
    return {
        "guid": buildpack.guid,
        "created_at": moment,
        "updated_at": moment,
        "name": buildpack.name,
        "stack": buildpack.stack,
        "state": "READY",
        "lifecycle": buildpack.lifecycle,
        "filename": f"{buildpack.name}-{buildpack.stack}.zip",
        "position": buildpack.position,
        "enabled": True,
        "locked": False,
        "metadata": {"labels": buildpack.labels, "annotations": {}},
        "links": {"self": {"href": url}, "upload": {"href": f"{url}/upload", "method": "POST"}},
    }


def present_stacks(reading: ListReading, stacks: list[Stack]) -> list[dict[str, Any]]:
    return [present_stack(each, reading.request.base) for each in stacks]


def present_buildpacks(reading: ListReading, buildpacks: list[AdminBuildpack]) -> list[dict[str, Any]]:
    return [present_buildpack(each, reading.request.base) for each in buildpacks]


STACKS: Listing[Stack] = Listing(
    noun="stacks",
    form=ListForm(
        own=("names", "default", "label_selector"),
        arrays=("names",),
        orders=(*COMMON_ORDERS, "name"),
        checks=(
            check_arrays("names"),
            check_choice("default", ("true", "false"), "Default must be 'true' or 'false'"),
        ),
    ),
    present=present_stacks,
    filters={
        "names": keep_by(lambda _, stack: stack.name),
        "default": keep_by(lambda _, stack: "true" if stack.name == DEFAULT_STACK else "false"),
    },
)

BUILDPACKS: Listing[AdminBuildpack] = Listing(
    noun="buildpacks",
    form=ListForm(
        own=("stacks", "names", "lifecycle", "label_selector"),
        arrays=("stacks", "names"),
        orders=(*COMMON_ORDERS, "position", "lifecycle"),
        checks=(
            check_arrays("names", "stacks"),
            check_choice("lifecycle", ("buildpack", "cnb"), 'Lifecycle must be either "buildpack" or "cnb"'),
        ),
    ),
    present=present_buildpacks,
    filters={
        "stacks": keep_by(lambda _, buildpack: buildpack.stack),
        "names": keep_by(lambda _, buildpack: buildpack.name),
        "lifecycle": keep_by(lambda _, buildpack: buildpack.lifecycle),
    },
    default_order="position",
)
