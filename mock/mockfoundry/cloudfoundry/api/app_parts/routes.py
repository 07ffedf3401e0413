"""Routes and domains: shown and listed. Never changes anything.

Source: cloud_controller_ng, app/controllers/v3/routes_controller.rb, domains_controller.rb, app/fetchers/
route_fetcher.rb, domain_fetcher.rb and app/messages/routes_list_message.rb, route_show_message.rb.
"""

from typing import Any

from mockfoundry.cloudfoundry.api.access import find_app
from mockfoundry.cloudfoundry.api.app_parts.presenters import present_destinations, present_domain, present_route
from mockfoundry.cloudfoundry.api.lists.listing import Inclusion, Listing, ListReading, keep_by, keep_by_any, list_page
from mockfoundry.cloudfoundry.api.lists.parameters import parse_parameters
from mockfoundry.cloudfoundry.api.lists.queries import DEFAULT_LIST_QUERY, ListForm, read_list_query
from mockfoundry.cloudfoundry.api.lists.query_checks import (
    check_arrays,
    check_included,
    find_unknown_parameter_errors,
)
from mockfoundry.cloudfoundry.api.messages import enforce_contract, refuse_message, refuse_unexpected
from mockfoundry.cloudfoundry.api.organizations.organizations import find_organization, present_included_organizations
from mockfoundry.cloudfoundry.api.organizations.spaces import present_included_spaces
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.app_parts import RouteModel
from mockfoundry.cloudfoundry.auth import may_read_routes, may_read_space
from mockfoundry.cloudfoundry.errors import RESOURCE_NOT_FOUND, UNPROCESSABLE_ENTITY, Refusal
from mockfoundry.cloudfoundry.route_table import (
    DEFAULT_DOMAIN,
    Domain,
    derive_domain_guid,
    find_domain,
    list_domains,
    list_routes_of,
)
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

# Routes

INCLUDED = ("domain", "space", "space.organization", "route_policies")


