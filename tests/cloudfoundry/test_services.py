"""Services and security groups: as `cf space` and the autoscaler ask for them.

Source: app/controllers/v3/service_instances_controller.rb, service_plans_controller.rb,
service_offerings_controller.rb, spaces_controller.rb and their presenters and decorators.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests import plain_http
from tests.cloudfoundry.asking import Asking, bad_query, error, guids, not_found
from tests.serving import Serving

MADE = {"created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-02-03T04:05:06Z"}
NO_METADATA: dict[str, Any] = {"labels": {}, "annotations": {}}

MARKET: dict[str, Any] = {
    "name": "autoscaler",
    "guid": "offer",
    "description": "Scales apps",
    "tags": ["scaling"],
    "plans": [{"name": "standard", "guid": "plan", "catalog_id": "autoscaler-standard", "free": False, **MADE}],
    **MADE,
}


@pytest.fixture
def served(foundation: Asking) -> Asking:
    """A foundation with a managed and a user-provided service instance in dev, and one in far."""
    foundation.given(
        service_offerings=[MARKET],
        organizations=[
            {
                "name": "acme",
                "spaces": [
                    {
                        "name": "dev",
                        "service_instances": [
                            {
                                "name": "scaler",
                                "guid": "scaler",
                                "plan": "autoscaler/standard",
                                "tags": ["a"],
                                "dashboard_url": "https://dash.example.com",
                                **MADE,
                            },
                            {"name": "mail", "guid": "mail", **MADE},
                        ],
                    }
                ],
            },
            {"name": "other", "spaces": [{"name": "far", "service_instances": [{"name": "cache", "guid": "cache"}]}]},
        ],
    )
    return foundation


def link(foundation: Asking, path: str) -> dict[str, str]:
    return {"href": f"{foundation.server.url}/v3/{path}"}


def describe_instance(foundation: Asking, guid: str, kind: dict[str, Any], plan: str | None) -> dict[str, Any]:
    created = {"updated_at": MADE["created_at"], "created_at": MADE["created_at"]}
    url = f"service_instances/{guid}"
    own = (
        {"credentials": link(foundation, f"{url}/credentials")}
        if plan is None
        else {
            "service_plan": link(foundation, f"service_plans/{plan}"),
            "parameters": link(foundation, f"{url}/parameters"),
            "shared_spaces": link(foundation, f"{url}/relationships/shared_spaces"),
        }
    )
    return {
        "guid": guid,
        **MADE,
        "name": guid,
        "tags": [] if plan is None else ["a"],
        "last_operation": {"type": "create", "state": "succeeded", "description": "Operation succeeded", **created},
        **kind,
        "relationships": {
            "space": {"data": {"guid": "dev"}},
            **({} if plan is None else {"service_plan": {"data": {"guid": plan}}}),
        },
        "metadata": NO_METADATA,
        "links": {
            "self": link(foundation, url),
            "space": link(foundation, "spaces/dev"),
            "service_credential_bindings": link(
                foundation, f"service_credential_bindings?service_instance_guids={guid}"
            ),
            "service_route_bindings": link(foundation, f"service_route_bindings?service_instance_guids={guid}"),
            **own,
        },
    }


def test_a_managed_service_instance_has_these_keys_in_this_order(served: Asking) -> None:
    kind = {
        "type": "managed",
        "maintenance_info": {},
        "upgrade_available": False,
        "dashboard_url": "https://dash.example.com",
    }
    expected = describe_instance(served, "scaler", kind, "plan")
    assert json.dumps(served.ask("GET", "/v3/service_instances/scaler").json()) == json.dumps(expected)


def test_a_user_provided_service_instance_has_these_keys_in_this_order(served: Asking) -> None:
    kind = {"type": "user-provided", "syslog_drain_url": None, "route_service_url": None}
    expected = describe_instance(served, "mail", kind, None)
    assert json.dumps(served.ask("GET", "/v3/service_instances/mail").json()) == json.dumps(expected)
    listed = served.ask("GET", "/v3/service_instances?type=user-provided&space_guids=dev").json()["resources"]
    assert json.dumps(listed) == json.dumps([expected])


def test_a_service_plan_has_these_keys_in_this_order(served: Asking) -> None:
    nothing: dict[str, Any] = {"parameters": {}}
    expected = {
        "guid": "plan",
        **MADE,
        "name": "standard",
        "visibility_type": "public",
        "available": True,
        "free": False,
        "costs": [],
        "description": "",
        "maintenance_info": {},
        "broker_catalog": {
            "id": "autoscaler-standard",
            "metadata": {},
            "maximum_polling_duration": None,
            "features": {"bindable": True, "plan_updateable": False},
        },
        "schemas": {
            "service_instance": {"create": nothing, "update": nothing},
            "service_binding": {"create": nothing},
        },
        "relationships": {"service_offering": {"data": {"guid": "offer"}}},
        "metadata": NO_METADATA,
        "links": {
            "self": link(served, "service_plans/plan"),
            "service_offering": link(served, "service_offerings/offer"),
            "visibility": link(served, "service_plans/plan/visibility"),
        },
    }
    assert json.dumps(served.ask("GET", "/v3/service_plans/plan", actor="stranger").json()) == json.dumps(expected)


def test_a_service_offering_has_these_keys_in_this_order(served: Asking) -> None:
    shown = served.ask("GET", "/v3/service_offerings/offer", actor="stranger").json()
    broker = shown["relationships"]["service_broker"]["data"]["guid"]
    expected = {
        "guid": "offer",
        **MADE,
        "name": "autoscaler",
        "description": "Scales apps",
        "available": True,
        "tags": ["scaling"],
        "requires": [],
        "shareable": False,
        "documentation_url": "",
        "broker_catalog": {
            "id": "offer",
            "metadata": {},
            "features": {
                "plan_updateable": False,
                "bindable": True,
                "instances_retrievable": False,
                "bindings_retrievable": False,
                "allow_context_updates": False,
            },
        },
        "relationships": {"service_broker": {"data": {"guid": broker}}},
        "metadata": NO_METADATA,
        "links": {
            "self": link(served, "service_offerings/offer"),
            "service_plans": link(served, "service_plans?service_offering_guids=offer"),
            "service_broker": link(served, f"service_brokers/{broker}"),
        },
    }
    assert json.dumps(shown) == json.dumps(expected)


def test_fields_show_what_a_service_instance_relates_to(served: Asking) -> None:
    """Each part only with what was asked for, in this order; of a user-provided one, only where it is."""
    query = "&".join(
        (
            "fields[service_plan.service_offering.service_broker]=name",
            "fields[service_plan.service_offering]=name,guid",
            "fields[service_plan]=guid",
            "fields[space.organization]=name",
            "fields[space]=guid,name",
        )
    )
    expected = {
        "spaces": [{"guid": "dev", "name": "dev"}],
        "organizations": [{"name": "acme"}],
        "service_plans": [{"guid": "plan"}],
        "service_offerings": [{"name": "autoscaler", "guid": "offer"}],
        "service_brokers": [{"name": "autoscaler-broker"}],
    }
    one = served.ask("GET", f"/v3/service_instances/scaler?{query}").json()
    assert json.dumps(one["included"]) == json.dumps(expected)
    listed = served.ask("GET", f"/v3/service_instances?space_guids=dev&{query}").json()
    assert json.dumps(listed["included"]) == json.dumps(expected)
    mail = served.ask("GET", f"/v3/service_instances/mail?{query}").json()
    assert list(mail["included"]) == ["spaces", "organizations"]
    related = served.ask("GET", "/v3/service_instances?names=scaler&fields[space]=relationships.organization").json()
    assert related["included"]["spaces"] == [{"relationships": {"organization": {"data": {"guid": "acme"}}}}]


def test_a_plan_is_shown_with_its_offering_and_its_broker(served: Asking) -> None:
    query = "include=space.organization,service_offering&fields[service_offering.service_broker]=name"
    included = served.ask("GET", f"/v3/service_plans/plan?{query}").json()["included"]
    assert list(included) == ["spaces", "organizations", "service_offerings", "service_brokers"]
    assert included["service_offerings"] == [served.ask("GET", "/v3/service_offerings/offer").json()]
    assert included["service_brokers"] == [{"name": "autoscaler-broker"}]
    assert (included["spaces"], included["organizations"]) == ([], [])
    offering = served.ask("GET", "/v3/service_offerings/offer?fields[service_broker]=name").json()
    assert offering["included"] == {"service_brokers": [{"name": "autoscaler-broker"}]}


def test_a_user_sees_the_services_of_the_spaces_that_they_may_read(served: Asking) -> None:
    for actor, expected in {
        "admin": ["scaler", "mail", "cache"],
        "developer": ["scaler", "mail"],
        "org_manager": ["scaler", "mail"],
        "org_auditor": [],
        "far_developer": ["cache"],
        "stranger": [],
    }.items():
        assert sorted(guids(served.ask("GET", "/v3/service_instances", actor=actor))) == sorted(expected), actor
        answer = served.ask("GET", "/v3/service_instances/mail?x=1", actor=actor)
        if "mail" in expected:
            assert answer.status_code == 400
        else:
            assert error(answer) == not_found("Service instance")


REFUSALS: dict[str, tuple[str, tuple[int, str, str, int]]] = {
    "a type": (
        "/v3/service_instances?type=x",
        bad_query("Type must be one of 'managed', 'user-provided'"),
    ),
    "a resource of fields": (
        "/v3/service_instances?fields[app]=guid",
        bad_query(
            "Fields [app] valid resources are: 'space', 'space.organization', 'service_plan', "
            "'service_plan.service_offering', 'service_plan.service_offering.service_broker'"
        ),
    ),
    "fields of one": (
        "/v3/service_instances/scaler?fields[space]=relationships.organization",
        bad_query("Fields valid keys for 'space' are: 'name', 'guid'"),
    ),
    "fields that are no object": ("/v3/service_offerings/offer?fields=x", bad_query("Fields must be an object")),
    "a parameter": (
        "/v3/service_instances?x=1",
        bad_query(
            "Unknown query parameter(s): 'x'. Valid parameters are: 'page', 'per_page', 'order_by', 'created_ats', "
            "'updated_ats', 'guids', 'type', 'fields', 'names', 'space_guids', 'organization_guids', "
            "'service_plan_guids', 'service_plan_names', 'label_selector'"
        ),
    ),
    "the query of a plan before the plan": (
        "/v3/service_plans/no?x=1",
        bad_query("Unknown query parameter(s): 'x'. Valid parameters are: 'fields', 'include'"),
    ),
    "a plan": ("/v3/service_plans/no", not_found("Service plan")),
    "the offering before its query": ("/v3/service_offerings/no?x=1", not_found("Service offering")),
}


@pytest.mark.parametrize("row", REFUSALS)
def test_a_bad_request_is_refused_in_these_words(row: str, served: Asking) -> None:
    path, expected = REFUSALS[row]
    assert error(served.ask("GET", path)) == expected


# Security groups


def test_security_groups_hold_everywhere_or_in_some_spaces(foundation: Asking) -> None:
    """Each space lists those that hold there, and shows no other space."""
    rules = [{"protocol": "tcp", "destination": "10.0.0.0/8", "ports": "443", "log": True}]
    foundation.given(
        security_groups=[
            {"name": "dns", "guid": "dns", "running_default": True, "rules": rules, **MADE},
            {"name": "db", "guid": "db", "running_spaces": ["acme/dev", "other/far"], "staging_spaces": ["other/far"]},
        ]
    )
    listed = foundation.ask("GET", "/v3/spaces/dev/running_security_groups").json()
    expected = {
        "guid": "dns",
        **MADE,
        "name": "dns",
        "rules": rules,
        "globally_enabled": {"running": True, "staging": False},
        "relationships": {"running_spaces": {"data": []}, "staging_spaces": {"data": []}},
        "links": {"self": link(foundation, "security_groups/dns")},
    }
    assert json.dumps(listed["resources"][0]) == json.dumps(expected)
    database = listed["resources"][1]["relationships"]
    assert database == {"running_spaces": {"data": [{"guid": "dev"}]}, "staging_spaces": {"data": []}}
    assert listed["pagination"]["first"]["href"].partition("?")[0].endswith("/v3/spaces/dev/running_security_groups")
    assert guids(foundation.ask("GET", "/v3/spaces/dev/staging_security_groups")) == []
    assert guids(foundation.ask("GET", "/v3/spaces/far/staging_security_groups?names=db")) == ["db"]


# What a seed may not say

MISFITS: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown plan": (
        {
            "organizations": [
                {
                    "name": "acme",
                    "spaces": [{"name": "dev", "service_instances": [{"name": "x", "plan": "autoscaler/standart"}]}],
                }
            ]
        },
        'organizations/0/spaces/0/service_instances/0/plan: there is no service plan "autoscaler/standart"; did you '
        "mean autoscaler/standard?",
    ),
    "an unknown space": (
        {"security_groups": [{"name": "x", "running_spaces": ["acme/prod"]}]},
        'security_groups/0/running_spaces/0: there is no space "acme/prod"',
    ),
    "another guid": (
        {"service_offerings": [{"name": "autoscaler", "guid": "other"}]},
        "service_offerings/0/guid: an entity that is there keeps its guid",
    ),
    "a guid that is taken": (
        {"isolation_segments": [{"name": "fast", "guid": "scaler"}]},
        'isolation_segments/0/guid: the guid "scaler" is taken',
    ),
}


@pytest.mark.parametrize("row", MISFITS)
def test_what_does_not_fit_is_named_and_nothing_is_changed(row: str, served: Asking) -> None:
    words, expected = MISFITS[row]
    path = f"/__mock/foundations/{served.name}/state"
    before = served.server.client.get(path).json()
    answer = served.server.client.patch(path, json=words)
    assert answer.status_code == 422
    assert expected in answer.json()["detail"]
    assert served.server.client.get(path).json() == before


def test_a_change_in_a_seeds_words_keeps_what_it_does_not_name(served: Asking) -> None:
    """Offerings, plans, instances and groups, one by its name or each by `*`."""
    served.given(security_groups=[{"name": "dns", "running_default": True}])
    served.given(
        service_offerings=[{"name": "*", "available": False, "plans": [{"name": "*", "free": True}]}],
        security_groups=[{"name": "*", "staging_default": True}],
        organizations=[
            {"name": "acme", "spaces": [{"name": "*", "service_instances": [{"name": "*", "tags": ["new"]}]}]}
        ],
    )
    offering = served.ask("GET", "/v3/service_offerings/offer").json()
    assert (offering["available"], offering["description"]) == (False, "Scales apps")
    plan = served.ask("GET", "/v3/service_plans/plan").json()
    assert (plan["free"], plan["broker_catalog"]["id"]) == (True, "autoscaler-standard")
    instances = served.ask("GET", "/v3/service_instances?order_by=name").json()["resources"]
    assert {each["name"]: each["tags"] for each in instances} == {"cache": [], "mail": ["new"], "scaler": ["new"]}
    (group,) = served.ask("GET", "/v3/spaces/dev/staging_security_groups").json()["resources"]
    assert group["globally_enabled"] == {"running": True, "staging": True}


def test_the_rules_of_a_security_group_are_exported_as_they_were_given(serve: Callable[..., Serving]) -> None:
    rules = [{"protocol": "udp", "destination": "10.0.0.2", "ports": "53"}, {"protocol": "all", "destination": "::/0"}]
    server = serve(seed={"security_groups": [{"name": "dns", "rules": rules}]})
    assert server.client.get("/v3/spaces").status_code == 200
    exported = plain_http.request("GET", f"{server.url}/__mock/foundations/default/state").json()
    assert [group["rules"] for group in exported["security_groups"]] == [rules]
    imported = plain_http.request("PUT", f"{server.url}/__mock/foundations/other", json=exported)
    assert imported.status_code == 201
    again = plain_http.request("GET", f"{server.url}/__mock/foundations/other/state").json()
    assert again["security_groups"] == exported["security_groups"]
