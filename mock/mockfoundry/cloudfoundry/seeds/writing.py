"""Writing: a world in a seed file's words. Never reads one.

What was left to chance is written out, so that reading it again gives the same entities. What only the clock knows
(when each instance was started) is not: instances that run are running for an hour when it is read.
"""

from typing import Any

from mockfoundry.cloudfoundry.clock import SECOND, written
from mockfoundry.cloudfoundry.entities import (
    App,
    Deployment,
    HealthCheck,
    Load,
    Organization,
    Process,
    Quota,
    Settings,
    Sidecar,
    Space,
    User,
)
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents import duration_text

Document = dict[str, Any]


def world_as_seed(world: World) -> Document:
    """A world as the value of a seed file, which `seed_from` reads again."""
    return {
        "settings": settings_as_seed(world.settings),
        "feature_flags": {
            name: {"enabled": flag.enabled, "error_message": flag.error_message} if flag.error_message else flag.enabled
            for name, flag in world.feature_flags.items()
        },
        "organizations": [organization_as_seed(world, each) for each in world.organizations.values()],
        "users": [user_as_seed(world, each) for each in world.users.values()],
    }


def settings_as_seed(settings: Settings) -> Document:
    fields: Document = {name: getattr(settings, name) for name in settings.__struct_fields__}
    fields["allowed_process_users"] = list(settings.allowed_process_users)
    limit = settings.rate_limit
    if limit is not None:
        fields["rate_limit"] = {name: getattr(limit, name) for name in limit.__struct_fields__}
    return fields


def organization_as_seed(world: World, organization: Organization) -> Document:
    return {
        **life(organization),
        "name": organization.name,
        "suspended": organization.suspended,
        "being_deleted": organization.being_deleted,
        "quota": quota_as_seed(organization.quota),
        "spaces": [
            space_as_seed(world, each) for each in world.spaces.values() if each.organization == organization.guid
        ],
    }


def space_as_seed(world: World, space: Space) -> Document:
    return {
        **life(space),
        "name": space.name,
        "suspended": space.suspended,
        "being_deleted": space.being_deleted,
        "quota": quota_as_seed(space.quota),
        "isolation_segment": space.isolation_segment,
        "apps": [app_as_seed(world, each) for each in world.apps.values() if each.space == space.guid],
    }


def app_as_seed(world: World, app: App) -> Document:
    """An app; of one that is being deployed the older web process, since the deployment brings the newer with it."""
    droplet, deployment = app.droplet, app.deployment if app.guid in world.deploying else None
    processes = [
        process_as_seed(process, deployment)
        for process in world.app_processes(app.guid)
        if deployment is None or process.guid != deployment.process
    ]
    return {
        **life(app),
        "name": app.name,
        "state": app.state,
        "lifecycle": app.lifecycle,
        "droplet": None if droplet is None else {**life(droplet), "process_types": dict(droplet.process_types)},
        "revision": app.revision,
        "deployment": deployment_as_seed(deployment),
        "sidecars": [sidecar_as_seed(each) for each in app.sidecars],
        "processes": processes,
    }


def deployment_as_seed(deployment: Deployment | None) -> Document | None:
    if deployment is None:
        return None
    return {
        "guid": deployment.guid,
        "created_at": moment(deployment.started_at),
        "strategy": deployment.strategy,
        "status": "ACTIVE",
        "reason": "PAUSED" if deployment.state == "PREPAUSED" else deployment.state,
        "seconds": None if deployment.duration is None else duration_text(deployment.duration),
    }


def sidecar_as_seed(sidecar: Sidecar) -> Document:
    return {
        **life(sidecar),
        "name": sidecar.name,
        "process_types": list(sidecar.process_types),
        "memory_in_mb": sidecar.memory_in_mb,
        "command": sidecar.command,
    }


def process_as_seed(process: Process, deployment: Deployment | None = None) -> Document:
    """A process.

    Args:
        deployment: where it is the one that a deployment takes down, and has fewer instances already.
    """
    synced, crash_after = process.registry_credential_last_synced_at, process.crash_after
    deployed = deployment is not None and process.guid == deployment.previous
    return {
        **life(process),
        "type": process.type,
        "version": process.version,
        "instances": deployment.instances if deployment is not None and deployed else process.instances,
        "memory_in_mb": process.memory_in_mb,
        "disk_in_mb": process.disk_in_mb,
        "log_rate_limit_in_bytes_per_second": process.log_rate_limit_in_bytes_per_second,
        "command": process.command,
        "user": process.user,
        "revision": process.revision,
        "registry_credential": process.registry_credential,
        "registry_credential_last_synced_at": None if synced is None else moment(synced),
        "health_check": check_as_seed(process.health_check, ("timeout", "invocation_timeout", "interval", "endpoint")),
        "readiness_health_check": check_as_seed(
            process.readiness_health_check, ("invocation_timeout", "interval", "endpoint")
        ),
        "metadata": {"labels": dict(process.labels), "annotations": dict(process.annotations)},
        "instance_states": {
            str(index): {"state": run.state, "details": run.details} if run.details else run.state
            for run in process.runs
            if run.state is not None
            for index in range(run.first, run.first + run.count)
        },
        "crash_after": None if crash_after is None else duration_text(crash_after),
        "starts": process.starts,
        "ready": process.ready,
        "placement_error": process.placement_error,
        "load": load_as_seed(process.load),
    }


def check_as_seed(check: HealthCheck, keys: tuple[str, ...]) -> Document:
    return {"type": check.type, "data": {key: getattr(check, key) for key in keys}}


def load_as_seed(load: Load | None) -> Document | None:
    if load is None:
        return None
    written_out: Document = {
        "steps": [{"at": duration_text(at), "total_cpu": cpu} for at, cpu in load.steps],
        "memory_per_cpu_in_mb": load.memory_per_core_in_mb,
        "overload": {} if load.crash_above is None else {"crash_above": load.crash_above},
    }
    if load.period:
        written_out["sine"] = {
            "mean": load.mean,
            "amplitude": load.amplitude,
            "period": duration_text(load.period),
        }
    return written_out


def quota_as_seed(quota: Quota | None) -> Document | None:
    return None if quota is None else {name: getattr(quota, name) for name in quota.__struct_fields__}


def user_as_seed(world: World, user: User) -> Document:
    organizations, spaces = world.organizations, world.spaces
    return {
        "guid": user.guid,
        "name": user.name,
        "scopes": sorted(user.scopes),
        "organizations": {
            organizations[guid].name: sorted(roles)
            for guid, roles in user.organization_roles.items()
            if guid in organizations
        },
        "spaces": {
            f"{organizations[spaces[guid].organization].name}/{spaces[guid].name}": sorted(roles)
            for guid, roles in user.space_roles.items()
            if guid in spaces
        },
    }


def life(entity: Any) -> Document:
    return {"guid": entity.guid, "created_at": moment(entity.created_at), "updated_at": moment(entity.updated_at)}


def moment(at: int) -> str:
    """A moment as a seed has it: to the microsecond, where it is not a whole second."""
    text = written(at)
    return f"{text[:-1]}.{at % SECOND:06d}Z" if at % SECOND else text
