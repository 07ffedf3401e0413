"""Updating: `PATCH` of a process. Source: cloud_controller_ng, process_update.rb and process_update_message.rb."""

from typing import Any

import msgspec

from mockfoundry.cloudfoundry.calls import Answer, Call
from mockfoundry.cloudfoundry.entities import Process, User
from mockfoundry.cloudfoundry.errors import (
    ANNOTATION_LIMIT_EXCEEDED,
    LABEL_LIMIT_EXCEEDED,
    CatalogueEntry,
    refuse,
)
from mockfoundry.cloudfoundry.messages.bodies import failing
from mockfoundry.cloudfoundry.messages.metadata import as_text
from mockfoundry.cloudfoundry.messages.update import UpdateMessage, read_update
from mockfoundry.cloudfoundry.operations.finding import find_process, must_manage
from mockfoundry.cloudfoundry.operations.scaling import must_not_be_deploying
from mockfoundry.cloudfoundry.presenters import HIDDEN, command_of, present_process
from mockfoundry.cloudfoundry.saving import must_be_savable
from mockfoundry.cloudfoundry.world import World

MOST_LABELS = 50
MOST_ANNOTATIONS = 200

replace = msgspec.structs.replace


def update_process(world: World, actor: User, call: Call) -> Answer:
    """Changes command, user, health checks or metadata of a process; all of it or nothing."""
    found = find_process(world, actor, call)
    must_manage(actor, found.space, found.organization)
    message = read_update(call)
    must_not_be_deploying(found, "update")
    process, app, now = found.process, found.app, call.now
    updated = replace(with_metadata(process, message), updated_at=now, **changes(process, message))
    must_be_savable(world, app, found.space, found.organization, process, updated)
    world.put(updated, now)
    request = {name: HIDDEN if name == "command" else value for name, value in message.asked.items()}
    data = {"process_guid": process.guid, "process_type": process.type, "request": request}
    world.record("audit.app.process.update", app, actor, now, data)
    body = present_process(updated, app, call.base, command_of(updated, app))
    changed = replace(updated, updated_at=process.updated_at) != process
    return Answer(200, body, "world: process updated", laxer=call.violations, changed=changed)


def changes(process: Process, message: UpdateMessage) -> dict[str, Any]:
    """The fields that an update changes, its metadata apart."""
    fields: dict[str, Any] = {name: message.asked[name] for name in ("command", "user") if name in message.asked}
    if message.health_check:
        fields["health_check"] = replace(process.health_check, **message.health_check)
    if message.readiness_health_check:
        fields["readiness_health_check"] = replace(process.readiness_health_check, **message.readiness_health_check)
    return fields


def with_metadata(process: Process, message: UpdateMessage) -> Process:
    """A process with the labels and annotations of an update.

    Raises:
        Refusal: 422, where there are too many; 500, where the database does not take a value.
    """
    metadata = message.asked.get("metadata")
    if not metadata:
        return process
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    kept = merged(process.labels, labels, LABEL_LIMIT_EXCEEDED, "labels", MOST_LABELS)
    if any(isinstance(value, bool | float | dict | list) for value in annotations.values()):
        raise failing("an annotation that is no text")
    noted = merged(process.annotations, annotations, ANNOTATION_LIMIT_EXCEEDED, "annotations", MOST_ANNOTATIONS)
    return replace(process, labels=kept, annotations=noted)


def merged(
    before: dict[str, str], asked: dict[str, Any], refusal: CatalogueEntry, kind: str, most: int
) -> dict[str, str]:
    """Labels or annotations with those asked for; null takes one away, and the others stay.

    Raises:
        Refusal: 422, where there are more than before and too many.
    """
    together = dict(before)
    for name, value in asked.items():
        if value is None:
            together.pop(name, None)
        else:
            together[name] = as_text(value)
    if len(before) < len(together) and len(together) > most:
        words = f"Failed to add {len(asked)} {kind} because it would exceed maximum of {most}"
        raise refuse(refusal, words)
    return together
