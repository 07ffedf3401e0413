"""The route table: routes of spaces, and the domains that they have. Changes nothing, and never looks at an actor.

Domains are no entities: each name that a route has is one, and every foundation has the default domain. All of them
are shared. Source: cloud_controller_ng, app/models/runtime/route.rb, route_mapping_model.rb and shared_domain.rb.
"""

from collections.abc import Iterable

import msgspec

from mockfoundry.cloudfoundry.app_parts import Destination, RouteModel
from mockfoundry.cloudfoundry.clock import EARLIEST_MOMENT, SECOND
from mockfoundry.cloudfoundry.generator import derive_guid
from mockfoundry.cloudfoundry.world import World

DEFAULT_DOMAIN = "apps.example.com"
DEFAULT_PORT = 8080
"""Of a destination that names none [app/models/runtime/process_model.rb, DEFAULT_HTTP_PORT]."""

DOMAIN_AGE = 24 * 3600 * SECOND
"""How much older than their world domains are."""

_NAMESPACE = 0
"""In place of a random seed: the same name is the same domain in each foundation, however it was exported."""


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """A shared domain; `router_group` is the guid of that of a TCP domain, all of whose routes have ports."""

    guid: str
    name: str
    created_at: int
    updated_at: int
    router_group: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


def derive_domain_guid(name: str) -> str:
    return derive_guid(_NAMESPACE, "domain", name)


def list_domains(world: World) -> list[Domain]:
    """Every domain: the default one, then those of routes, by name."""
    names = {route.domain for route in world.routes.values()} - {DEFAULT_DOMAIN}
    with_hosts = {route.domain for route in world.routes.values() if route.port is None} | {DEFAULT_DOMAIN}
    began_at = max(EARLIEST_MOMENT, world.began_at - world.began_at % SECOND - DOMAIN_AGE)
    return [
        Domain(
            guid=derive_domain_guid(name),
            name=name,
            created_at=began_at,
            updated_at=began_at,
            router_group=derive_guid(_NAMESPACE, "router_group", name) if name not in with_hosts else None,
        )
        for name in (DEFAULT_DOMAIN, *sorted(names))
    ]


def find_domain(world: World, guid: str) -> Domain | None:
    """The domain of that guid."""
    return next((domain for domain in list_domains(world) if domain.guid == guid), None)


def url_of(route: RouteModel) -> str:
    """What a browser would be given [app/presenters/v3/route_presenter.rb, build_url]."""
    if route.port:
        return f"{route.domain}:{route.port}"
    return f"{route.host}.{route.domain}{route.path}" if route.host else f"{route.domain}{route.path}"


def derive_destination_guid(route: RouteModel, destination: Destination) -> str:
    names = (route.guid, destination.app, destination.process_type, destination.port or 0)
    return derive_guid(_NAMESPACE, "destination", *names)


def list_destinations(world: World, route: RouteModel) -> list[tuple[str, Destination]]:
    """The destinations of a route, each behind its guid, ordered by that; those of apps that are gone are gone."""
    apps = world.apps
    there = (each for each in route.destinations if each.app in apps)
    return sorted(((derive_destination_guid(route, each), each) for each in there), key=lambda found: found[0])


def list_routes_of(routes: Iterable[RouteModel], app: str) -> list[RouteModel]:
    """The routes that lead to an app, by its guid."""
    return [route for route in routes if any(destination.app == app for destination in route.destinations)]
