"""Usage: what an organization, or the whole foundation, takes together. Never checks it against a quota.

Source: cloud_controller_ng, app/presenters/v3/organization_usage_summary_presenter.rb,
app/fetchers/global_usage_summary_fetcher.rb and app/controllers/v3/info_controller.rb (`show_usage_summary`).
"""

from collections.abc import Collection
from typing import Any

from mockfoundry.cloudfoundry.api.organizations.organizations import find_organization
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse
from mockfoundry.cloudfoundry.auth import reads_everything
from mockfoundry.cloudfoundry.errors import NOT_FOUND, Refusal
from mockfoundry.cloudfoundry.tasks import list_tasks
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import NO_USAGE, World


def get_organization_usage_summary(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """What an organization takes together."""
    organization = find_organization(world, actor, request.path["guid"])  # 404
    url = f"{request.base}/v3/organizations/{organization.guid}"
    links = {"self": {"href": f"{url}/usage_summary"}, "organization": {"href": url}}
    body = {"usage_summary": sum_usage(world, [organization.guid], request.now), "links": links}
    return ApiResponse(200, body, "world: usage of the organization read", tolerated_violations=request.violations)


def get_usage_summary(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """What the whole foundation takes together, for those who read everything."""
    if not reads_everything(actor):
        raise Refusal(NOT_FOUND, why=f"world: {actor.name} may not read everything")  # 404
    links = {"self": {"href": f"{request.base}/v3/info/usage_summary"}}
    body = {"usage_summary": sum_usage(world, world.organizations, request.now), "links": links}
    return ApiResponse(200, body, "world: usage of the foundation read", tolerated_violations=request.violations)


def sum_usage(world: World, organizations: Collection[str], now: int) -> dict[str, Any]:
    """What some organizations take together. There are no private domains and no service keys.

    Args:
        organizations: their guids.
        now: virtual microseconds: tasks may be over by then.
    """
    used = [world.usage.get(guid, NO_USAGE) for guid in organizations]
    spaces = {guid for guid, space in world.spaces.items() if space.organization in organizations}
    routes = [route for route in world.routes.values() if route.space in spaces]
    tasks = [task for app in world.apps.values() if app.tasks and app.space in spaces for task in list_tasks(app, now)]
    return {
        "started_instances": sum(each.instances for each in used),
        "memory_in_mb": sum(each.memory for each in used)
        + sum(task.memory_in_mb for task in tasks if task.state == "RUNNING"),
        "routes": len(routes),
        "service_instances": sum(
            each.plan is not None and each.space in spaces for each in world.service_instances.values()
        ),
        "reserved_ports": sum(route.port is not None for route in routes),
        "domains": 0,
        "per_app_tasks": sum(task.state in ("PENDING", "RUNNING") for task in tasks),
        "service_keys": 0,
    }
