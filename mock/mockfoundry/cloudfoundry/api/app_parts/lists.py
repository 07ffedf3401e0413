"""Lists of what belongs to apps: rows that know their app, of one app or of all that the actor may read.

Source: cloud_controller_ng, app/controllers/v3/mixins/sub_resource.rb.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Generic, Protocol, TypeVar

import msgspec

from mockfoundry.cloudfoundry.api.access import find_app
from mockfoundry.cloudfoundry.api.lists.listing import Listing, ListReading, Narrow, keep_by, list_page, read_time_spans
from mockfoundry.cloudfoundry.api.lists.queries import read_list_query
from mockfoundry.cloudfoundry.api.request import MAX_STEPS_AT_ONCE, ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.auth import may_read_space
from mockfoundry.cloudfoundry.errors import RESOURCE_NOT_FOUND, Refusal
from mockfoundry.cloudfoundry.model import App
from mockfoundry.cloudfoundry.organizations import Space
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World


class Part(Protocol):
    """What belongs to an app, and has what every list asks of a row."""

    @property
    def guid(self) -> str: ...
    @property
    def created_at(self) -> int: ...
    @property
    def updated_at(self) -> int: ...
    @property
    def labels(self) -> dict[str, str]: ...


PartT = TypeVar("PartT", bound=Part)


class PartRow(msgspec.Struct, Generic[PartT], frozen=True):
    """A row of a list: a part with its app."""

    app: App
    part: PartT
    guid: str
    created_at: int
    updated_at: int
    labels: dict[str, str]


PartsOf = Callable[[App], Iterable[PartT]]
"""The parts of an app, oldest first."""


def make_rows(apps: Iterable[App], parts_of: PartsOf[PartT]) -> list[PartRow[PartT]]:
    return [
        PartRow(app, part, part.guid, part.created_at, part.updated_at, part.labels)
        for app in apps
        for part in parts_of(app)
    ]


def filter_by_app(_: type[PartT]) -> dict[str, Narrow[PartRow[PartT]]]:
    """The filters by what an app belongs to, for rows of one type."""
    return {
        "app_guids": keep_by(lambda _, row: row.app.guid),
        "space_guids": keep_by(lambda _, row: row.app.space),
        "organization_guids": keep_by(lambda world, row: world.spaces[row.app.space].organization),
    }


def list_parts_of_all(
    world: World,
    actor: User,
    request: ApiRequest,
    listing: Listing[PartRow[PartT]],
    parts_of: PartsOf[PartT],
    path: str,
) -> ApiResponse | LateResponse:
    """The parts of every app that the actor may read: late, where the apps are many.

    Raises:
        Refusal: 400 or 500, for the query.
    """
    query = read_list_query(request, listing.form)  # 400, 500
    reading = ListReading(world, actor, request, query)
    wanted = query.filters.get("app_guids")
    apps = (
        world.apps.values()
        if wanted is None
        else [world.apps[guid] for guid in dict.fromkeys(wanted) if guid in world.apps]
    )
    if len(apps) <= MAX_STEPS_AT_ONCE:
        return list_readable_parts(reading, listing, parts_of, apps, path)
    tuple(read_time_spans(query))  # 500, which must not come late
    return LateResponse(partial(list_parts_late, reading._replace(world=world.copy()), listing, parts_of, path))


def list_parts_late(
    reading: ListReading, listing: Listing[PartRow[PartT]], parts_of: PartsOf[PartT], path: str
) -> ApiResponse:
    response = list_readable_parts(reading, listing, parts_of, reading.world.apps.values(), path)
    return response.make() if isinstance(response, LateResponse) else response


def list_readable_parts(
    reading: ListReading,
    listing: Listing[PartRow[PartT]],
    parts_of: PartsOf[PartT],
    apps: Iterable[App],
    path: str,
) -> ApiResponse | LateResponse:
    """The parts of those apps that the actor may read."""
    world, actor = reading.world, reading.actor
    readable = {space.guid for space in world.spaces.values() if may_read_space(actor, space)}
    rows = make_rows((app for app in apps if app.space in readable), parts_of)
    return list_page(reading, listing, rows, path)


def list_parts_of_app(
    world: World,
    actor: User,
    request: ApiRequest,
    listing: Listing[PartRow[PartT]],
    parts_of: PartsOf[PartT],
    guid: str,
    name: str,
) -> ApiResponse | LateResponse:
    """The parts of one app.

    Args:
        name: of the list under the app: `droplets`.

    Raises:
        Refusal: 400 or 500, for the query, then 404.
    """
    query = read_list_query(request, listing.form)  # 400, 500
    app, _ = find_app(world, actor, guid)  # 404
    return list_page(
        ListReading(world, actor, request, query), listing, make_rows((app,), parts_of), f"/v3/apps/{app.guid}/{name}"
    )


FoundT = TypeVar("FoundT")


def require_readable(
    world: World, actor: User, found: tuple[App, FoundT] | None, noun: str
) -> tuple[App, FoundT, Space]:
    """What was found, with its app and space.

    Args:
        noun: `Droplet`.

    Raises:
        Refusal: 404, if nothing was found or the actor may not read its space.
    """
    if found is None:
        raise Refusal(RESOURCE_NOT_FOUND, f"{noun} not found", why=f"world: no {noun.lower()} has this guid")
    app, part = found
    space = world.spaces[app.space]
    if not may_read_space(actor, space):
        raise Refusal(RESOURCE_NOT_FOUND, f"{noun} not found", why=f"world: {actor.name} may not read this space")
    return app, part, space
