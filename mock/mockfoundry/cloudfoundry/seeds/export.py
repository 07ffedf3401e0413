"""Writing: a world in a seed file's words. Never reads one.

What was left to chance is written out, so that reading it again gives the same entities. What only the clock knows
(when each instance was started) is not: instances that run are running for an hour when it is read.
"""

from typing import Any

from mockfoundry.cloudfoundry.clock import SECOND, format_moment
from mockfoundry.cloudfoundry.model import (
    App,
    Deployment,
    HealthCheck,
    Load,
    Organization,
    ProcessModel,
    Quota,
    Settings,
    Sidecar,
    Space,
    User,
)
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents.times import format_duration

SeedDocument = dict[str, Any]


def export_world(world: World) -> SeedDocument:
    """A world as the value of a seed file, which `seed_from` reads again."""
    return {
        "settings": export_settings(world.settings),
        "feature_flags": {
            name: {"enabled": flag.enabled, "error_message": flag.error_message} if flag.error_message else flag.enabled
            for name, flag in world.feature_flags.items()
        },
        "organizations": [export_organization(world, each) for each in world.organizations.values()],
        "users": [export_user(world, each) for each in world.users.values()],
    }


def export_settings(settings: Settings) -> SeedDocument:
    fields: SeedDocument = {name: getattr(settings, name) for name in settings.__struct_fields__}
    fields["allowed_process_users"] = list(settings.allowed_process_users)
    limit = settings.rate_limit
    if limit is not None:
        fields["rate_limit"] = {name: getattr(limit, name) for name in limit.__struct_fields__}
    return fields


def export_organization(world: World, organization: Organization) -> SeedDocument:
    return {
        **export_common_fields(organization),
        "name": organization.name,
        "suspended": organization.suspended,
        "being_deleted": organization.being_deleted,
        "quota": export_quota(organization.quota),
        "spaces": [
            export_space(world, each) for each in world.spaces.values() if each.organization == organization.guid
        ],
    }


def export_space(world: World, space: Space) -> SeedDocument:
    return {
        **export_common_fields(space),
        "name": space.name,
        "suspended": space.suspended,
        "being_deleted": space.being_deleted,
        "quota": export_quota(space.quota),
        "isolation_segment": space.isolation_segment,
        "apps": [export_app(world, each) for each in world.apps.values() if each.space == space.guid],
    }


def export_app(world: World, app: App) -> SeedDocument:
    """An app; of one that is being deployed the older web process, since the deployment brings the newer with it."""
    droplet, deployment = app.droplet, app.deployment if app.guid in world.deploying_apps else None
    processes = [
        export_process(process, deployment)
        for process in world.list_app_processes(app.guid)
        if deployment is None or process.guid != deployment.process
    ]
    return {
        **export_common_fields(app),
        "name": app.name,
        "state": app.state,
        "lifecycle": app.lifecycle,
        "droplet": None
        if droplet is None
        else {**export_common_fields(droplet), "process_types": dict(droplet.process_types)},
        "revision": app.revision,
        "deployment": export_deployment(deployment),
        "sidecars": [export_sidecar(each) for each in app.sidecars],
        "processes": processes,
    }


def export_deployment(deployment: Deployment | None) -> SeedDocument | None:
    if deployment is None:
        return None
    return {
        "guid": deployment.guid,
        "created_at": format_exact_moment(deployment.started_at),
        "strategy": deployment.strategy,
        "status": "ACTIVE",
        "reason": "PAUSED" if deployment.state == "PREPAUSED" else deployment.state,
        "seconds": None if deployment.duration is None else format_duration(deployment.duration),
    }


def export_sidecar(sidecar: Sidecar) -> SeedDocument:
    return {
        **export_common_fields(sidecar),
        "name": sidecar.name,
        "process_types": list(sidecar.process_types),
        "memory_in_mb": sidecar.memory_in_mb,
        "command": sidecar.command,
    }


def export_process(process: ProcessModel, deployment: Deployment | None = None) -> SeedDocument:
    """A process.

    Args:
        deployment: where it is the one that a deployment takes down, and has fewer instances already.
    """
    synced, crash_after = process.registry_credential_last_synced_at, process.crash_after
    deployed = deployment is not None and process.guid == deployment.previous
    return {
        **export_common_fields(process),
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
        "registry_credential_last_synced_at": None if synced is None else format_exact_moment(synced),
        "health_check": export_health_check(
            process.health_check, ("timeout", "invocation_timeout", "interval", "endpoint")
        ),
        "readiness_health_check": export_health_check(
            process.readiness_health_check, ("invocation_timeout", "interval", "endpoint")
        ),
        "metadata": {"labels": dict(process.labels), "annotations": dict(process.annotations)},
        "instance_states": {
            str(index): {"state": run.state, "details": run.details} if run.details else run.state
            for run in process.instance_ranges
            if run.state is not None
            for index in range(run.first, run.first + run.count)
        },
        "crash_after": None if crash_after is None else format_duration(crash_after),
        "starts": process.starts,
        "ready": process.ready,
        "placement_error": process.placement_error,
        "load": export_load(process.load),
    }


def export_health_check(check: HealthCheck, keys: tuple[str, ...]) -> SeedDocument:
    return {"type": check.type, "data": {key: getattr(check, key) for key in keys}}


def export_load(load: Load | None) -> SeedDocument | None:
    if load is None:
        return None
    written_out: SeedDocument = {
        "steps": [{"at": format_duration(at), "total_cpu": cpu} for at, cpu in load.steps],
        "memory_per_cpu_in_mb": load.memory_per_core_in_mb,
        "overload": {} if load.crash_above is None else {"crash_above": load.crash_above},
    }
    if load.period:
        written_out["sine"] = {
            "mean": load.mean,
            "amplitude": load.amplitude,
            "period": format_duration(load.period),
        }
    return written_out


def export_quota(quota: Quota | None) -> SeedDocument | None:
    return None if quota is None else {name: getattr(quota, name) for name in quota.__struct_fields__}


def export_user(world: World, user: User) -> SeedDocument:
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


def export_common_fields(entity: Any) -> SeedDocument:
    return {
        "guid": entity.guid,
        "created_at": format_exact_moment(entity.created_at),
        "updated_at": format_exact_moment(entity.updated_at),
    }


def format_exact_moment(at: int) -> str:
    """A moment as a seed has it: to the microsecond, where it is not a whole second."""
    text = format_moment(at)
    return f"{text[:-1]}.{at % SECOND:06d}Z" if at % SECOND else text
