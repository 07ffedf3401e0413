"""Deployments: begun, continued, finished, canceled, advanced with the clock when they are looked at. Never ticks.

While a deployment rolls, its app has two web processes, or more where it superseded others: the newest gains instances
as the older ones lose them, the oldest first, and replaces them at the end. It moves on only while its new instances
are healthy, and ends when all of them run. A canary pauses at each of its steps until somebody continues it, or cancels
it; it never ends by itself.

Source: cloud_controller_ng, app/models/runtime/deployment_model.rb, app/actions/deployment_create.rb,
deployment_continue.rb, deployment_cancel.rb and lib/cloud_controller/deployment_updater/.
"""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.deployment_stages import (
    compute_move_duration,
    count_stages,
    instances_at_stage,
    moving_state_of,
)
from mockfoundry.cloudfoundry.generator import derive_guid
from mockfoundry.cloudfoundry.instance_ranges import resize_ranges, start_instances
from mockfoundry.cloudfoundry.instances import FOREVER, compute_crash_backoff, count_running_instances, phase_at
from mockfoundry.cloudfoundry.model import (
    STATES_IN_FLIGHT,
    App,
    Deployment,
    DeploymentState,
    InstanceRange,
    ProcessModel,
)
from mockfoundry.cloudfoundry.revising import find_current_revision
from mockfoundry.cloudfoundry.world import World

UPDATER_INTERVAL = 5 * SECOND
"""How often the Cloud Controller looks at a deployment [capi-release, jobs/cc_deployment_updater/spec].

An instance that does not live that long from its start is never seen running, so no deployment gets past it.
"""

MAX_RECOVERIES = 1_000
"""How many recoveries of instances are looked at until all of them are healthy at once."""


def has_deployment_in_flight(app: App) -> bool:
    """Whether a deployment of the app is in flight; one that is being canceled is not [deployment_model.rb]."""
    return app.deployment is not None and app.deployment.state in STATES_IN_FLIGHT


def list_web_processes(world: World, guid: str) -> list[ProcessModel]:
    """The web processes of an app, oldest first.

    Args:
        guid: of the app.
    """
    return [each for each in world.list_app_processes(guid) if each.type == "web"]


# Beginning


def change_deployment(world: World, guid: str, now: int, fields: Mapping[str, Any]) -> None:
    """Changes the deployment in flight where it is named by its guid; else begins another one.

    Args:
        guid: of the app.
        fields: as a seed gives them. The reason DEPLOYING continues a deployment that is paused, CANCELING cancels it,
            and PAUSED brings a canary to the pause that it moves to.
    """
    deployment = world.apps[guid].deployment
    if deployment is None or guid not in world.deploying_apps or fields.get("guid") != deployment.guid:
        cancel_deployment(world, guid, now)
        if world.find_app_process(guid, "web") is not None:
            begin_deployment(world, guid, now, fields)
    elif fields.get("reason") == "DEPLOYING":
        continue_deployment(world, guid, now)
    elif fields.get("reason") == "CANCELING":
        cancel_deployment(world, guid, now)
    elif fields.get("reason") == "PAUSED" and deployment.state == "PREPAUSED":
        pause_deployment(world, deployment, now)


