"""Quotas: of organizations and of spaces, shown, listed and changed. Never decides whether a process fits.

Source: cloud_controller_ng, app/controllers/v3/organization_quotas_controller.rb and space_quotas_controller.rb,
app/actions/organization_quotas_update.rb and space_quota_update.rb, app/presenters/v3/organization_quota_presenter.rb
and space_quota_presenter.rb.
"""

from collections.abc import Collection, Iterable
from typing import Any

import msgspec
from msgspec.structs import replace

from mockfoundry.cloudfoundry.api.access import require_admin, require_writable_organization
from mockfoundry.cloudfoundry.api.lists.listing import Listing, ListReading, keep_by, keep_by_any, list_page
from mockfoundry.cloudfoundry.api.lists.queries import ListForm, read_list_query
from mockfoundry.cloudfoundry.api.lists.query_checks import check_arrays
from mockfoundry.cloudfoundry.api.organizations.quota_message import read_quota_message
from mockfoundry.cloudfoundry.api.presenters import present_moment, present_reference
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.auth import (
    is_admin,
    list_readable_organizations,
    manages_organization,
    reads_everything,
)
from mockfoundry.cloudfoundry.errors import NOT_AUTHORIZED, RESOURCE_NOT_FOUND, UNPROCESSABLE_ENTITY, Refusal
from mockfoundry.cloudfoundry.model import UNLIMITED
from mockfoundry.cloudfoundry.organizations import Quota, Space
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World


class QuotaRow(msgspec.Struct, frozen=True, kw_only=True):
    """A quota with those that have it.

    Attributes:
        quota: its limits.
        organization: the guid of that of a space's quota; None for a quota of organizations.
        owners: the guids of the organizations, or of the spaces, that have it.
    """

    guid: str
    name: str
    created_at: int
    updated_at: int
    quota: Quota
    organization: str | None
    owners: tuple[str, ...]


def build_row(quota: Quota, owners: Iterable[str], organization: str | None = None) -> QuotaRow:
    return QuotaRow(
        guid=quota.guid,
        name=quota.name,
        created_at=quota.created_at,
        updated_at=quota.updated_at,
        quota=quota,
        organization=organization,
        owners=tuple(owners),
    )


# Quotas of organizations


def list_organization_quota_rows(world: World) -> list[QuotaRow]:
    """The quota of organizations that name none, then those that others name."""
    organizations = world.organizations.values()
    without = [each.guid for each in organizations if each.quota is None]
    own = [build_row(each.quota, (each.guid,)) for each in organizations if each.quota is not None]
    return [build_row(world.default_quota, without), *own]


def find_organization_quota(world: World, guid: str) -> QuotaRow:
    """The quota of that guid, which everybody may read.

    Raises:
        Refusal: 404, if there is none.
    """
    row = next((each for each in list_organization_quota_rows(world) if each.guid == guid), None)
    if row is None:
        why = "world: no quota of an organization has this guid"
        raise Refusal(RESOURCE_NOT_FOUND, "Organization quota not found", why)
    return row


def hide_foreign_organizations(world: World, actor: User, rows: Collection[QuotaRow]) -> Collection[QuotaRow]:
    """The rows with only those organizations that the actor may read."""
    if reads_everything(actor):
        return rows
    readable = {each.guid for each in list_readable_organizations(world, actor)}
    return [replace(row, owners=tuple(guid for guid in row.owners if guid in readable)) for row in rows]


