"""Deployments: begun, advanced with the clock, finished, canceled. Never ticks: each is advanced when it is looked at.

While a deployment rolls, its app has two web processes: the newer gains instances as the older loses them, and replaces
it at the end. Source: cloud_controller_ng, app/models/runtime/deployment_model.rb, app/actions/deployment_create.rb and
lib/cloud_controller/deployment_updater/.
"""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.generator import derive_guid
from mockfoundry.cloudfoundry.instance_ranges import resize_ranges, start_instances
from mockfoundry.cloudfoundry.model import STATES_IN_FLIGHT, App, Deployment, ProcessModel
from mockfoundry.cloudfoundry.world import World

MAX_STAGES = 10
"""How many steps a deployment takes at most, however many instances there are."""


def has_deployment_in_flight(app: App) -> bool:
    """Whether a deployment of the app is in flight; one that is being canceled is not [deployment_model.rb]."""
    return app.deployment is not None and app.deployment.state in STATES_IN_FLIGHT


def begin_deployment(world: World, guid: str, now: int, fields: Mapping[str, Any]) -> None:
    """Begins a deployment of an app; one that is in flight already is canceled.

    Args:
        guid: of the app.
        fields: as a seed gives them; `seconds` is how long it takes, in microseconds, None for one without an end.
    """
    cancel_deployment(world, guid, now)
    app = world.apps[guid]
    web = world.find_app_process(guid, "web")
    if web is None:
        return
    started_at: int = fields.get("created_at", now)
    nonce = world.next_nonce()
    deployment_guid = fields.get("guid") or derive_guid(world.seed, "deployment", guid, nonce)
    newer = replace(
        web,
        guid=derive_guid(world.seed, "process", deployment_guid),
        version=derive_guid(world.seed, "version", deployment_guid),
        created_at=started_at,
        updated_at=started_at,
        instances=0,
        instance_ranges=(),
        stopping_ranges=(),
        allotment=None,
    )
    deployment = Deployment(
        guid=deployment_guid,
        strategy=fields.get("strategy", "rolling"),
        state=fields.get("reason", "DEPLOYING"),
        started_at=started_at,
        changed_at=started_at,
        duration=fields.get("seconds", int(world.settings.deployment_seconds * SECOND)),
        process=newer.guid,
        previous=web.guid,
        instances=web.instances,
    )
    world.put_process(newer, now)
    world.put_app(replace(app, deployment=deployment))
    resize_web_process(world, newer, instances_at_stage(deployment, 0)[0], started_at)
    if deployment.strategy == "recreate":
        resize_web_process(world, web, 0, started_at)
    advance_deployments(world, now)


def advance_deployments(world: World, now: int) -> None:
    """Advances every deployment to this moment."""
    for guid in sorted(world.deploying_apps):
        deployment = world.apps[guid].deployment
        duration = None if deployment is None else deployment.duration
        if deployment is None or duration is None or deployment.state in ("PAUSED", "PREPAUSED"):
            continue
        stages = count_stages(deployment)
        age = max(0, now - deployment.started_at)
        stage = stages if age >= duration else age * stages // duration
        while deployment.stage < stage:
            deployment = replace(deployment, stage=deployment.stage + 1)
            moment = deployment.started_at + duration * deployment.stage // stages
            world.put_app(replace(world.apps[guid], deployment=deployment))
            if deployment.stage < stages:
                apply_stage(world, deployment, moment)
            elif deployment.state == "CANCELING":
                cancel_deployment(world, guid, moment)
            else:
                finish_deployment(world, world.apps[guid], deployment, moment)


def count_stages(deployment: Deployment) -> int:
    return max(1, min(deployment.instances, MAX_STAGES))


def instances_at_stage(deployment: Deployment, stage: int) -> tuple[int, int]:
    """How many instances the newer and the older web process have at a stage."""
    wanted, stages = deployment.instances, count_stages(deployment)
    if deployment.strategy == "recreate":
        return wanted, 0
    if deployment.state == "CANCELING":
        stage = stages - 1 - stage
    done = wanted * stage // stages
    return max(min(1, wanted), wanted * (stage + 1) // stages), wanted - done


def apply_stage(world: World, deployment: Deployment, moment: int) -> None:
    """Moves instances from the older web process to the newer."""
    newer, older = instances_at_stage(deployment, deployment.stage)
    resize_web_process(world, world.processes[deployment.process], newer, moment)
    resize_web_process(world, world.processes[deployment.previous], older, moment)


def finish_deployment(world: World, app: App, deployment: Deployment, moment: int) -> None:
    """Replaces the older web process by the newer, and restarts the app's other processes."""
    world.put_app(replace(app, deployment=replace(deployment, state="DEPLOYED", changed_at=moment)))
    world.remove_process(deployment.previous)
    resize_web_process(world, world.processes[deployment.process], deployment.instances, moment)
    for process in world.list_app_processes(app.guid):
        if process.guid != deployment.process:
            world.put_process(restart_process(world, app, process, moment), moment)


def restart_process(world: World, app: App, process: ProcessModel, moment: int) -> ProcessModel:
    """A process with a new version and, where its app is started, with new instances."""
    version = derive_guid(world.seed, "version", process.guid, world.next_nonce())
    restarted = replace(process, version=version, revision=app.revision, updated_at=moment, allotment=None)
    if app.state != "STARTED":
        return restarted
    ranges, stopping = start_instances(world, restarted, moment)
    return replace(restarted, instance_ranges=ranges, stopping_ranges=stopping)


def cancel_deployment(world: World, guid: str, now: int) -> None:
    """Ends a deployment that is not over: the older web process stays as it was, the newer goes."""
    app = world.apps[guid]
    deployment = app.deployment
    if deployment is None or guid not in world.deploying_apps:
        return
    world.put_app(replace(app, deployment=replace(deployment, state="CANCELED", changed_at=now)))
    if deployment.process in world.processes:
        world.remove_process(deployment.process)
    if deployment.previous in world.processes:
        resize_web_process(world, world.processes[deployment.previous], deployment.instances, now)


def resize_web_process(world: World, process: ProcessModel, instances: int, moment: int) -> None:
    """Changes the number of instances of a web process, as a deployment does: without checking a quota."""
    if instances == process.instances:
        return
    resized_process = replace(process, instances=instances, updated_at=moment)
    if world.apps[process.app].state == "STARTED":
        ranges, stopping = resize_ranges(world, process, instances, moment)
        resized_process = replace(resized_process, instance_ranges=ranges, stopping_ranges=stopping)
    world.put_process(resized_process, moment)
