"""Entities: what apps and their processes are made of, as frozen values. Never checks who may do what.

A change replaces a value by a new one, so a refused change leaves nothing behind. Moments are whole microseconds since
the epoch and durations whole microseconds, unless a name ends with `_seconds`.

What stands around apps has rooms of its own: `organizations`, `users`, `settings`. Packages, revisions, tasks and
routes are in `app_parts`.
"""

from typing import Any, Literal

import msgspec

from mockfoundry.cloudfoundry.app_parts import Buildpack, DropletState, Package, Revision, Task
from mockfoundry.cloudfoundry.users import User

LARGEST_INTEGER = 2_147_483_647
"""What the Cloud Controller's database holds in an integer column [app/messages/base_message.rb]."""

LARGEST_LONG = 9_223_372_036_854_775_807
"""What it holds in a column of 64 bits."""

UNLIMITED = -1
"""The log rate of a process that has no limit."""

DEFAULT_MEMORY_IN_MB = 1024
"""The memory of a new process [config default_app_memory]."""

DEFAULT_DISK_IN_MB = 1024
"""The disk of a process whose disk is not set [config default_app_disk_in_mb]."""

DEFAULT_USER = "vcap"
"""The user of a process whose user is not set, unless its app is a Docker app."""

DEFAULT_STACK = "cflinuxfs4"
"""The stack of an app that names none [config/stacks.yml]."""

AppState = Literal["STARTED", "STOPPED"]
JobState = Literal["PROCESSING", "COMPLETE", "FAILED"]
Lifecycle = Literal["buildpack", "cnb", "docker"]
DeploymentState = Literal["DEPLOYING", "PREPAUSED", "PAUSED", "CANCELING", "DEPLOYED", "CANCELED"]

STATES_IN_FLIGHT: tuple[DeploymentState, ...] = ("DEPLOYING", "PREPAUSED", "PAUSED")
"""While a deployment has one of these states, the web processes of its app can be neither scaled nor updated."""

ACTIVE_STATES: tuple[DeploymentState, ...] = (*STATES_IN_FLIGHT, "CANCELING")
"""While a deployment has one of these states, it is not over."""

HealthCheckType = Literal["port", "process", "http"]
InstanceState = Literal["RUNNING", "STARTING", "CRASHED", "DOWN", "STOPPING"]


