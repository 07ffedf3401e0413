"""Updating: `PATCH` of a process. Source: cloud_controller_ng, process_update.rb and process_update_message.rb."""

from typing import Any

import msgspec

from mockfoundry.cloudfoundry.calls import Answer, Call
from mockfoundry.cloudfoundry.messages import read_update, valid_body
from mockfoundry.cloudfoundry.operations.finding import find_process, must_manage
from mockfoundry.cloudfoundry.operations.scaling import must_not_be_deploying
from mockfoundry.cloudfoundry.presenters import present_process
from mockfoundry.cloudfoundry.world import HealthCheck, Process, User, World


def update_process(world: World, actor: User, call: Call) -> Answer:
    """Changes command, user, health checks or metadata of a process."""
    found = find_process(world, actor, call)
    must_manage(actor, found)
    change, laxer = valid_body(call, read_update)
    must_not_be_deploying(found, "update")
    updated = with_change(found.process, change)
    if updated != found.process:
        updated = msgspec.structs.replace(updated, updated_at=call.now)
        world.put(updated, call.now)
    body = present_process(updated, found.app, call.base, updated.command)
    return Answer(200, body, "world: process updated", laxer=laxer)


def with_change(process: Process, change: dict[str, Any]) -> Process:
    fields: dict[str, Any] = {name: change[name] for name in ("command", "user") if name in change}
    for name in ("health_check", "readiness_health_check"):
        if change.get(name):
            fields[name] = with_checks(getattr(process, name), change[name])
    metadata = change.get("metadata") or {}
    for name in ("labels", "annotations"):
        if metadata.get(name):
            fields[name] = merged(getattr(process, name), metadata[name])
    return msgspec.structs.replace(process, **fields) if fields else process


def with_checks(check: HealthCheck, change: dict[str, Any]) -> HealthCheck:
    """A health check with a change; only an HTTP check keeps an endpoint."""
    fields = dict(change.get("data") or {})
    if "type" in change:
        fields["type"] = change["type"]
        if change["type"] != "http":
            fields["endpoint"] = None
    return msgspec.structs.replace(check, **fields)


def merged(kept: dict[str, str], change: dict[str, str | None]) -> dict[str, str]:
    """Labels or annotations with a change; null takes one away."""
    together = {**kept, **change}
    return {name: value for name, value in together.items() if value is not None}
