"""Deployments: one in flight goes on with the clock, and ends by itself. Nothing ticks: it is settled when looked at.

While one rolls, its app has two web processes: the newer gains instances as the older loses them, and takes its place
at the end. Source: cloud_controller_ng, app/models/runtime/deployment_model.rb, app/actions/deployment_create.rb and
lib/cloud_controller/deployment_updater/.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.chance import named_guid
from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.entities import App, Deployment, Process
from mockfoundry.cloudfoundry.runs import begun, resized
from mockfoundry.cloudfoundry.world import World

IN_FLIGHT = ("DEPLOYING", "PREPAUSED", "PAUSED")
"""While its state is one of these, the web processes of the app are not to be scaled or updated."""

MOST_STAGES = 10
"""How many steps a deployment takes at most, however many instances there are."""

replace = msgspec.structs.replace


def in_flight(app: App) -> bool:
    """Whether a deployment of the app is in flight; one that is being canceled is not [deployment_model.rb]."""
    return app.deployment is not None and app.deployment.state in IN_FLIGHT


def begin_deployment(world: World, guid: str, now: int, fields: Mapping[str, Any]) -> None:
    """Puts a deployment of an app in flight; one that is in flight already is superseded by it.

    Args:
        guid: of the app.
        fields: as a seed gives them; `seconds` is how long it takes, in microseconds, None for one without an end.
    """
    call_off_deployment(world, guid, now)
    app = world.apps[guid]
    web = world.process_of(guid, "web")
    if web is None:
        return
    began: int = fields.get("created_at", now)
    nonce = world.next_nonce()
    name = fields.get("guid") or named_guid(world.seed, "deployment", guid, nonce)
    newer = replace(
        web,
        guid=named_guid(world.seed, "process", name),
        version=named_guid(world.seed, "version", name),
        created_at=began,
        updated_at=began,
        instances=0,
        runs=(),
        leaving=(),
        allotment=None,
    )
    deployment = Deployment(
        guid=name,
        strategy=fields.get("strategy", "rolling"),
        state=fields.get("reason", "DEPLOYING"),
        started_at=began,
        changed_at=began,
        duration=fields.get("seconds", int(world.settings.deployment_seconds * SECOND)),
        process=newer.guid,
        previous=web.guid,
        instances=web.instances,
    )
    world.put(newer, now)
    world.put_app(replace(app, deployment=deployment))
    resize(world, newer, asked_at(deployment, 0)[0], began)
    if deployment.strategy == "recreate":
        resize(world, web, 0, began)
    settle(world, now)


def settle(world: World, now: int) -> None:
    """Brings every deployment to where it is at this moment."""
    for guid in sorted(world.deploying):
        deployment = world.apps[guid].deployment
        duration = None if deployment is None else deployment.duration
        if deployment is None or duration is None or deployment.state in ("PAUSED", "PREPAUSED"):
            continue
        stages = stages_of(deployment)
        age = max(0, now - deployment.started_at)
        stage = stages if age >= duration else age * stages // duration
        while deployment.stage < stage:
            deployment = replace(deployment, stage=deployment.stage + 1)
            moment = deployment.started_at + duration * deployment.stage // stages
            world.put_app(replace(world.apps[guid], deployment=deployment))
            if deployment.stage < stages:
                step(world, deployment, moment)
            elif deployment.state == "CANCELING":
                call_off_deployment(world, guid, moment)
            else:
                finish(world, world.apps[guid], deployment, moment)


def stages_of(deployment: Deployment) -> int:
    return max(1, min(deployment.instances, MOST_STAGES))


def asked_at(deployment: Deployment, stage: int) -> tuple[int, int]:
    """How many instances the newer and the older web process have at a stage."""
    wanted, stages = deployment.instances, stages_of(deployment)
    if deployment.strategy == "recreate":
        return wanted, 0
    if deployment.state == "CANCELING":
        stage = stages - 1 - stage
    done = wanted * stage // stages
    return max(min(1, wanted), wanted * (stage + 1) // stages), wanted - done


def step(world: World, deployment: Deployment, moment: int) -> None:
    """Moves instances from the older web process to the newer."""
    newer, older = asked_at(deployment, deployment.stage)
    resize(world, world.processes[deployment.process], newer, moment)
    resize(world, world.processes[deployment.previous], older, moment)


def finish(world: World, app: App, deployment: Deployment, moment: int) -> None:
    """Puts the newer web process in the place of the older, and starts the app's other processes anew."""
    world.put_app(replace(app, deployment=replace(deployment, state="DEPLOYED", changed_at=moment)))
    world.remove(deployment.previous)
    resize(world, world.processes[deployment.process], deployment.instances, moment)
    for process in world.app_processes(app.guid):
        if process.guid != deployment.process:
            world.put(started_anew(world, app, process, moment), moment)


def started_anew(world: World, app: App, process: Process, moment: int) -> Process:
    """A process with a new version, and where its app is started with new instances."""
    version = named_guid(world.seed, "version", process.guid, world.next_nonce())
    anew = replace(process, version=version, revision=app.revision, updated_at=moment, allotment=None)
    if app.state != "STARTED":
        return anew
    runs, leaving = begun(world, anew, moment)
    return replace(anew, runs=runs, leaving=leaving)


def call_off_deployment(world: World, guid: str, now: int) -> None:
    """Ends a deployment that is not over: the older web process stays as it was, the newer goes."""
    app = world.apps[guid]
    deployment = app.deployment
    if deployment is None or guid not in world.deploying:
        return
    world.put_app(replace(app, deployment=replace(deployment, state="CANCELED", changed_at=now)))
    if deployment.process in world.processes:
        world.remove(deployment.process)
    if deployment.previous in world.processes:
        resize(world, world.processes[deployment.previous], deployment.instances, now)


def resize(world: World, process: Process, instances: int, moment: int) -> None:
    """Gives a web process another number of instances, as a deployment does: without asking any quota."""
    if instances == process.instances:
        return
    resized_process = replace(process, instances=instances, updated_at=moment)
    if world.apps[process.app].state == "STARTED":
        runs, leaving = resized(world, process, instances, moment)
        resized_process = replace(resized_process, runs=runs, leaving=leaving)
    world.put(resized_process, moment)