def list_routes(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The routes of every space whose routes the actor may read."""
    query = read_list_query(request, ROUTES.form)  # 400, 500
    routes = [route for route in world.routes.values() if may_read_routes(actor, world.spaces[route.space])]
    return list_page(ListReading(world, actor, request, query), ROUTES, routes, "/v3/routes")


def list_app_routes(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The routes that lead to an app; nothing is included, although it may be asked for."""
    guid = request.path["guid"]
    query = read_list_query(request, ROUTES.form, given={"app_guids": guid})  # 400, 500
    app, _ = find_app(world, actor, guid)  # 404
    readable = [route for route in world.routes.values() if may_read_space(actor, world.spaces[route.space])]
    reading = ListReading(world, actor, request, query._replace(include=()))
    return list_page(reading, ROUTES, list_routes_of(readable, app.guid), f"/v3/apps/{app.guid}/routes")


def get_route(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One route, with what is to be included."""
    include = read_route_include(request)  # 422
    route = find_route(world, actor, request.path["guid"])  # 404
    body = present_route(world, route, request.base)
    if include:
        body["included"] = {
            each.key: each.present(ListReading(world, actor, request, DEFAULT_LIST_QUERY), [route])
            for each in ROUTES.inclusions
            if not frozenset(include).isdisjoint(each.asked_by)
        }
    return ApiResponse(200, body, "world: route read", tolerated_violations=request.violations)


def get_route_destinations(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """The destinations of a route, narrowed by the guids of their own or of their apps."""
    parameters = parse_parameters(request.query, DESTINATION_FILTERS)
    errors = list(find_unknown_parameter_errors(parameters, DESTINATION_FILTERS))
    if errors:
        raise refuse_message(request, errors, UNPROCESSABLE_ENTITY, "query")  # 422
    enforce_contract(request, UNPROCESSABLE_ENTITY)  # 422, strict only
    route = find_route(world, actor, request.path["guid"])  # 404
    for name, value in parameters.items():
        if isinstance(value, dict):
            raise refuse_unexpected(f"a query parameter {name} with keys")  # 500
    own, apps = (parameters.get(name) for name in DESTINATION_FILTERS)
    destinations = [
        each
        for each in present_destinations(world, route)
        if (own is None or each["guid"] in own) and (apps is None or each["app"]["guid"] in apps)
    ]
    url = f"{request.base}/v3/routes/{route.guid}"
    links = {"self": {"href": f"{url}/destinations"}, "route": {"href": url}}
    why = f"world: {len(destinations)} destinations of a route listed"
    body = {"destinations": destinations, "links": links}
    return ApiResponse(200, body, why, tolerated_violations=request.violations)


DESTINATION_FILTERS = ("guids", "app_guids")


def find_route(world: World, actor: User, guid: str) -> RouteModel:
    """The route of that guid.

    Raises:
        Refusal: 404, if there is none or the actor may not read the routes of its space.
    """
    route = world.routes.get(guid)
    if route is None:
        raise Refusal(RESOURCE_NOT_FOUND, "Route not found", why="world: no route has this guid")
    if not may_read_routes(actor, world.spaces[route.space]):
        why = f"world: {actor.name} may not read the routes of this space"
        raise Refusal(RESOURCE_NOT_FOUND, "Route not found", why)
    return route


def read_route_include(request: ApiRequest) -> tuple[str, ...]:
    """What is to be shown with one route; the Cloud Controller takes its guid for a parameter, too.

    Raises:
        Refusal: 422, with every error.
    """
    parameters = parse_parameters(request.query, ("include",))
    errors = [
        *find_unknown_parameter_errors(parameters, ("guid", "include")),
        *check_included(*INCLUDED)(parameters),
    ]
    if errors:
        raise refuse_message(request, errors, UNPROCESSABLE_ENTITY, "query")
    enforce_contract(request, UNPROCESSABLE_ENTITY)
    return tuple(parameters.get("include", ()))


def present_routes(reading: ListReading, routes: list[RouteModel]) -> list[dict[str, Any]]:
    return [present_route(reading.world, route, reading.request.base) for route in routes]


def include_domains(reading: ListReading, routes: list[RouteModel]) -> list[dict[str, Any]]:
    """The domains of routes, by name."""
    names = {route.domain for route in routes}
    domains = sorted((each for each in list_domains(reading.world) if each.name in names), key=lambda each: each.name)
    return [present_domain(domain, reading.request.base) for domain in domains]


def include_spaces(reading: ListReading, routes: list[RouteModel]) -> list[dict[str, Any]]:
    """The spaces of routes that the reader may read: an auditor of the organization reads only the routes."""
    world, actor = reading.world, reading.actor
    guids = [route.space for route in routes if may_read_space(actor, world.spaces[route.space])]
    return present_included_spaces(world, guids, reading.request.base)


def include_organizations(reading: ListReading, routes: list[RouteModel]) -> list[dict[str, Any]]:
    guids = [reading.world.spaces[route.space].organization for route in routes]
    return present_included_organizations(reading.world, guids, reading.request.base)


def present_none(_reading: ListReading, _routes: list[RouteModel]) -> list[dict[str, Any]]:
    """Nothing: no domain here enforces policies, and no service is bound to a route."""
    return []


ROUTES: Listing[RouteModel] = Listing(
    noun="routes",
    form=ListForm(
        own=(
            "hosts",
            "space_guids",
            "organization_guids",
            "domain_guids",
            "paths",
            "app_guids",
            "include",
            "label_selector",
            "ports",
            "service_instance_guids",
        ),
        arrays=(
            "hosts",
            "space_guids",
            "organization_guids",
            "domain_guids",
            "app_guids",
            "paths",
            "ports",
            "service_instance_guids",
        ),
        checks=(
            check_included(*INCLUDED),
            check_arrays(
                "hosts",
                "paths",
                "app_guids",
                "space_guids",
                "organization_guids",
                "domain_guids",
                "ports",
                "service_instance_guids",
            ),
        ),
        checks_selector=False,
    ),
    filters={
        "hosts": keep_by(lambda _, route: route.host),
        "paths": keep_by(lambda _, route: route.path),
        "ports": keep_by(lambda _, route: None if route.port is None else str(route.port)),
        "domain_guids": keep_by(lambda _, route: derive_domain_guid(route.domain)),
        "space_guids": keep_by(lambda _, route: route.space),
        "organization_guids": keep_by(lambda world, route: world.spaces[route.space].organization),
        "app_guids": keep_by_any(lambda _, route: [destination.app for destination in route.destinations]),
        # No service is bound to a route here, so that a filter by one leaves none.
        "service_instance_guids": keep_by(lambda _world, _route: None),
    },
    inclusions=(
        Inclusion("domains", ("domain",), include_domains),
        Inclusion("spaces", ("space", "space.organization"), include_spaces),
        Inclusion("organizations", ("space.organization",), include_organizations),
        Inclusion("route_policies", ("route_policies",), present_none),
    ),
    present=present_routes,
)

# Domains


def list_readable_domains(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """Every domain: all of them are shared, so that everybody may read them."""
    query = read_list_query(request, DOMAINS.form)  # 400, 500
    return list_page(ListReading(world, actor, request, query), DOMAINS, list_domains(world), "/v3/domains")


def get_domain(world: World, _actor: User, request: ApiRequest) -> ApiResponse:
    """One domain."""
    domain = find_domain(world, request.path["guid"])
    if domain is None:
        raise Refusal(RESOURCE_NOT_FOUND, "Domain not found", why="world: no domain has this guid")
    body = present_domain(domain, request.base)
    return ApiResponse(200, body, "world: domain read", tolerated_violations=request.violations)


def list_organization_domains(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The domains that an organization may use: all of them, since all are shared."""
    organization = find_organization(world, actor, request.path["guid"])  # 404
    query = read_list_query(request, DOMAINS.form)  # 400, 500
    path = f"/v3/organizations/{organization.guid}/domains"
    return list_page(ListReading(world, actor, request, query), DOMAINS, list_domains(world), path)


def get_default_domain(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """The domain of an organization's routes that name none."""
    find_organization(world, actor, request.path["guid"])  # 404
    domain = next(each for each in list_domains(world) if each.name == DEFAULT_DOMAIN)
    return ApiResponse(
        200, present_domain(domain, request.base), "world: default domain read", tolerated_violations=request.violations
    )


def present_domains(reading: ListReading, domains: list[Domain]) -> list[dict[str, Any]]:
    return [present_domain(domain, reading.request.base) for domain in domains]


DOMAINS: Listing[Domain] = Listing(
    noun="domains",
    form=ListForm(
        own=("names", "guids", "organization_guids", "label_selector"),
        arrays=("names", "organization_guids"),
        checks=(check_arrays("names", "organization_guids"),),
    ),
    filters={
        "names": keep_by(lambda _, domain: domain.name),
        "guids": keep_by(lambda _, domain: domain.guid),
        # The organizations that own a domain; shared ones have none.
        "organization_guids": keep_by(lambda _world, _domain: None),
    },
    present=present_domains,
)


# Services of routes


def list_service_route_bindings(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The bindings of services to routes, of which there are none here; `cf routes` asks for them."""
    query = read_list_query(request, SERVICE_ROUTE_BINDINGS.form)  # 400, 500
    reading = ListReading(world, actor, request, query)
    return list_page(reading, SERVICE_ROUTE_BINDINGS, [], "/v3/service_route_bindings")


SERVICE_ROUTE_BINDINGS: Listing[RouteModel] = Listing(
    noun="service route bindings",
    form=ListForm(
        own=("service_instance_guids", "service_instance_names", "route_guids", "include", "label_selector"),
        arrays=("service_instance_guids", "service_instance_names", "route_guids"),
        checks=(check_included("route", "service_instance"),),
    ),
    filters={
        "service_instance_guids": keep_by(lambda _world, _route: None),
        "service_instance_names": keep_by(lambda _world, _route: None),
        "route_guids": keep_by(lambda _, route: route.guid),
    },
    inclusions=(
        Inclusion("routes", ("route",), present_none),
        Inclusion("service_instances", ("service_instance",), present_none),
    ),
    present=present_none,
)