def list_organization_quotas(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The quotas of organizations; everybody sees all of them, but only the organizations that they may read."""
    query = read_list_query(request, ORGANIZATION_QUOTAS.form)  # 400, 500
    rows = list_organization_quota_rows(world)
    return list_page(ListReading(world, actor, request, query), ORGANIZATION_QUOTAS, rows, "/v3/organization_quotas")


def get_organization_quota(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One quota of organizations. Query parameters are ignored."""
    row = find_organization_quota(world, request.path["guid"])  # 404
    (shown,) = hide_foreign_organizations(world, actor, [row])
    return ApiResponse(
        200,
        present_organization_quota(shown, request.base),
        "world: quota read",
        tolerated_violations=request.violations,
    )


def find_writable_organization_quota(world: World, actor: User, request: ApiRequest) -> QuotaRow:
    """The quota of organizations that a path names, for an admin.

    Raises:
        Refusal: 403, for anybody else; 404, if there is none.
    """
    require_admin(actor)
    return find_organization_quota(world, request.path["guid"])


def update_organization_quota(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Changes limits of organizations, and the name of a quota."""
    require_admin(actor)  # 403
    changes = read_quota_message(request)  # 422
    row = find_organization_quota(world, request.path["guid"])  # 404
    if changes.get("log_rate_limit_in_bytes_per_second") is not None:
        unlimited = {space.organization for space in list_unlimited_spaces(world)}
        require_limited_processes("org", [world.organizations[guid].name for guid in row.owners if guid in unlimited])
    changed = replace(row.quota, **changes, updated_at=request.now)
    others = (each.name for each in list_organization_quota_rows(world) if each.guid != row.guid)
    require_unused_name(changed, others, "Organization")  # 422
    require_ports_within_routes(changed, ORGANIZATION_PORTS_TEXT)  # 422
    if row.guid == world.default_quota.guid:
        world.default_quota = changed
    else:
        organization = world.organizations[row.owners[0]]
        world.own_table("organizations")[organization.guid] = replace(organization, quota=changed)
    body = present_organization_quota(build_row(changed, row.owners), request.base)
    return respond_to_update(row.quota, changed, body, request)


def present_organization_quota(row: QuotaRow, base: str) -> dict[str, Any]:
    return {
        **present_limits(row.quota),
        "domains": {"total_domains": row.quota.total_domains},
        "relationships": {"organizations": {"data": [{"guid": guid} for guid in row.owners]}},
        "links": {"self": {"href": f"{base}/v3/organization_quotas/{row.guid}"}},
    }


def present_organization_quotas(reading: ListReading, rows: list[QuotaRow]) -> list[dict[str, Any]]:
    return [present_organization_quota(row, reading.request.base) for row in rows]


# Quotas of spaces


def list_space_quota_rows(world: World) -> list[QuotaRow]:
    return [
        build_row(each.quota, (each.guid,), each.organization)
        for each in world.spaces.values()
        if each.quota is not None
    ]


def may_read_quota_of(actor: User, space: Space) -> bool:
    """Whether the actor sees the quota of a space: by a role in it, or as a manager of its organization."""
    return reads_everything(actor) or bool(actor.space_roles.get(space.guid)) or manages_organization(actor, space)


def find_space_quota(world: World, actor: User, guid: str) -> QuotaRow:
    """The quota of that guid.

    Raises:
        Refusal: 404, if there is none or the actor may not read it.
    """
    row = next((each for each in list_space_quota_rows(world) if each.guid == guid), None)
    if row is None:
        raise Refusal(RESOURCE_NOT_FOUND, "Space quota not found", why="world: no quota of a space has this guid")
    space = world.spaces[row.owners[0]]
    if not may_read_quota_of(actor, space):
        why = f"world: {actor.name} has no role in space {space.name}, and does not manage its organization"
        raise Refusal(RESOURCE_NOT_FOUND, "Space quota not found", why)
    return row


def list_space_quotas(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The quotas of the spaces that the actor has a role in, or whose organization they manage."""
    query = read_list_query(request, SPACE_QUOTAS.form)  # 422, 500
    rows = [row for row in list_space_quota_rows(world) if may_read_quota_of(actor, world.spaces[row.owners[0]])]
    return list_page(ListReading(world, actor, request, query), SPACE_QUOTAS, rows, "/v3/space_quotas")


def get_space_quota(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One quota of a space. Query parameters are ignored."""
    row = find_space_quota(world, actor, request.path["guid"])  # 404
    return ApiResponse(
        200, present_space_quota(row, request.base), "world: quota read", tolerated_violations=request.violations
    )


def find_writable_space_quota(world: World, actor: User, request: ApiRequest) -> QuotaRow:
    """The quota of spaces that a path names, which the actor may change.

    Raises:
        Refusal: 404, as in find_space_quota; then 403, if the actor does not manage its organization, or 403 or 422 as
            for that.
    """
    row = find_space_quota(world, actor, request.path["guid"])
    space = world.spaces[row.owners[0]]
    organization = world.organizations[space.organization]
    if not is_admin(actor):
        if not manages_organization(actor, space):
            why = f"world: {actor.name} does not manage organization {organization.name}"
            raise Refusal(NOT_AUTHORIZED, why=why)
        require_writable_organization(organization)
    return row


def update_space_quota(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Changes limits of a space, and the name of its quota."""
    row = find_writable_space_quota(world, actor, request)  # 404, 403, 422 being deleted
    space = world.spaces[row.owners[0]]
    organization = world.organizations[space.organization]
    changes = read_quota_message(request)  # 422
    if changes.get("log_rate_limit_in_bytes_per_second") is not None:
        require_limited_processes("space", [each.name for each in list_unlimited_spaces(world) if each is space])
    changed = replace(row.quota, **changes, updated_at=request.now)
    others = (
        each.name
        for each in list_space_quota_rows(world)
        if each.guid != row.guid and each.organization == row.organization
    )
    require_unused_name(changed, others, "Space")  # 422
    ports = world.quota_of(organization).total_reserved_ports
    require_ports_within_routes(changed, SPACE_PORTS_TEXT, ports)  # 422
    world.own_table("spaces")[space.guid] = replace(space, quota=changed)
    body = present_space_quota(build_row(changed, row.owners, row.organization), request.base)
    return respond_to_update(row.quota, changed, body, request)


def present_space_quota(row: QuotaRow, base: str) -> dict[str, Any]:
    """A quota of a space; whoever reads it may read the space, too."""
    return {
        **present_limits(row.quota),
        "relationships": {
            "organization": present_reference(row.organization),
            "spaces": {"data": [{"guid": guid} for guid in row.owners]},
        },
        "links": {
            "self": {"href": f"{base}/v3/space_quotas/{row.guid}"},
            "organization": {"href": f"{base}/v3/organizations/{row.organization}"},
        },
    }


def present_space_quotas(reading: ListReading, rows: list[QuotaRow]) -> list[dict[str, Any]]:
    return [present_space_quota(row, reading.request.base) for row in rows]


# Of both


def present_limits(quota: Quota) -> dict[str, Any]:
    return {
        "guid": quota.guid,
        "created_at": present_moment(quota.created_at),
        "updated_at": present_moment(quota.updated_at),
        "name": quota.name,
        "apps": {
            "total_memory_in_mb": quota.total_memory_in_mb,
            "per_process_memory_in_mb": quota.per_process_memory_in_mb,
            "total_instances": quota.total_instances,
            "per_app_tasks": quota.per_app_tasks,
            "log_rate_limit_in_bytes_per_second": quota.log_rate_limit_in_bytes_per_second,
        },
        "services": {
            "paid_services_allowed": quota.paid_services_allowed,
            "total_service_instances": quota.total_service_instances,
            "total_service_keys": quota.total_service_keys,
        },
        "routes": {"total_routes": quota.total_routes, "total_reserved_ports": quota.total_reserved_ports},
    }


def list_unlimited_spaces(world: World) -> list[Space]:
    """The spaces that have a process, started or not, whose log rate is unlimited."""
    apps = {each.app for each in world.processes.values() if each.log_rate_limit_in_bytes_per_second == UNLIMITED}
    guids = {world.apps[app].space for app in apps}
    return [space for space in world.spaces.values() if space.guid in guids]


MAX_LISTED_OWNERS = 2


def require_limited_processes(noun: str, names: list[str]) -> None:
    """Checks that the log rate of a quota may be limited.

    Args:
        noun: of an owner of the quota: `space`.
        names: of the owners that have processes with an unlimited one.

    Raises:
        Refusal: 422, where there are any.
    """
    if not names:
        return
    names = sorted(names)
    listed = "', '".join(names[:MAX_LISTED_OWNERS])
    if len(names) == 1:
        owners = f"{noun} '{listed}' which contains"
    elif len(names) > MAX_LISTED_OWNERS:
        owners = f"{noun}s '{listed}' and {len(names) - MAX_LISTED_OWNERS} other {noun}s which contain"
    else:
        owners = f"{noun}s '{listed}' which contain"
    detail = (
        f"Current usage exceeds new quota values. This quota is applied to {owners} apps running with an unlimited log "
        "rate limit."
    )
    raise Refusal(UNPROCESSABLE_ENTITY, detail)


ORGANIZATION_PORTS_TEXT = (
    "Total reserved ports must be -1, 0, or a positive integer, and must be less than or equal to total routes."
)
SPACE_PORTS_TEXT = (
    "Total reserved ports must be -1, 0, or a positive integer, must be less than or equal to total routes, and must "
    "be less than or equal to total reserved ports for the organization quota."
)


def require_unused_name(quota: Quota, others: Iterable[str], owner: str) -> None:
    """Checks the name of a quota.

    Args:
        others: the names of the other quotas.
        owner: `Organization` or `Space`.

    Raises:
        Refusal: 422, where one has it already.
    """
    if quota.name in others:
        raise Refusal(UNPROCESSABLE_ENTITY, f"{owner} Quota '{quota.name}' already exists.")


def require_ports_within_routes(quota: Quota, text: str, most: int | None = None) -> None:
    """Checks how many ports of routes a quota allows.

    Args:
        most: the limit of the organization's quota; None where it has none.

    Raises:
        Refusal: 422, with that text, where it is more than the routes, or more than `most`.
    """
    ports, routes = quota.total_reserved_ports, quota.total_routes
    if ports is not None and any(limit is not None and ports > limit for limit in (routes, most)):
        raise Refusal(UNPROCESSABLE_ENTITY, text)


def respond_to_update(before: Quota, after: Quota, body: dict[str, Any], request: ApiRequest) -> ApiResponse:
    return ApiResponse(
        200,
        body,
        "world: quota updated",
        tolerated_violations=request.violations,
        state_changed=replace(after, updated_at=before.updated_at) != before,
    )


ORGANIZATION_QUOTAS: Listing[QuotaRow] = Listing(
    noun="organization quotas",
    form=ListForm(
        own=("names", "organization_guids"),
        arrays=("names", "organization_guids"),
        checks=(check_arrays("names", "organization_guids"),),
    ),
    filters={
        "names": keep_by(lambda _, row: row.name),
        "organization_guids": keep_by_any(lambda _, row: row.owners),
    },
    read=lambda reading, rows: hide_foreign_organizations(reading.world, reading.actor, rows),
    present=present_organization_quotas,
)

SPACE_QUOTAS: Listing[QuotaRow] = Listing(
    noun="space quotas",
    form=ListForm(
        own=("names", "organization_guids", "space_guids"),
        arrays=("names", "organization_guids", "space_guids"),
        checks=(check_arrays("names", "organization_guids", "space_guids"),),
        entry=UNPROCESSABLE_ENTITY,
    ),
    filters={
        "names": keep_by(lambda _, row: row.name),
        "organization_guids": keep_by(lambda _, row: row.organization),
        "space_guids": keep_by_any(lambda _, row: row.owners),
    },
    present=present_space_quotas,
)
