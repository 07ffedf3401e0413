"""Presenters: processes as the JSON that clients read, keys in the Cloud Controller's order. Never decides anything.

Source: cloud_controller_ng, app/presenters/v3/process_presenter.rb and process_instances_presenter.rb. What does not
change between two answers is built once and shared by them, so a presented value is encoded and never changed inside.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.clock import SECOND, timestamp, written
from mockfoundry.cloudfoundry.entities import App, HealthCheck, Process
from mockfoundry.cloudfoundry.instances import Instance

HIDDEN = "[PRIVATE DATA HIDDEN]"
HIDDEN_IN_LISTS = "[PRIVATE DATA HIDDEN IN LISTS]"

USUAL_USER = "vcap"
USUAL_DOCKER_USER = "root"


def command_of(process: Process, app: App) -> str:
    """The command of a process: its own, else the one that staging found, else none."""
    if process.command is not None and process.command.strip():
        return process.command
    return app.droplet.process_types.get(process.type, "") if app.droplet is not None else ""


def user_of(process: Process, app: App) -> str:
    """Who runs a process."""
    if process.user is not None and process.user.strip():
        return process.user
    return USUAL_DOCKER_USER if app.lifecycle == "docker" else USUAL_USER


def present_process(
    process: Process, app: App, base: str, command: str, instances: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """A process.

    Args:
        base: what links begin with.
        command: as the reader may see it.
        instances: presented, where they were asked for.
    """
    guid = process.guid
    presented: dict[str, Any] = {
        "guid": guid,
        "created_at": timestamp(process.created_at // SECOND),
        "updated_at": timestamp(process.updated_at // SECOND),
        "version": process.version,
        "type": process.type,
        "command": command,
        "user": USUAL_USER if process.user is None and app.lifecycle != "docker" else user_of(process, app),
        "instances": process.instances,
        "memory_in_mb": process.memory_in_mb,
        "disk_in_mb": process.disk_in_mb,
        "log_rate_limit_in_bytes_per_second": process.log_rate_limit_in_bytes_per_second,
    }
    if process.registry_credential_last_synced_at is not None:
        presented["registry_credential_last_synced_at"] = written(process.registry_credential_last_synced_at)
    presented["health_check"] = present_health_check(process.health_check)
    presented["readiness_health_check"] = present_readiness_health_check(process.readiness_health_check)
    if instances is not None:
        presented["process_instances"] = instances
    credential = process.registry_credential
    presented["relationships"] = relationships(process.app, process.revision, credential)
    presented["metadata"] = {"labels": process.labels, "annotations": process.annotations}
    presented["links"] = links(base, guid, process.app, app.space, credential)
    return presented


def fragment(value: dict[str, Any]) -> msgspec.Raw:
    """A part of an answer, encoded once for all the answers that hold it."""
    return msgspec.Raw(_encode(value))


_encode = msgspec.json.Encoder().encode


@lru_cache(maxsize=8192)
def relationships(app: str, revision: str | None, credential: str | None) -> msgspec.Raw:
    found: dict[str, Any] = {
        "app": {"data": {"guid": app}},
        "revision": None if revision is None else {"data": {"guid": revision}},
    }
    if credential is not None:
        found["registry_credential"] = {"data": {"guid": credential}}
    return fragment(found)


@lru_cache(maxsize=8192)
def links(base: str, guid: str, app: str, space: str, credential: str | None) -> msgspec.Raw:
    url = f"{base}/v3/processes/{guid}"
    found: dict[str, Any] = {
        "self": {"href": url},
        "scale": {"href": f"{url}/actions/scale", "method": "POST"},
        "app": {"href": f"{base}/v3/apps/{app}"},
        "space": {"href": f"{base}/v3/spaces/{space}"},
        "stats": {"href": f"{url}/stats"},
        "process_instances": {"href": f"{url}/process_instances"},
    }
    if credential is not None:
        found["registry_credential"] = {"href": f"{base}/v3/registry_credentials/{credential}"}
    return fragment(found)


@lru_cache(maxsize=1024)
def present_health_check(check: HealthCheck) -> msgspec.Raw:
    data: dict[str, Any] = {
        "timeout": check.timeout,
        "invocation_timeout": check.invocation_timeout,
        "interval": check.interval,
    }
    if check.type == "http":
        data["endpoint"] = check.endpoint
    return fragment({"type": check.type, "data": data})


@lru_cache(maxsize=1024)
def present_readiness_health_check(check: HealthCheck) -> msgspec.Raw:
    data: dict[str, Any] = {"invocation_timeout": check.invocation_timeout, "interval": check.interval}
    if check.type == "http":
        data["endpoint"] = check.endpoint
    return fragment({"type": check.type, "data": data})


def present_instances(instances: Iterable[Instance], stopped: bool, now: int) -> list[dict[str, Any]]:
    """Instances in short: where they are in, and for how many seconds; nobody knows that of a stopped app's."""
    return [
        {
            "index": each.index,
            "state": each.state,
            "since": None if stopped or each.since is None else max(0, now - each.since) // SECOND,
        }
        for each in instances
    ]


def present_process_instances(process: Process, instances: list[dict[str, Any]], base: str) -> dict[str, Any]:
    """The instances of a process with their links."""
    url = f"{base}/v3/processes/{process.guid}"
    return {
        "resources": instances,
        "links": {"self": {"href": f"{url}/process_instances"}, "process": {"href": url}},
    }
