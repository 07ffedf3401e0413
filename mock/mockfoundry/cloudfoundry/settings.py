"""Settings as frozen values: how a foundation behaves as a platform, and which features it has. Never applies one."""

from typing import Literal

import msgspec


class FeatureFlag(msgspec.Struct, frozen=True):
    """A feature flag.

    Attributes:
        error_message: the words that a refusal gives in place of its name.
        updated_at: when it was last set; None while it never was.
    """

    enabled: bool
    error_message: str | None = None
    updated_at: int | None = None


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """How many requests a user has in one interval.

    Attributes:
        unauthenticated: for callers without a token, by address.
        admins: for admins; None is unlimited, as on a real foundation.
    """

    requests: int
    unauthenticated: int
    admins: int | None
    interval_seconds: float = 3600.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How this foundation behaves as a platform.

    Attributes:
        start_seconds, stop_seconds: how long an instance takes to run, and to be gone.
        deployment_seconds: how long a deployment takes.
        job_seconds: how long it takes until a job runs, such as the deletion of an app.
        task_seconds: how long a task runs that a client starts.
        crash_seconds: how long after each start every instance crashes, None where it doesn't.
        stale_seconds: how old the world is that reads show.
        platform: whether the scheduler can be reached.
        metrics: whether the metrics can be read.
        maximum_disk_in_mb, maximum_health_check_timeout_in_seconds: what a process may ask for.
        allowed_process_users: who may run a process, besides vcap.
        unknown_users: what a bearer token is that names no user: an admin's, or refused.
        api_version: of the Cloud Controller, as the root documents say it.
        uaa: whether UAA can be reached.
        access_token_seconds, refresh_token_seconds: how long tokens are valid that a log-in gives; None for so long
            that no test sees one expire.
    """

    start_seconds: float = 1.0
    stop_seconds: float = 1.0
    deployment_seconds: float = 2.0
    job_seconds: float = 1.0
    task_seconds: float = 1.0
    crash_seconds: float | None = None
    stale_seconds: float = 0.0
    platform: Literal["available", "unavailable"] = "available"
    metrics: Literal["available", "unavailable"] = "available"
    rate_limit: RateLimit | None = None
    maximum_disk_in_mb: int = 2048
    maximum_health_check_timeout_in_seconds: int = 180
    allowed_process_users: tuple[str, ...] = ("ContainerUser", "TestUser")
    unknown_users: Literal["admin", "refused"] = "admin"
    api_version: str = "3.228.0"
    uaa: Literal["available", "unavailable"] = "available"
    access_token_seconds: float | None = None
    refresh_token_seconds: float | None = None
