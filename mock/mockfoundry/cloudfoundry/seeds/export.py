"""Exporting: a world in a seed file's words. Never reads one.

What was left to chance is written out, so that reading it again gives the same entities. What only the clock knows
(when each instance was started) is not: instances that run are running for an hour when it is read. What an attribute
holds is written as the form declares it; this module has only what must be computed.
"""

from typing import Any

from mockfoundry.cloudfoundry.model import App, Deployment, Organization, ProcessModel, Space, User
from mockfoundry.cloudfoundry.seeds.format import (
    APP,
    DEPLOYMENT,
    FEATURE_FLAG,
    ORGANIZATION,
    PROCESS,
    SETTINGS,
    SPACE,
    USER,
)
from mockfoundry.cloudfoundry.world import World

SeedDocument = dict[str, Any]


def export_world(world: World) -> SeedDocument:
    """A world as the value of a seed file, which `seed_from_data` reads again."""
    return {
        "settings": SETTINGS.write(world.settings),
        "feature_flags": {name: FEATURE_FLAG.write(flag) for name, flag in world.feature_flags.items()},
        "organizations": [export_organization(world, each) for each in world.organizations.values()],
        "users": [export_user(world, each) for each in world.users.values()],
    }


def export_organization(world: World, organization: Organization) -> SeedDocument:
    spaces = [export_space(world, each) for each in world.spaces.values() if each.organization == organization.guid]
    return ORGANIZATION.write(organization, spaces=spaces)


def export_space(world: World, space: Space) -> SeedDocument:
    return SPACE.write(
        space, apps=[export_app(world, each) for each in world.apps.values() if each.space == space.guid]
    )


def export_app(world: World, app: App) -> SeedDocument:
    """An app; of one that is being deployed the older web process, since the deployment brings the newer with it."""
    deployment = app.deployment if app.guid in world.deploying_apps else None
    processes = [
        export_process(process, deployment)
        for process in world.list_app_processes(app.guid)
        if deployment is None or process.guid != deployment.process
    ]
    return APP.write(app, deployment=export_deployment(deployment), processes=processes)


def export_deployment(deployment: Deployment | None) -> SeedDocument | None:
    if deployment is None:
        return None
    # What moves to a pause is shown as DEPLOYING, and its step says where it moves to.
    reason = "DEPLOYING" if deployment.state == "PREPAUSED" else deployment.state
    return DEPLOYMENT.write(deployment, status="ACTIVE", reason=reason)


def export_process(process: ProcessModel, deployment: Deployment | None = None) -> SeedDocument:
    """A process.

    Args:
        deployment: of its app. The process that it takes down has fewer instances already.
    """
    states = {
        str(index): {"state": run.state, "details": run.details} if run.details else run.state
        for run in process.instance_ranges
        if run.state is not None
        for index in range(run.first, run.first + run.count)
    }
    if deployment is not None and process.guid == deployment.previous:
        return PROCESS.write(process, instances=deployment.instances, instance_states=states)
    return PROCESS.write(process, instance_states=states)


def export_user(world: World, user: User) -> SeedDocument:
    organizations, spaces = world.organizations, world.spaces
    return USER.write(
        user,
        scopes=sorted(user.scopes),
        organizations={
            organizations[guid].name: sorted(roles)
            for guid, roles in user.organization_roles.items()
            if guid in organizations
        },
        spaces={
            f"{organizations[spaces[guid].organization].name}/{spaces[guid].name}": sorted(roles)
            for guid, roles in user.space_roles.items()
            if guid in spaces
        },
    )
