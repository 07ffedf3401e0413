"""Deployments: begun, continued, finished, canceled, advanced with the clock when they are looked at. Never ticks.

While a deployment rolls, its app has two web processes: the newer gains instances as the older loses them, and replaces
it at the end. A canary pauses at each of its steps until somebody continues it, or cancels it; it never ends by itself.
Source: cloud_controller_ng, app/models/runtime/deployment_model.rb, app/actions/deployment_create.rb,
deployment_continue.rb, deployment_cancel.rb and lib/cloud_controller/deployment_updater/.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.generator import derive_guid
from mockfoundry.cloudfoundry.instance_ranges import resize_ranges, start_instances
from mockfoundry.cloudfoundry.model import STATES_IN_FLIGHT, App, Deployment, DeploymentState, ProcessModel
from mockfoundry.cloudfoundry.world import World

MAX_STAGES = 10
"""In how many stages a deployment moves at most, however many instances there are."""


class WebCounts(NamedTuple):
    """How many instances the newer and the older web process of an app have."""

    newer: int
    older: int


def has_deployment_in_flight(app: App) -> bool:
    """Whether a deployment of the app is in flight; one that is being canceled is not [deployment_model.rb]."""
    return app.deployment is not None and app.deployment.state in STATES_IN_FLIGHT


def change_deployment(world: World, guid: str, now: int, fields: Mapping[str, Any]) -> None:
    """Changes the deployment in flight where it is named by its guid; else begins another one.

    Args:
        guid: of the app.
        fields: as a seed gives them. The reason DEPLOYING continues a deployment that is paused, CANCELING cancels it.
    """
    deployment = world.apps[guid].deployment
    if deployment is None or guid not in world.deploying_apps or fields.get("guid") != deployment.guid:
        begin_deployment(world, guid, now, fields)
    elif fields.get("reason") == "DEPLOYING":
        continue_deployment(world, guid, now)
    elif fields.get("reason") == "CANCELING":
        cancel_deployment(world, guid, now)


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
    deployment_guid = fields.get("guid") or derive_guid(world.random_seed, "deployment", guid, nonce)
    newer = replace(
        web,
        guid=derive_guid(world.random_seed, "process", deployment_guid, nonce),
        version=derive_guid(world.random_seed, "version", deployment_guid, nonce),
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
        moving_since=started_at,
        duration=fields.get("seconds", int(world.settings.deployment_seconds * SECOND)),
        process=newer.guid,
        previous=web.guid,
        instances=web.instances,
        weights=fields.get("steps", ()),
    )
    if deployment.pauses:
        step = min(fields.get("step", 1), deployment.pauses + 1)
        # Beyond its last pause there is nothing that it could stand in.
        asked = "DEPLOYING" if step > deployment.pauses and deployment.state == "PAUSED" else deployment.state
        deployment = replace(deployment, step=step, state=asked)
        deployment = replace(deployment, state=moving_state_of(deployment) if asked == "DEPLOYING" else asked)
        if asked == "PAUSED":
            deployment = replace(deployment, stage=count_stages(deployment))
    world.put_process(newer, now)
    world.put_app(replace(app, deployment=deployment))
    apply_stage(world, deployment, started_at)
    advance_deployments(world, now)


def moving_state_of(deployment: Deployment) -> DeploymentState:
    """What the Cloud Controller calls a deployment that moves: to a pause, or to its end."""
    return "PREPAUSED" if deployment.step <= deployment.pauses else "DEPLOYING"


def continue_deployment(world: World, guid: str, now: int) -> None:
    """Lets a deployment that is paused move on: to its next pause, or to its end. Any other stays as it is.

    Args:
        guid: of the app.
    """
    app = world.apps[guid]
    deployment = app.deployment
    if deployment is None or deployment.state != "PAUSED":
        return
    step = deployment.step + 1 if deployment.pauses else deployment.step
    moving = replace(deployment, step=step, stage=0, moving_since=now, changed_at=now)
    moving = replace(moving, state=moving_state_of(moving))
    world.put_app(replace(app, deployment=moving))
    apply_stage(world, moving, now)
    advance_deployments(world, now)


def advance_deployments(world: World, now: int) -> None:
    """Advances every deployment to this moment."""
    for guid in sorted(world.deploying_apps):
        deployment = world.apps[guid].deployment
        duration = None if deployment is None else compute_move_duration(deployment)
        if deployment is None or duration is None or deployment.state == "PAUSED":
            continue
        stages = count_stages(deployment)
        age = max(0, now - deployment.moving_since)
        stage = stages if age >= duration else age * stages // duration
        while deployment.stage < stage:
            deployment = replace(deployment, stage=deployment.stage + 1)
            moment = deployment.moving_since + duration * deployment.stage // stages
            world.put_app(replace(world.apps[guid], deployment=deployment))
            if deployment.stage < stages:
                apply_stage(world, deployment, moment)
            elif deployment.state == "CANCELING":
                cancel_deployment(world, guid, moment)
            elif deployment.state == "PREPAUSED":
                apply_stage(world, deployment, moment)
                paused = replace(deployment, state="PAUSED", changed_at=moment)
                world.put_app(replace(world.apps[guid], deployment=paused))
            else:
                finish_deployment(world, world.apps[guid], deployment, moment)


def compute_move_duration(deployment: Deployment) -> int | None:
    """How long each move of a deployment takes, in microseconds; a canary moves once more than it pauses."""
    return None if deployment.duration is None else deployment.duration // (deployment.pauses + 1)


def count_at_pause(deployment: Deployment, step: int) -> WebCounts:
    """How many instances the web processes have in a pause of a canary; before the first one only the older has any.

    Args:
        step: from 0, which is before the first.
    """
    wanted = deployment.instances
    if step == 0:
        return WebCounts(0, wanted)
    if not deployment.weights:
        return WebCounts(min(1, wanted), wanted)
    weight = deployment.weights[step - 1]
    # The share of all, a half rounded up, and at least one [app/models/runtime/deployment_model.rb].
    canary = min(wanted, max(1, (2 * wanted * weight + 100) // 200))
    return WebCounts(canary, 0 if weight == 100 else min(wanted, wanted - canary + 1))


def find_move(deployment: Deployment) -> tuple[WebCounts, WebCounts]:
    """From which counts a deployment moves to which."""
    wanted = deployment.instances
    if deployment.strategy == "recreate":
        return WebCounts(wanted, 0), WebCounts(wanted, 0)
    before = count_at_pause(deployment, min(deployment.step, deployment.pauses + 1) - 1)
    is_last = deployment.step > deployment.pauses
    return before, WebCounts(wanted, 0) if is_last else count_at_pause(deployment, deployment.step)


def count_stages(deployment: Deployment) -> int:
    """In how many stages a deployment moves; one that is canceled stands still until it is over."""
    if deployment.state == "CANCELING":
        return 1
    before, after = find_move(deployment)
    most = max(after.newer - before.newer, before.older - after.older)
    return max(1, min(most, MAX_STAGES))


def instances_at_stage(deployment: Deployment) -> WebCounts:
    """How many instances the web processes have at a stage: the newer is a stage ahead of the older."""
    before, after = find_move(deployment)
    stages, stage = count_stages(deployment), deployment.stage
    ahead = min(stage + 1, stages)
    newer = before.newer + (after.newer - before.newer) * ahead // stages
    return WebCounts(newer, before.older - (before.older - after.older) * stage // stages)


def apply_stage(world: World, deployment: Deployment, moment: int) -> None:
    """Moves instances from the older web process to the newer."""
    newer, older = instances_at_stage(deployment)
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
    version = derive_guid(world.random_seed, "version", process.guid, world.next_nonce())
    restarted = replace(process, version=version, revision=app.revision, updated_at=moment, allotment=None)
    if app.state != "STARTED":
        return restarted
    return start_instances(world, restarted, moment)


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
