"""Jobs: what the platform does some time after it has answered, such as the deletion of an app. Never words a response.

A job runs when it is due by the world's clock, not when somebody looks. Source: cloud_controller_ng,
app/jobs/delete_action_job.rb, app/jobs/pollable_job_wrapper.rb and app/actions/app_delete.rb.
"""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from mockfoundry.cloudfoundry.app_parts import RouteModel
from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.deployments import advance_deployments
from mockfoundry.cloudfoundry.generator import derive_guid
from mockfoundry.cloudfoundry.model import App, Job
from mockfoundry.cloudfoundry.route_table import DEFAULT_PORT, list_destinations, list_routes_of
from mockfoundry.cloudfoundry.staging import list_droplets, list_packages
from mockfoundry.cloudfoundry.tasks import list_tasks, record_task_event
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

MAX_JOBS = 1_000
"""How many jobs a foundation keeps, besides those that wait; the oldest go first."""

DELETE_APP = "app.delete"
CLEAR_BUILDPACK_CACHE = "app.clear_buildpack_cache"


def enqueue_job(world: World, operation: str, resource: str, actor: User, now: int) -> Job:
    """Adds a job, which runs in `job_seconds`.

    Args:
        resource: the guid of what the operation is done to.
    """
    guid = derive_guid(world.random_seed, "job", operation, resource, world.next_nonce())
    job = Job(
        guid=guid,
        operation=operation,
        resource=resource,
        actor=actor,
        created_at=now,
        updated_at=now,
        due_at=now + int(world.settings.job_seconds * SECOND),
    )
    jobs: dict[str, Job] = world.own_table("jobs")
    jobs[guid] = job
    world.waiting_jobs |= {guid}
    if len(jobs) - len(world.waiting_jobs) >= 2 * MAX_JOBS:
        over = [each for each in jobs if each not in world.waiting_jobs]
        for each in over[:-MAX_JOBS]:
            del jobs[each]
    return job


def advance_world(world: World, now: int) -> None:
    """Has everything happen that was due by this moment: deployments move on and jobs run, each at its own time."""
    if world.waiting_jobs:
        waiting = (world.jobs[guid] for guid in world.waiting_jobs)
        # A set has no order of its own, so those that are due at once have that of their guids.
        due = sorted(
            (job for job in waiting if job.due_at <= now), key=lambda job: (job.due_at, job.created_at, job.guid)
        )
        for job in due:
            if world.deploying_apps:
                advance_deployments(world, job.due_at)
            run_job(world, job)
        world.waiting_jobs -= {job.guid for job in due}
    if world.deploying_apps:
        advance_deployments(world, now)


def run_job(world: World, job: Job) -> None:
    """Runs a job; one that fails leaves everything as it was."""
    error = RUN_OPERATION[job.operation](world, job)
    ended = replace(job, state="COMPLETE" if error is None else "FAILED", error=error, updated_at=job.due_at)
    world.own_table("jobs")[job.guid] = ended


def run_app_deletion(world: World, job: Job) -> str | None:
    """Deletes an app with everything that belongs to it; one that is gone already is well deleted.

    Returns:
        Why it can't be deleted, None where it was.
    """
    app = world.apps.get(job.resource)
    if app is None:
        return None
    if app.deletion_error is not None:
        return app.deletion_error
    moment, actor = job.due_at, job.actor
    for package in list_packages(app):
        world.record_event("audit.app.package.delete", app, actor, moment, {"package_guid": package.guid})
    for task in list_tasks(app, moment):
        if task.state == "RUNNING":
            record_task_event(world, "audit.app.task.cancel", app, task, actor, moment)
    for droplet in list_droplets(app):
        world.record_event("audit.app.droplet.delete", app, actor, moment, {"droplet_guid": droplet.guid})
    for route in list_routes_of(world.routes.values(), app.guid):
        unmap_route(world, app, route, actor, moment)
    for process in world.list_app_processes(app.guid):
        data = {"process_guid": process.guid, "process_type": process.type}
        world.record_event("audit.app.process.delete", app, actor, moment, data)
    world.record_event("audit.app.delete-request", app, actor, moment, {})
    world.remove_app(app.guid)
    return None


def unmap_route(world: World, app: App, route: RouteModel, actor: User, moment: int) -> None:
    """Takes an app from the destinations of a route."""
    for guid, destination in list_destinations(world, route):
        if destination.app == app.guid:
            data = {
                "route_guid": route.guid,
                "app_port": destination.port or DEFAULT_PORT,
                "route_mapping_guid": guid,
                "destination_guid": guid,
                "process_type": destination.process_type,
                "weight": destination.weight,
                "protocol": destination.protocol,
            }
            options = {} if route.options is None else {"route_options": route.options}
            world.record_event("audit.app.unmap-route", app, actor, moment, data | options)
    rest = tuple(each for each in route.destinations if each.app != app.guid)
    world.own_table("routes")[route.guid] = replace(route, destinations=rest)


def clear_buildpack_cache(_world: World, _job: Job) -> str | None:
    """Nothing is cached here."""
    return None


RUN_OPERATION: Mapping[str, Callable[[World, Job], str | None]] = {
    DELETE_APP: run_app_deletion,
    CLEAR_BUILDPACK_CACHE: clear_buildpack_cache,
}
"""What each operation does; gives why it failed, or None."""
