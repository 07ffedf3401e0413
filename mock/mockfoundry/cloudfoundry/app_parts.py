"""Parts of apps as frozen values: packages, revisions, tasks, routes, and what a droplet was built with.

They are shown and hardly ever decide anything, so most of an app's are not held at all: `staging` derives them.
Moments are whole microseconds since the epoch, durations whole microseconds.
"""

from typing import Any, Literal

import msgspec

DropletState = Literal["STAGED", "FAILED", "EXPIRED", "AWAITING_UPLOAD", "PROCESSING_UPLOAD", "COPYING", "STAGING"]
PackageState = Literal["READY", "FAILED", "EXPIRED", "AWAITING_UPLOAD", "PROCESSING_UPLOAD", "COPYING"]
TaskState = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELING"]
RouteProtocol = Literal["http1", "http2", "tcp"]

ENDED_STATES: tuple[TaskState, ...] = ("SUCCEEDED", "FAILED")


class Buildpack(msgspec.Struct, frozen=True, kw_only=True):
    """A buildpack that staging used, as a droplet shows it."""

    name: str
    detect_output: str | None = None
    buildpack_name: str | None = None
    version: str | None = None


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """The source of an app, or the name of its image.

    Attributes:
        type: None for what its app's lifecycle takes.
        image: of a docker package; None for one that follows from the app's name.
    """

    guid: str
    created_at: int
    updated_at: int
    state: PackageState = "READY"
    type: Literal["bits", "docker"] | None = None
    image: str | None = None
    username: str | None = None
    error: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """What an app ran at a time.

    Attributes:
        droplet: its guid; None for the app's current one.
        processes: the commands by type, None where there was none; None in place of all for those of the app.
        environment_variables: None for those of the app.
    """

    guid: str
    created_at: int
    updated_at: int
    version: int
    description: str = "Initial revision."
    droplet: str | None = None
    processes: dict[str, str | None] | None = None
    environment_variables: dict[str, Any] | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A task of an app, as it was when it was last written; `tasks` says what it is at a moment.

    Attributes:
        droplet: its guid; None for the app's current one.
        seconds: how long after its last change it ends, in microseconds; None where it never does by itself.
    """

    guid: str
    sequence_id: int
    name: str
    command: str
    created_at: int
    updated_at: int
    state: TaskState = "RUNNING"
    seconds: int | None = None
    failure_reason: str | None = None
    user: str | None = None
    memory_in_mb: int = 1024
    disk_in_mb: int = 1024
    log_rate_limit_in_bytes_per_second: int = -1
    droplet: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """Where a route leads: the processes of one type of an app, at one port.

    Attributes:
        app: its guid.
        port: None for the one that apps have by themselves.
    """

    app: str
    process_type: str = "web"
    port: int | None = None
    protocol: RouteProtocol = "http1"
    weight: int | None = None


class RouteModel(msgspec.Struct, frozen=True, kw_only=True):
    """A route of a space.

    Attributes:
        space: its guid.
        domain: its name.
        port: of a TCP route; None for HTTP.
        options: as JSON; None where it has none.
    """

    guid: str
    space: str
    host: str
    domain: str
    created_at: int
    updated_at: int
    path: str = ""
    port: int | None = None
    options: dict[str, str] | None = None
    destinations: tuple[Destination, ...] = ()
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
