"""Revisions: shown and listed. Never makes one.

Source: cloud_controller_ng, app/controllers/v3/app_revisions_controller.rb, revisions_controller.rb,
app/messages/app_revisions_list_message.rb and app/fetchers/app_revisions_list_fetcher.rb.
"""

from typing import Any

from mockfoundry.cloudfoundry.api.access import find_app
from mockfoundry.cloudfoundry.api.app_parts.lists import PartRow, list_parts_of_app, make_rows, require_readable
from mockfoundry.cloudfoundry.api.app_parts.presenters import present_revision, present_revision_variables
from mockfoundry.cloudfoundry.api.lists.listing import Listing, ListReading, keep_by, list_page
from mockfoundry.cloudfoundry.api.lists.queries import ListForm, read_list_query
from mockfoundry.cloudfoundry.api.lists.query_checks import check_arrays, check_choice
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.app_parts import Revision
from mockfoundry.cloudfoundry.auth import may_see_secrets
from mockfoundry.cloudfoundry.errors import NOT_AUTHORIZED, Refusal
from mockfoundry.cloudfoundry.staging import find_revision, list_revisions
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World


def list_app_revisions(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The revisions of an app."""
    return list_parts_of_app(world, actor, request, REVISIONS, list_revisions, request.path["guid"], "revisions")


def list_deployed_revisions(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The revisions that the processes of a started app run; filters are taken, and change nothing."""
    query = read_list_query(request, DEPLOYED_REVISIONS.form)  # 400, 500
    app, _ = find_app(world, actor, request.path["guid"])  # 404
    deployed = {process.revision for process in world.list_app_processes(app.guid)} if app.state == "STARTED" else ()
    rows = [row for row in make_rows((app,), list_revisions) if row.guid in deployed]
    reading = ListReading(world, actor, request, query._replace(filters={}, timestamp_filters={}))
    return list_page(reading, DEPLOYED_REVISIONS, rows, f"/v3/apps/{app.guid}/revisions/deployed")


def get_revision(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One revision."""
    app, revision, _ = require_readable(world, actor, find_revision(world, request.path["guid"]), "Revision")  # 404
    body = present_revision(world, app, revision, request.base)
    return ApiResponse(200, body, "world: revision read", tolerated_violations=request.violations)


def get_revision_variables(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """The environment variables of a revision, for those who may see secrets; that they were shown is recorded."""
    found = find_revision(world, request.path["guid"])
    app, revision, space = require_readable(world, actor, found, "Revision")  # 404
    if not may_see_secrets(actor, space):
        raise Refusal(NOT_AUTHORIZED, why=f"world: {actor.name} may not see secrets in this space")
    data = {"revision_guid": revision.guid, "revision_version": revision.version}
    world.record_event("audit.app.revision.environment_variables.show", app, actor, request.now, data)
    body = present_revision_variables(world, app, revision, request.base)
    return ApiResponse(200, body, "world: variables of a revision read", tolerated_violations=request.violations)


def present_revisions(reading: ListReading, rows: list[PartRow[Revision]]) -> list[dict[str, Any]]:
    return [present_revision(reading.world, row.app, row.part, reading.request.base) for row in rows]


REVISIONS: Listing[PartRow[Revision]] = Listing(
    noun="revisions",
    form=ListForm(
        own=("versions", "deployable", "label_selector"),
        arrays=("versions",),
        ignored=("deployable",),
        checks=(
            check_arrays("versions"),
            # Nothing in a query is a boolean to the Cloud Controller, so that this filter is always refused.
            check_choice("deployable", (), "Deployable must be a boolean"),
        ),
    ),
    filters={"versions": keep_by(lambda _, row: str(row.part.version))},
    present=present_revisions,
)

DEPLOYED_REVISIONS: Listing[PartRow[Revision]] = Listing(noun="revisions", form=ListForm(), present=present_revisions)
