"""Jobs shown. Never runs one.

Source: cloud_controller_ng, app/controllers/v3/jobs_controller.rb and app/presenters/v3/job_presenter.rb.
"""

from typing import Any

from mockfoundry.cloudfoundry.api.presenters import present_moment
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse
from mockfoundry.cloudfoundry.errors import RESOURCE_NOT_FOUND, UNPROCESSABLE_ENTITY, Refusal, build_error_body
from mockfoundry.cloudfoundry.model import Job
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World


def get_job(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One job."""
    job = world.jobs.get(request.path["guid"])
    if job is None:
        raise Refusal(RESOURCE_NOT_FOUND, "Job not found", why="world: no job has this guid")
    body = present_job(world, job, request.base)
    return ApiResponse(200, body, f"world: job read, {job.state}", tolerated_violations=request.violations)


def present_job(world: World, job: Job, base: str) -> dict[str, Any]:
    """A job.

    Args:
        base: what links begin with.
    """
    links = {"self": {"href": f"{base}/v3/jobs/{job.guid}"}}
    if job.resource in world.apps:
        links["app"] = {"href": f"{base}/v3/apps/{job.resource}"}
    errors = [] if job.error is None else build_error_body(UNPROCESSABLE_ENTITY, job.error)["errors"]
    return {
        "guid": job.guid,
        "created_at": present_moment(job.created_at),
        "updated_at": present_moment(job.updated_at),
        "operation": job.operation,
        "state": job.state,
        "errors": errors,
        "warnings": [],
        "links": links,
    }
