"""Services: offerings, their plans, and instances of them in spaces, shown and listed. Never changes anything.

Every plan is public, and no broker belongs to a space.
Source: cloud_controller_ng, app/controllers/v3/service_instances_controller.rb, service_plans_controller.rb and
service_offerings_controller.rb with their messages, presenters and decorators.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from mockfoundry.cloudfoundry.api.lists.listing import Listing, ListReading, keep_by, list_page
from mockfoundry.cloudfoundry.api.lists.queries import (
    COMMON_ORDERS,
    FIELDS,
    ListForm,
    read_fields,
    read_list_query,
    read_parameters,
)
from mockfoundry.cloudfoundry.api.lists.query_checks import (
    QueryCheck,
    check_choice,
    check_fields,
    check_included,
)
from mockfoundry.cloudfoundry.api.presenters import present_metadata, present_moment, present_reference
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.auth import list_readable_organizations, may_read_space
from mockfoundry.cloudfoundry.errors import RESOURCE_NOT_FOUND, Refusal
from mockfoundry.cloudfoundry.generator import derive_guid
from mockfoundry.cloudfoundry.organizations import ServiceInstance, ServiceOffering, ServicePlan
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

OfferedT = TypeVar("OfferedT", ServicePlan, ServiceOffering)

Fields = Mapping[str, tuple[str, ...]]
"""The fields that are asked for, by related resource."""

Included = dict[str, list[dict[str, Any]]]

BROKER_FIELDS = ("guid", "name")


def derive_broker_guid(world: World, name: str) -> str:
    return derive_guid(world.random_seed, "service_broker", name)


def select(view: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The parts of a view that are asked for; `relationships.x` asks for all that it has there."""
    wanted = {name.partition(".")[0] for name in names}
    return {name: value for name, value in view.items() if name in wanted}


def view_brokers(world: World, offerings: Iterable[ServiceOffering], names: tuple[str, ...]) -> list[dict[str, Any]]:
    brokers = dict.fromkeys(offering.broker for offering in offerings)
    return [select({"name": each, "guid": derive_broker_guid(world, each)}, names) for each in brokers]


# Reading a query of one resource


def read_shown_fields(
    request: ApiRequest, arrays: tuple[str, ...], *checks: QueryCheck
) -> tuple[tuple[str, ...], Fields]:
    """What `include` and `fields` ask for with a single resource.

    Args:
        arrays: `include`, where it takes that, too.

    Raises:
        Refusal: 400, with every error.
    """
    parameters = read_parameters(request, (FIELDS, *arrays), arrays, checks)
    return tuple(parameters.get("include", ())), read_fields(parameters)


# Instances

INSTANCE_FIELDS: Mapping[str, tuple[str, ...]] = {
    "space": ("guid", "name", "relationships.organization"),
    "space.organization": ("name", "guid"),
    "service_plan": ("guid", "name", "relationships.service_offering"),
    "service_plan.service_offering": (
        "name",
        "guid",
        "description",
        "documentation_url",
        "tags",
        "relationships.service_broker",
    ),
    "service_plan.service_offering.service_broker": ("name", "guid"),
}
INSTANCE_SHOW_FIELDS: Mapping[str, tuple[str, ...]] = {
    "space": ("name", "guid"),
    "space.organization": ("name", "guid"),
    "service_plan": ("name", "guid"),
    "service_plan.service_offering": ("name", "guid", "description", "tags", "documentation_url"),
    "service_plan.service_offering.service_broker": ("name", "guid"),
}