def begin_deployment(world: World, guid: str, now: int, fields: Mapping[str, Any]) -> Deployment:
    """Begins a deployment of an app that has a web process.

    Args:
        guid: of the app, whose other deployments are over.
        fields: as a seed gives them; `seconds` is how long it takes, in microseconds, None for one without an end.
            `instances` is the count that its web process had, where that is not the present one, and `command` its
            new command, where that is another.
    """
    app = world.apps[guid]
    webs = list_web_processes(world, guid)
    started_at: int = fields.get("created_at", now)
    nonce = world.next_nonce()
    deployment_guid = fields.get("guid") or derive_guid(world.random_seed, "deployment", guid, nonce)
    droplet = None if app.droplet is None else app.droplet.guid
    metadata = fields.get("metadata", {})
    current = find_current_revision(app)
    deployment = Deployment(
        guid=deployment_guid,
        strategy=fields.get("strategy", "rolling"),
        state=fields.get("reason", "DEPLOYING"),
        created_at=started_at,
        updated_at=started_at,
        changed_at=started_at,
        checked_at=started_at,
        moving_since=started_at,
        duration=fields.get("seconds", int(world.settings.deployment_seconds * SECOND)),
        number=nonce,
        app=guid,
        process=derive_guid(world.random_seed, "process", deployment_guid, nonce),
        previous=webs[0].guid,
        instances=fields.get("instances", webs[0].instances),
        weights=fields.get("steps", ()),
        droplet=droplet,
        previous_droplet=fields.get("previous_droplet", droplet),
        revision=None if current is None else current.guid,
        revision_version=1 if current is None else current.version,
        labels=metadata.get("labels", {}),
        annotations=metadata.get("annotations", {}),
        **{name: fields[name] for name in OPTIONS if name in fields},
    )
    if deployment.pauses:
        step = min(fields.get("step", 1), deployment.pauses + 1)
        # Beyond its last pause there is nothing that it could stand in.
        asked = "DEPLOYING" if step > deployment.pauses and deployment.state == "PAUSED" else deployment.state
        deployment = replace(deployment, step=step, state=asked)
        deployment = replace(deployment, state=moving_state_of(deployment) if asked == "DEPLOYING" else asked)
        if asked == "PAUSED":
            deployment = replace(deployment, stage=count_stages(deployment))
    web = replace(webs[-1], command=fields["command"]) if "command" in fields else webs[-1]
    world.put_process(build_new_process(world, web, deployment, nonce), now)
    world.put_app(replace(app, deployment=deployment))
    apply_stage(world, deployment, started_at)
    advance_deployments(world, now)
    return deployment


SIZES = ("memory_in_mb", "disk_in_mb", "log_rate_limit_in_bytes_per_second")
"""What a deployment may be asked for of its new process alone."""

OPTIONS = ("max_in_flight", "web_instances", *SIZES)
"""What a deployment may be asked for, besides the steps of a canary."""


def build_new_process(world: World, web: ProcessModel, deployment: Deployment, nonce: int) -> ProcessModel:
    """The process that a deployment brings up, without instances.

    Args:
        web: the newest web process of the app.
        nonce: a number that no other deployment has.
    """
    sizes = {name: value for name in SIZES if (value := getattr(deployment, name)) is not None}
    return replace(
        web,
        guid=deployment.process,
        version=derive_guid(world.random_seed, "version", deployment.guid, nonce),
        created_at=deployment.created_at,
        updated_at=deployment.created_at,
        revision=deployment.revision,
        instances=0,
        instance_ranges=(),
        stopping_ranges=(),
        allotment=None,
        **sizes,
    )


def supersede_deployment(world: World, guid: str, now: int) -> None:
    """Ends the deployment that is not over yet, since another one begins; its process stays [deployment_create.rb].

    Args:
        guid: of the app.
    """
    app = world.apps[guid]
    deployment = app.deployment
    if deployment is None or not deployment.is_active:
        return
    state: DeploymentState = "DEPLOYED" if deployment.state == "DEPLOYING" else "CANCELED"
    over = replace(deployment, state=state, superseded=True, changed_at=now, updated_at=now)
    world.put_app(replace(app, deployment=over))


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
    moving = replace(deployment, step=step, stage=0, moving_since=now, changed_at=now, updated_at=now)
    moving = replace(moving, state=moving_state_of(moving))
    world.put_app(replace(app, deployment=moving))
    apply_stage(world, moving, now)
    advance_deployments(world, now)


# Moving


def advance_deployments(world: World, now: int) -> None:
    """Advances every deployment to this moment."""
    for guid in sorted(world.deploying_apps):
        while advance_stage(world, guid, now):
            pass


