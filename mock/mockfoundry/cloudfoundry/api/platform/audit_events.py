"""Audit events: what was done to apps and their processes, read and listed. Never records one.

Source: cloud_controller_ng, app/controllers/v3/events_controller.rb, app/presenters/v3/event_presenter.rb,
app/messages/events_list_message.rb, app/models/runtime/event.rb and lib/cloud_controller/permissions.rb.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from mockfoundry.cloudfoundry.api.lists.listing import Listing, ListReading, drop_by, keep_by, list_page
from mockfoundry.cloudfoundry.api.lists.parameters import Parameters
from mockfoundry.cloudfoundry.api.lists.queries import ListForm, read_list_query
from mockfoundry.cloudfoundry.api.lists.query_checks import check_arrays
from mockfoundry.cloudfoundry.api.presenters import present_moment
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.auth import reads_everything
from mockfoundry.cloudfoundry.errors import RESOURCE_NOT_FOUND, Refusal
from mockfoundry.cloudfoundry.generator import derive_guid
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import AuditEvent, World

SPACE_ROLES_FOR_EVENTS = frozenset({"space_developer", "space_supporter", "space_auditor"})


class EventRow(NamedTuple):
    """An audit event with what its world says of it.

    Attributes:
        created_at, updated_at: both the event's moment.
        actor_name: the e-mail address of the user, empty for the token of a client.
        organization: the guid of the organization that its space is in; None where the space is gone.
    """

    guid: str
    created_at: int
    updated_at: int
    actor_name: str
    organization: str | None
    event: AuditEvent


def list_audit_events(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The events of every space and organization whose events the actor may read."""
    query = read_list_query(request, AUDIT_EVENTS.form)  # 400, 500
    rows = read_events(world, actor)
    return list_page(ListReading(world, actor, request, query), AUDIT_EVENTS, rows, "/v3/audit_events", in_order=True)


def get_audit_event(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One event, also of an app that is gone."""
    guid = request.path["guid"]
    row = next((each for each in read_events(world, actor) if each.guid == guid), None)
    if row is None:
        why = "world: no event that is kept has this guid, or this actor may not read it"
        raise Refusal(RESOURCE_NOT_FOUND, "Event not found", why)
    body = present_event(row, request.base)
    return ApiResponse(200, body, "world: event read", tolerated_violations=request.violations)


def read_events(world: World, actor: User) -> list[EventRow]:
    """The events that the actor may read, oldest first."""
    reads_all = reads_everything(actor)
    rows: list[EventRow] = []
    for event in world.latest_events():
        space = world.spaces.get(event.target.space)
        organization = None if space is None else space.organization
        if (
            reads_all
            or not SPACE_ROLES_FOR_EVENTS.isdisjoint(actor.space_roles.get(event.target.space, ()))
            or (organization is not None and "organization_auditor" in actor.organization_roles.get(organization, ()))
        ):
            guid = derive_guid(world.random_seed, "event", event.number)
            name = "" if is_client(world, event.actor) else event.actor.name
            rows.append(EventRow(guid, event.moment, event.moment, name, organization, event))
    return rows


def is_client(world: World, actor: User) -> bool:
    """Whether an actor is a client of UAA, whose token names no user [lib/cloud_controller/user_audit_info.rb]."""
    user = world.users.get(actor.name)
    return actor.guid == actor.name and (user is None or user.guid != actor.guid)


def check_target_guids(parameters: Parameters) -> Iterator[str]:
    """That targets are left out by `not`, if by anything."""
    targets = parameters.get("target_guids")
    if isinstance(targets, dict) and not targets.get("not"):
        yield "Target guids target_guids has an invalid operator"


def present_events(reading: ListReading, rows: list[EventRow]) -> list[dict[str, Any]]:
    return [present_event(row, reading.request.base) for row in rows]


AUDIT_EVENTS: Listing[EventRow] = Listing(
    noun="events",
    form=ListForm(
        own=("types", "target_guids", "space_guids", "organization_guids"),
        arrays=("types", "target_guids", "space_guids", "organization_guids"),
        keyed={"target_guids": ("not",)},
        checks=(check_target_guids, check_arrays("types", "space_guids", "organization_guids")),
    ),
    present=present_events,
    filters={
        "types": keep_by(lambda _, row: row.event.kind),
        "target_guids": keep_by(lambda _, row: row.event.target.guid),
        "target_guids[not]": drop_by(lambda _, row: row.event.target.guid),
        "space_guids": keep_by(lambda _, row: row.event.target.space),
        "organization_guids": keep_by(lambda _, row: row.organization),
    },
    counts_beyond_end=True,
)


def present_event(row: EventRow, base: str) -> dict[str, Any]:
    """An event.

    Args:
        base: what links begin with.
    """
    event, moment = row.event, present_moment(row.created_at)
    return {
        "guid": row.guid,
        "created_at": moment,
        "updated_at": moment,
        "type": event.kind,
        "actor": {"guid": event.actor.guid, "type": "user", "name": row.actor_name},
        "target": {"guid": event.target.guid, "type": "app", "name": event.target.name},
        "data": event.data,
        "space": {"guid": event.target.space},
        "organization": None if row.organization is None else {"guid": row.organization},
        "links": {"self": {"href": f"{base}/v3/audit_events/{row.guid}"}},
    }