class Sidecar(msgspec.Struct, frozen=True, kw_only=True):
    guid: str
    name: str
    process_types: tuple[str, ...]
    memory_in_mb: int | None
    command: str
    created_at: int
    updated_at: int
    origin: Literal["user", "buildpack"] = "user"


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment of an app.

    Attributes:
        state: the Cloud Controller's own word; the API shows it as a status and a reason.
        number: higher than that of any earlier deployment of its foundation.
        superseded: whether another deployment ended it by taking its place.
        duration: how long it takes, without its pauses; None where it never moves by itself.
        app: the guid of its app.
        process: the guid of the web process that it brings up; empty where the app was stopped and is just started.
        previous: the guid of the oldest one that it takes down.
        instances: how many instances the app's web process had, before it and those that it supersedes.
        web_instances: how many it is to have; None where that is as many.
        memory_in_mb, disk_in_mb, log_rate_limit_in_bytes_per_second: of the new process, None where they stay.
        max_in_flight: how many new instances are started together.
        changed_at: when its state last changed.
        checked_at: when its new instances were last found healthy.
        moving_since: when it began to move to where it moves now: its next pause, or its end. It is put off for as long
            as new instances are not healthy.
        stage: how many stages of that move are done.
        weights: of a canary, one for each pause: how much of the instances are new by then, in percent. Without any it
            pauses once, with one new instance beside all the others.
        step: which pause it moves to, or stands in, counted from 1; beyond the last it moves to its end.
        droplet, previous_droplet: their guids; None where the app had none.
        revision: its guid, None where the app has no revisions.
    """

    guid: str
    strategy: str
    state: DeploymentState
    created_at: int
    updated_at: int = 0
    changed_at: int
    checked_at: int = 0
    duration: int | None
    app: str = ""
    process: str = ""
    previous: str = ""
    instances: int = 0
    web_instances: int | None = None
    memory_in_mb: int | None = None
    disk_in_mb: int | None = None
    log_rate_limit_in_bytes_per_second: int | None = None
    max_in_flight: int = 1
    moving_since: int = 0
    stage: int = 0
    weights: tuple[int, ...] = ()
    step: int = 1
    number: int = 0
    superseded: bool = False
    droplet: str | None = None
    previous_droplet: str | None = None
    revision: str | None = None
    revision_version: int = 1
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}

    @property
    def pauses(self) -> int:
        """How often it pauses until somebody continues it; the API calls that the total of its steps."""
        return max(1, len(self.weights)) if self.strategy == "canary" else 0

    @property
    def wanted(self) -> int:
        """How many instances the web process is to have at the end."""
        return self.instances if self.web_instances is None else self.web_instances

    @property
    def is_active(self) -> bool:
        """Whether it is not over."""
        return self.state in ACTIVE_STATES

    @property
    def status_value(self) -> str:
        """ACTIVE or FINALIZED."""
        return "ACTIVE" if self.is_active else "FINALIZED"

    @property
    def status_reason(self) -> str:
        """Why it has that status; on the way to a pause it is DEPLOYING, as on the way to its end."""
        if self.superseded:
            return "SUPERSEDED"
        return "DEPLOYING" if self.state == "PREPAUSED" else self.state


class Droplet(msgspec.Struct, frozen=True, kw_only=True):
    """What staging made of an app.

    Attributes:
        process_types: the commands that it found.
        package: the guid of what was staged; None for a package that is of this droplet alone.
        stack, image, buildpacks: None for what follows from the app.
    """

    guid: str
    created_at: int
    updated_at: int
    process_types: dict[str, str]
    state: DropletState = "STAGED"
    error: str | None = None
    package: str | None = None
    stack: str | None = None
    image: str | None = None
    buildpacks: tuple[Buildpack, ...] | None = None
    execution_metadata: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class App(msgspec.Struct, frozen=True, kw_only=True):
    """An app.

    Attributes:
        buildpacks, stack: of its lifecycle; an app of lifecycle docker shows neither.
        has_registry_credentials: whether its lifecycle has credentials, which nobody is shown.
        environment_variables: its own, any JSON values; None where it never had any.
        ssh_enabled, revisions_enabled, service_binding_k8s_enabled, file_based_vcap_services_enabled: its features.
        deletion_error: what the job says that fails to delete it; None where it can be deleted.
        droplet: the current one.
        droplets: the others, oldest first.
        packages: besides those that follow from droplets.
        revision: the guid of the current one; None where revisions are off.
        revisions: besides a current one that follows from the app.
    """

    guid: str
    name: str
    space: str
    created_at: int
    updated_at: int
    state: AppState = "STARTED"
    lifecycle: Lifecycle = "buildpack"
    buildpacks: tuple[str, ...] = ()
    stack: str | None = DEFAULT_STACK
    has_registry_credentials: bool = False
    environment_variables: dict[str, Any] | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    ssh_enabled: bool = True
    revisions_enabled: bool = True
    service_binding_k8s_enabled: bool = False
    file_based_vcap_services_enabled: bool = False
    droplet: Droplet | None = None
    revision: str | None = None
    deployment: Deployment | None = None
    sidecars: tuple[Sidecar, ...] = ()
    deletion_error: str | None = None
    droplets: tuple[Droplet, ...] = ()
    packages: tuple[Package, ...] = ()
    revisions: tuple[Revision, ...] = ()
    tasks: tuple[Task, ...] = ()


class HealthCheck(msgspec.Struct, frozen=True, kw_only=True):
    """How a process is checked. Times in seconds."""

    type: HealthCheckType
    timeout: int | None = None
    invocation_timeout: int | None = None
    interval: int | None = None
    endpoint: str | None = None


class InstanceRange(msgspec.Struct, frozen=True):
    """Neighbouring instances of a process that were started together, so that all of them go through the same states.

    A million instances are one value.

    Attributes:
        first: the lowest index; `count` instances from there.
        since: when they were first started; in the future where the instance before them has to stop yet.
        nonce: distinguishes starts, so that a restarted instance has a new guid.
        start_duration: how long each start takes until the instance runs.
        crash_after: how long after each start they crash, None where they don't.
        first_crash: when they first crash, None where that is `crash_after` their start.
        gone_at: when they are gone, None where they are not stopping.
        state: that a seed or a scenario holds them in, None where it follows from the clock.
        details: why the scheduler can't place them.
        ready: whether their readiness check succeeds.
    """

    first: int
    count: int
    since: int
    nonce: int = 0
    start_duration: int = 0
    crash_after: int | None = None
    first_crash: int | None = None
    gone_at: int | None = None
    state: InstanceState | None = None
    details: str | None = None
    ready: bool = True

    @property
    def end(self) -> int:
        """The index after the highest."""
        return self.first + self.count


class Allotment(msgspec.Struct, frozen=True):
    """What each instance got from the scheduler when the app was last started."""

    memory_in_mb: int
    disk_in_mb: int
    log_rate_limit_in_bytes_per_second: int


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What all instances of a process have to do together, in processor cores, by the age of the world.

    Attributes:
        steps: the age from which each number of cores holds, in order.
        mean, amplitude, period: of a sine that is added to the steps; no sine where the period is 0.
        crash_above: an instance with more cores of load than this crashes, None where none does.
        memory_per_core_in_mb: the memory that each core of load takes, besides that of an idle instance.
    """

    steps: tuple[tuple[int, float], ...] = ()
    mean: float = 0.0
    amplitude: float = 0.0
    period: int = 0
    crash_above: float | None = None
    memory_per_core_in_mb: int = 0