def advance_stage(world: World, guid: str, now: int) -> bool:
    """Advances the deployment of an app by one stage; gives whether that was due.

    Args:
        guid: of the app.
    """
    app = world.apps[guid]
    deployment = app.deployment
    duration = None if deployment is None else compute_move_duration(deployment)
    if deployment is None or duration is None or not deployment.is_active or deployment.state == "PAUSED":
        return False
    stages, stage = count_stages(deployment), deployment.stage + 1
    due = deployment.moving_since + duration * min(stage, stages) // stages
    if due > now:
        return False
    if deployment.state != "CANCELING":
        must_run = stage >= stages or were_started_again(world, deployment)
        healthy_at = find_healthy_moment(world, deployment, due, now, must_run)
        moved = (now if healthy_at is None else healthy_at) - due
        if moved:
            deployment = replace(deployment, moving_since=deployment.moving_since + moved)
        if healthy_at is None:
            world.put_app(replace(app, deployment=deployment))
            return False
        due = healthy_at
    deployment = replace(deployment, stage=min(stage, stages), updated_at=due)
    if stage < stages:
        deployment = replace(deployment, checked_at=due)
        world.put_app(replace(app, deployment=deployment))
        apply_stage(world, deployment, due)
    elif deployment.state == "CANCELING":
        cancel_deployment(world, guid, due)
    elif deployment.state == "PREPAUSED":
        pause_deployment(world, deployment, due)
    else:
        finish_deployment(world, app, deployment, due)
    return True


def pause_deployment(world: World, deployment: Deployment, moment: int) -> None:
    """Brings a canary to the pause that it moves to."""
    there = replace(deployment, stage=count_stages(deployment), updated_at=moment)
    apply_stage(world, there, moment)
    paused = replace(there, state="PAUSED", changed_at=moment, checked_at=moment)
    world.put_app(replace(world.apps[deployment.app], deployment=paused))


def apply_stage(world: World, deployment: Deployment, moment: int) -> None:
    """Moves instances from the older web processes to the newest."""
    newer, older = instances_at_stage(deployment)
    resize_web_process(world, world.processes[deployment.process], newer, moment)
    if deployment.stage or deployment.step > 1 or deployment.strategy == "recreate":
        shrink_older_processes(world, deployment, older, moment)


def shrink_older_processes(world: World, deployment: Deployment, instances: int, moment: int) -> None:
    """Cuts the older web processes to so many instances together, the oldest first.

    One in between that has none left is gone [deployment_updater/actions/down_scaler.rb]. Those of canceled deployments
    have none from now on [scale_down_canceled_processes.rb].
    """
    canceled = {each.process for each in world.list_deployments(deployment.app) if each.state == "CANCELED"}
    older = [each for each in list_web_processes(world, deployment.app) if each.guid != deployment.process]
    for process in older:
        if process.guid in canceled:
            resize_web_process(world, process, 0, moment)
    older = [world.processes[each.guid] for each in older]
    excess = sum(each.instances for each in older) - instances
    for process in older:
        if excess <= 0:
            break
        cut = min(excess, process.instances)
        excess -= cut
        if cut == process.instances and process.guid != older[0].guid:
            world.remove_process(process.guid)
        else:
            resize_web_process(world, process, process.instances - cut, moment)


# The health of new instances


def were_started_again(world: World, deployment: Deployment) -> bool:
    """Whether new instances were started by something else than the deployment: it waits until they run again."""
    moved_at = max(deployment.checked_at, deployment.changed_at)
    return any(each.since > moved_at for each in world.processes[deployment.process].instance_ranges)


def find_healthy_moment(world: World, deployment: Deployment, moment: int, until: int, must_run: bool) -> int | None:
    """When the new instances of a deployment are next healthy all at once; None where they are not until then.

    Args:
        moment: from when on.
        must_run: whether they must run; else it is enough that each of them is starting.
    """
    process = world.processes[deployment.process]
    stopped = world.apps[deployment.app].state == "STOPPED" and process.instances > 0
    if stopped or world.settings.platform == "unavailable":
        return None
    for _ in range(MAX_RECOVERIES):
        moments = {find_recovery(each, moment, must_run) for each in process.instance_ranges} - {moment}
        if not moments:
            return moment
        latest = max(FOREVER if each is None else each for each in moments)
        if latest > until:
            return None
        moment = latest
    return None