def list_service_instances(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The service instances in the spaces that the actor may read."""
    query = read_list_query(request, INSTANCES.form)  # 400, 500
    rows = [each for each in world.service_instances.values() if may_read_space(actor, world.spaces[each.space])]
    return list_page(ListReading(world, actor, request, query), INSTANCES, rows, "/v3/service_instances")


def get_service_instance(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One service instance, with fields of what it relates to where they are asked for."""
    instance = world.service_instances.get(request.path["guid"])
    if instance is None or not may_read_space(actor, world.spaces[instance.space]):
        why = "no service instance has this guid" if instance is None else f"{actor.name} may not read its space"
        raise Refusal(RESOURCE_NOT_FOUND, "Service instance not found", f"world: {why}")  # 404
    _, fields = read_shown_fields(request, (), check_fields(INSTANCE_SHOW_FIELDS))  # 400
    body = present_service_instance(world, instance, request.base)
    included = include_of_instances(world, actor, [instance], fields)
    if included:
        body["included"] = included
    return ApiResponse(200, body, "world: service instance read", tolerated_violations=request.violations)


def present_service_instance(world: World, instance: ServiceInstance, base: str) -> dict[str, Any]:
    """A service instance: a managed one where it has a plan, else a user-provided one."""
    guid = instance.guid
    url, relationships = f"{base}/v3/service_instances/{guid}", {"space": present_reference(instance.space)}
    links: dict[str, Any] = {
        "self": {"href": url},
        "space": {"href": f"{base}/v3/spaces/{instance.space}"},
        "service_credential_bindings": {"href": f"{base}/v3/service_credential_bindings?service_instance_guids={guid}"},
        "service_route_bindings": {"href": f"{base}/v3/service_route_bindings?service_instance_guids={guid}"},
    }
    if instance.plan is not None:
        plan = world.service_plans[instance.plan].guid
        relationships["service_plan"] = present_reference(plan)
        links["service_plan"] = {"href": f"{base}/v3/service_plans/{plan}"}
        links["parameters"] = {"href": f"{url}/parameters"}
        links["shared_spaces"] = {"href": f"{url}/relationships/shared_spaces"}
        kind = {
            "type": "managed",
            "maintenance_info": {},
            "upgrade_available": False,
            "dashboard_url": instance.dashboard_url,
        }
    else:
        links["credentials"] = {"href": f"{url}/credentials"}
        kind = {"type": "user-provided", "syslog_drain_url": None, "route_service_url": None}
    return {
        "guid": guid,
        "created_at": present_moment(instance.created_at),
        "updated_at": present_moment(instance.updated_at),
        "name": instance.name,
        "tags": list(instance.tags),
        "last_operation": {
            "type": "create",
            "state": "succeeded",
            "description": "Operation succeeded",
            "updated_at": present_moment(instance.created_at),
            "created_at": present_moment(instance.created_at),
        },
        **kind,
        "relationships": relationships,
        "metadata": present_metadata(instance),
        "links": links,
    }


def include_of_instances(world: World, actor: User, instances: list[ServiceInstance], fields: Fields) -> Included:
    """The fields of what service instances relate to, by what it is; names only of what the actor may read."""
    included: Included = {}
    spaces = sorted(
        {each.guid: each for each in (world.spaces[instance.space] for instance in instances)}.values(),
        key=lambda each: (each.created_at, each.guid),
    )
    if "space" in fields:
        included["spaces"] = [
            select(
                {
                    "guid": each.guid,
                    **({"name": each.name} if may_read_space(actor, each) else {}),
                    "relationships": {"organization": present_reference(each.organization)},
                },
                fields["space"],
            )
            for each in spaces
        ]
    if "space.organization" in fields:
        readable = {each.guid for each in list_readable_organizations(world, actor)}
        organizations = sorted(
            {each.guid: each for each in (world.organizations[space.organization] for space in spaces)}.values(),
            key=lambda each: (each.created_at, each.guid),
        )
        included["organizations"] = [
            select(
                {"guid": each.guid, **({"name": each.name} if each.guid in readable else {})},
                fields["space.organization"],
            )
            for each in organizations
        ]
    plans = list_plans_of(world, instances)
    if not plans:
        return included
    if "service_plan" in fields:
        included["service_plans"] = [
            select(
                {
                    "guid": plan.guid,
                    "name": plan.name,
                    "relationships": {"service_offering": present_reference(offering_of(world, plan).guid)},
                },
                fields["service_plan"],
            )
            for plan in plans
        ]
    offerings = list_offerings_of(world, plans)
    if "service_plan.service_offering" in fields:
        names = fields["service_plan.service_offering"]
        included["service_offerings"] = [select(view_offering(world, each), names) for each in offerings]
    if "service_plan.service_offering.service_broker" in fields:
        names = fields["service_plan.service_offering.service_broker"]
        included["service_brokers"] = view_brokers(world, offerings, names)
    return included


def view_offering(world: World, offering: ServiceOffering) -> dict[str, Any]:
    return {
        "name": offering.name,
        "guid": offering.guid,
        "description": offering.description,
        "tags": list(offering.tags),
        "documentation_url": None,
        "relationships": {"service_broker": present_reference(derive_broker_guid(world, offering.broker))},
    }


def list_plans_of(world: World, instances: list[ServiceInstance]) -> list[ServicePlan]:
    """The plans of managed service instances, each once, the oldest first."""
    plans = {world.service_plans[each.plan].guid: world.service_plans[each.plan] for each in instances if each.plan}
    return sorted(plans.values(), key=lambda each: (each.created_at, each.guid))


def list_offerings_of(world: World, plans: list[ServicePlan]) -> list[ServiceOffering]:
    """The offerings of plans, each once, the oldest first."""
    offerings = {plan.offering: offering_of(world, plan) for plan in plans}
    return sorted(offerings.values(), key=lambda each: (each.created_at, each.guid))


def offering_of(world: World, plan: ServicePlan) -> ServiceOffering:
    return world.service_offerings[plan.offering]


# Plans and offerings


def get_service_plan(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One service plan, with its offering or its broker where they are asked for."""
    include, fields = read_shown_fields(
        request,
        ("include",),
        check_included("space.organization", "service_offering"),
        check_fields({"service_offering.service_broker": BROKER_FIELDS}),
    )  # 400
    plan = find_by_guid(world.service_plans.values(), request.path["guid"], "Service plan")  # 404
    body = present_service_plan(world, plan, request.base)
    offering, included = offering_of(world, plan), dict[str, list[dict[str, Any]]]()
    if "space.organization" in include:
        included |= {"spaces": [], "organizations": []}
    if "service_offering" in include:
        included["service_offerings"] = [present_service_offering(world, offering, request.base)]
    if "service_offering.service_broker" in fields:
        included["service_brokers"] = view_brokers(world, [offering], fields["service_offering.service_broker"])
    if included:
        body["included"] = included
    return ApiResponse(200, body, "world: service plan read", tolerated_violations=request.violations)


def get_service_offering(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One service offering, with its broker where that is asked for."""
    offering = find_by_guid(world.service_offerings.values(), request.path["guid"], "Service offering")  # 404
    _, fields = read_shown_fields(request, (), check_fields({"service_broker": BROKER_FIELDS}))  # 400
    body = present_service_offering(world, offering, request.base)
    if "service_broker" in fields:
        body["included"] = {"service_brokers": view_brokers(world, [offering], fields["service_broker"])}
    return ApiResponse(200, body, "world: service offering read", tolerated_violations=request.violations)


def find_by_guid(found: Iterable[OfferedT], guid: str, noun: str) -> OfferedT:
    """The plan or the offering of that guid.

    Args:
        noun: as errors name it: `Service plan`.

    Raises:
        Refusal: 404, if there is none.
    """
    for each in found:
        if each.guid == guid:
            return each
    raise Refusal(RESOURCE_NOT_FOUND, f"{noun} not found", why=f"world: no {noun.lower()} has this guid")


def present_service_plan(world: World, plan: ServicePlan, base: str) -> dict[str, Any]:
    offering, url = offering_of(world, plan).guid, f"{base}/v3/service_plans/{plan.guid}"
    return {
        "guid": plan.guid,
        "created_at": present_moment(plan.created_at),
        "updated_at": present_moment(plan.updated_at),
        "name": plan.name,
        "visibility_type": "public",
        "available": plan.available,
        "free": plan.free,
        "costs": [],
        "description": plan.description,
        "maintenance_info": {},
        "broker_catalog": {
            "id": plan.catalog_id,
            "metadata": {},
            "maximum_polling_duration": None,
            "features": {"bindable": True, "plan_updateable": False},
        },
        "schemas": {
            "service_instance": {"create": {"parameters": {}}, "update": {"parameters": {}}},
            "service_binding": {"create": {"parameters": {}}},
        },
        "relationships": {"service_offering": present_reference(offering)},
        "metadata": present_metadata(plan),
        "links": {
            "self": {"href": url},
            "service_offering": {"href": f"{base}/v3/service_offerings/{offering}"},
            "visibility": {"href": f"{url}/visibility"},
        },
    }


def present_service_offering(world: World, offering: ServiceOffering, base: str) -> dict[str, Any]:
    guid, broker = offering.guid, derive_broker_guid(world, offering.broker)
    return {
        "guid": guid,
        "created_at": present_moment(offering.created_at),
        "updated_at": present_moment(offering.updated_at),
        "name": offering.name,
        "description": offering.description,
        "available": offering.available,
        "tags": list(offering.tags),
        "requires": [],
        "shareable": False,
        "documentation_url": "",
        "broker_catalog": {
            "id": offering.catalog_id,
            "metadata": {},
            "features": {
                "plan_updateable": False,
                "bindable": True,
                "instances_retrievable": False,
                "bindings_retrievable": False,
                "allow_context_updates": False,
            },
        },
        "relationships": {"service_broker": present_reference(broker)},
        "metadata": present_metadata(offering),
        "links": {
            "self": {"href": f"{base}/v3/service_offerings/{guid}"},
            "service_plans": {"href": f"{base}/v3/service_plans?service_offering_guids={guid}"},
            "service_broker": {"href": f"{base}/v3/service_brokers/{broker}"},
        },
    }


def present_service_instances(reading: ListReading, instances: list[ServiceInstance]) -> list[dict[str, Any]]:
    return [present_service_instance(reading.world, each, reading.request.base) for each in instances]


def include_fields(reading: ListReading, instances: list[ServiceInstance]) -> Included:
    return include_of_instances(reading.world, reading.actor, instances, reading.query.fields)


def plan_of(world: World, instance: ServiceInstance) -> ServicePlan | None:
    return None if instance.plan is None else world.service_plans[instance.plan]


INSTANCES: Listing[ServiceInstance] = Listing(
    noun="service instances",
    form=ListForm(
        own=(
            "type",
            "fields",
            "names",
            "space_guids",
            "organization_guids",
            "service_plan_guids",
            "service_plan_names",
            "label_selector",
        ),
        arrays=("names", "space_guids", "organization_guids", "service_plan_guids", "service_plan_names"),
        orders=(*COMMON_ORDERS, "name"),
        checks=(
            check_choice("type", ("managed", "user-provided"), "Type must be one of 'managed', 'user-provided'"),
            check_fields(INSTANCE_FIELDS),
        ),
    ),
    filters={
        "type": keep_by(lambda _, instance: "user-provided" if instance.plan is None else "managed"),
        "names": keep_by(lambda _, instance: instance.name),
        "space_guids": keep_by(lambda _, instance: instance.space),
        "organization_guids": keep_by(lambda world, instance: world.spaces[instance.space].organization),
        "service_plan_guids": keep_by(
            lambda world, instance: plan.guid if (plan := plan_of(world, instance)) else None
        ),
        "service_plan_names": keep_by(
            lambda world, instance: plan.name if (plan := plan_of(world, instance)) else None
        ),
    },
    include_fields=include_fields,
    present=present_service_instances,
)