class ProcessModel(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A process: the fields that the API shows, and how its instances behave.

    What presenters make of it again and again is kept beside the fields, and goes with it.

    Attributes:
        instance_ranges: the instances that are wanted, by index, without overlap.
        stopping_ranges: instances that were stopped and may not be gone yet.
        allotment: what running instances have, None where that is what the process asks for.
        crash_after: how long after each start an instance crashes, None where it doesn't.
        starts: whether instances ever become healthy.
        ready: whether their readiness checks succeed.
        placement_error: why the scheduler can't place new instances, None where it can.
    """

    guid: str
    app: str
    type: str
    created_at: int
    updated_at: int
    version: str
    instances: int
    memory_in_mb: int
    disk_in_mb: int
    log_rate_limit_in_bytes_per_second: int
    command: str | None = None
    user: str | None = None
    revision: str | None = None
    registry_credential: str | None = None
    registry_credential_last_synced_at: int | None = None
    health_check: HealthCheck
    readiness_health_check: HealthCheck
    labels: dict[str, str]
    annotations: dict[str, str]
    instance_ranges: tuple[InstanceRange, ...] = ()
    stopping_ranges: tuple[InstanceRange, ...] = ()
    allotment: Allotment | None = None
    crash_after: int | None = None
    starts: bool = True
    ready: bool = True
    placement_error: str | None = None
    load: Load | None = None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the platform does after it has answered, such as the deletion of an app.

    Attributes:
        operation: what the API calls it: `app.delete`.
        resource: the guid of what it is done to.
        actor: who asked for it.
        due_at: when it runs.
        updated_at: when its state last changed.
        error: why it failed; None where it did not.
    """

    guid: str
    operation: str
    resource: str
    actor: User
    created_at: int
    updated_at: int
    due_at: int
    state: JobState = "PROCESSING"
    error: str | None = None