def find_recovery(instance_range: InstanceRange, moment: int, must_run: bool) -> int | None:
    """When instances are next healthy, this moment where they are so; None where nothing but a change makes them so."""
    crash_after, start = instance_range.crash_after, instance_range.start_duration
    if instance_range.state is not None:
        return moment if instance_range.state == "RUNNING" and instance_range.ready else None
    if instance_range.details is not None or not instance_range.ready or start >= FOREVER:
        return None
    if crash_after is not None and crash_after < start + UPDATER_INTERVAL:
        return None
    wait = start if must_run else 0
    if instance_range.since > moment:
        return instance_range.since + wait if must_run else moment
    phase = phase_at(instance_range, moment)
    if phase.state == "RUNNING":
        return moment
    if phase.state == "STARTING":
        return phase.since + wait if must_run else moment
    return phase.since + compute_crash_backoff(phase.restarts) + wait


# Ending


def finish_deployment(world: World, app: App, deployment: Deployment, moment: int) -> None:
    """Replaces the older web processes by the newest, and restarts the app's other processes."""
    world.put_app(replace(app, deployment=replace(deployment, state="DEPLOYED", changed_at=moment)))
    resize_web_process(world, world.processes[deployment.process], deployment.wanted, moment)
    for process in world.list_app_processes(app.guid):
        if process.guid == deployment.process:
            continue
        if process.type == "web":
            world.remove_process(process.guid)
        else:
            world.put_process(restart_process(world, app, process, moment), moment)


def restart_process(world: World, app: App, process: ProcessModel, moment: int) -> ProcessModel:
    """A process with a new version and, where its app is started, with new instances."""
    version = derive_guid(world.random_seed, "version", process.guid, world.next_nonce())
    restarted = replace(process, version=version, revision=app.revision, updated_at=moment, allotment=None)
    if app.state != "STARTED":
        return restarted
    return start_instances(world, restarted, moment)


def begin_canceling(world: World, deployment: Deployment, now: int) -> None:
    """Cancels a deployment that is in flight: what it changed goes back when it is looked at the next time."""
    app = world.apps[deployment.app]
    duration = deployment.duration
    if duration is None:
        duration = int(world.settings.deployment_seconds * SECOND)
    canceling = replace(
        deployment, state="CANCELING", stage=0, moving_since=now, changed_at=now, updated_at=now, duration=duration
    )
    world.put_app(replace(app, deployment=canceling, updated_at=now))


def cancel_deployment(world: World, guid: str, now: int) -> None:
    """Ends a deployment that is not over: one older web process stays with the count that there was, the others go.

    Args:
        guid: of the app.
    """
    app = world.apps[guid]
    deployment = app.deployment
    if deployment is None or guid not in world.deploying_apps:
        return
    world.put_app(replace(app, deployment=replace(deployment, state="CANCELED", changed_at=now, updated_at=now)))
    older = [each for each in list_web_processes(world, guid) if each.guid != deployment.process]
    if deployment.process in world.processes:
        world.remove_process(deployment.process)
    if not older:
        return
    kept = find_survivor(world, older, now)
    for process in older:
        if process.guid != kept.guid:
            world.remove_process(process.guid)
    resize_web_process(world, kept, deployment.instances, now)


def find_survivor(world: World, older: list[ProcessModel], now: int) -> ProcessModel:
    """Which of the older web processes stays when a deployment is canceled [deployment_updater/actions/cancel.rb].

    The oldest, or the newest of a superseded rolling deployment that has an instance that runs.
    """
    deployments = world.list_deployments(older[0].app)
    interim = {each.process for each in deployments if each.superseded and each.state == "DEPLOYED"}
    for process in reversed(older):
        if process.guid in interim and count_running_instances(world, process, now):
            return process
    return older[0]


def resize_web_process(world: World, process: ProcessModel, instances: int, moment: int) -> None:
    """Changes the number of instances of a web process, as a deployment does: without checking a quota."""
    if instances == process.instances:
        return
    resized_process = replace(process, instances=instances, updated_at=moment)
    if world.apps[process.app].state == "STARTED":
        ranges, stopping = resize_ranges(world, process, instances, moment)
        resized_process = replace(resized_process, instance_ranges=ranges, stopping_ranges=stopping)
    world.put_process(resized_process, moment)
