"""Quotas as resources: shown, listed and changed by the API, and what a change means for what is scaled then.

Source: app/controllers/v3/organization_quotas_controller.rb, space_quotas_controller.rb,
app/messages/organization_quotas_update_message.rb, app/actions/organization_quotas_update.rb, space_quota_update.rb.
"""

import json
from typing import Any

import pytest

from tests.cloudfoundry.asking import (
    FAILS,
    NOT_AUTHORIZED,
    Asking,
    bad_query,
    error,
    guids,
    not_found,
    unprocessable,
)

MADE = {"created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-02-03T04:05:06Z"}
LARGE, SMALL = "/v3/organization_quotas/large", "/v3/space_quotas/small"

LIMITS: dict[str, Any] = {
    "total_memory_in_mb": 10240,
    "per_process_memory_in_mb": 2048,
    "total_instances": 50,
    "per_app_tasks": 5,
    "log_rate_limit_in_bytes_per_second": 1 << 40,
    "paid_services_allowed": False,
    "total_service_instances": 6,
    "total_service_keys": 7,
    "total_routes": 8,
    "total_reserved_ports": 4,
}


@pytest.fixture
def limited(foundation: Asking) -> Asking:
    """A foundation where acme and its space have a quota each, and the processes a limited log rate."""
    foundation.given_process(log_rate_limit_in_bytes_per_second=1024)
    quota = {"guid": "large", "name": "large", "total_domains": 9, **LIMITS, **MADE}
    small = {"guid": "small", "name": "small", **LIMITS, **MADE}
    organization = {"name": "acme", "quota": None, "spaces": [{"name": "dev", "quota": small}]}
    foundation.given(organizations=[organization])
    foundation.given(organizations=[{"name": "acme", "quota": quota}])
    return foundation


def describe_limits(name: str) -> dict[str, Any]:
    return {
        "guid": name,
        **MADE,
        "name": name,
        "apps": {
            "total_memory_in_mb": 10240,
            "per_process_memory_in_mb": 2048,
            "total_instances": 50,
            "per_app_tasks": 5,
            "log_rate_limit_in_bytes_per_second": 1 << 40,
        },
        "services": {"paid_services_allowed": False, "total_service_instances": 6, "total_service_keys": 7},
        "routes": {"total_routes": 8, "total_reserved_ports": 4},
    }


def describe_quota(foundation: Asking, owners: tuple[str, ...] = ("acme",)) -> dict[str, Any]:
    return {
        **describe_limits("large"),
        "domains": {"total_domains": 9},
        "relationships": {"organizations": {"data": [{"guid": guid} for guid in owners]}},
        "links": {"self": {"href": f"{foundation.server.url}{LARGE}"}},
    }


def describe_space_quota(foundation: Asking) -> dict[str, Any]:
    return {
        **describe_limits("small"),
        "relationships": {"organization": {"data": {"guid": "acme"}}, "spaces": {"data": [{"guid": "dev"}]}},
        "links": {
            "self": {"href": f"{foundation.server.url}{SMALL}"},
            "organization": {"href": f"{foundation.server.url}/v3/organizations/acme"},
        },
    }


# Shown


def test_a_quota_of_organizations_has_these_keys_in_this_order(limited: Asking) -> None:
    expected = json.dumps(describe_quota(limited))
    assert json.dumps(limited.ask("GET", LARGE).json()) == expected
    assert json.dumps(limited.ask("GET", "/v3/organization_quotas?names=large").json()["resources"][0]) == expected


def test_a_quota_of_a_space_has_these_keys_in_this_order(limited: Asking) -> None:
    expected = json.dumps(describe_space_quota(limited))
    assert json.dumps(limited.ask("GET", SMALL).json()) == expected
    assert json.dumps(limited.ask("GET", "/v3/space_quotas").json()["resources"]) == f"[{expected}]"


def test_the_default_quota_belongs_to_the_organizations_that_name_none(foundation: Asking) -> None:
    foundation.given(organizations=[{"name": "third", "guid": "third"}])
    listed = foundation.ask("GET", "/v3/organization_quotas").json()["resources"]
    assert [each["name"] for each in listed] == ["default", "acme-quota"]
    assert listed[0]["relationships"]["organizations"]["data"] == [{"guid": "other"}, {"guid": "third"}]
    assert set(listed[0]["apps"].values()) == {None}
    assert listed[0]["services"]["paid_services_allowed"] is True


def test_everybody_reads_quotas_of_organizations_but_only_their_own_organizations(limited: Asking) -> None:
    for actor, owners in {"org_user": ("acme",), "stranger": (), "far_developer": (), "developer": ("acme",)}.items():
        shown = limited.ask("GET", LARGE, actor=actor).json()
        assert shown == describe_quota(limited, owners), actor
        listed = limited.ask("GET", "/v3/organization_quotas?guids=large", actor=actor).json()
        assert listed["resources"] == [shown]
        named = limited.ask("GET", "/v3/organization_quotas?organization_guids=acme", actor=actor)
        assert guids(named) == ["large"] * len(owners)


@pytest.mark.parametrize(
    ("actor", "sees"),
    [
        ("admin", True),
        ("reading_admin", True),
        ("global_auditor", True),
        ("developer", True),
        ("supporter", True),
        ("manager", True),
        ("auditor", True),
        ("org_manager", True),
        ("org_user", False),
        ("org_auditor", False),
        ("billing", False),
        ("far_developer", False),
        ("stranger", False),
    ],
)
def test_a_space_quota_is_seen_in_its_space_and_by_managers_of_the_organization(
    actor: str, sees: bool, limited: Asking
) -> None:
    answer = limited.ask("GET", SMALL, actor=actor)
    assert answer.status_code == 200 if sees else error(answer) == not_found("Space quota")
    assert guids(limited.ask("GET", "/v3/space_quotas", actor=actor)) == ["small"] * sees


# Changed


def test_a_change_of_a_quota_counts_when_something_is_scaled(limited: Asking) -> None:
    """The quota of an organization, and that of a space, each in its own words."""
    changed = limited.ask("PATCH", LARGE, {"apps": {"total_instances": 3}})
    assert changed.json()["apps"] == {**describe_quota(limited)["apps"], "total_instances": 3}
    assert error(limited.scale({"instances": 3})) == unprocessable("app_instance_limit app_instance_limit_exceeded")
    limited.ask("PATCH", LARGE, {"apps": {"total_instances": None}})
    assert limited.scale({"instances": 3}).status_code == 202
    limited.ask("PATCH", SMALL, {"apps": {"per_process_memory_in_mb": 300}})
    expected = unprocessable("memory space_instance_memory_limit_exceeded")
    assert error(limited.scale({"memory_in_mb": 301})) == expected
    assert limited.scale({"memory_in_mb": 300}).status_code == 202


def test_a_change_of_the_default_quota_counts_for_those_that_name_none(foundation: Asking) -> None:
    foundation.given_organization(quota=None)
    default = foundation.ask("GET", "/v3/organization_quotas?names=default").json()["resources"][0]["guid"]
    assert foundation.scale({"instances": 40}).status_code == 202
    changed = foundation.ask(
        "PATCH", f"/v3/organization_quotas/{default}", {"name": "all", "apps": {"total_instances": 41}}
    )
    assert (changed.status_code, changed.json()["name"]) == (200, "all")
    assert error(foundation.scale({"instances": 41})) == unprocessable("app_instance_limit app_instance_limit_exceeded")
    foundation.given(default_quota={"total_instances": None})
    assert foundation.scale({"instances": 41}).status_code == 202


def test_a_change_leaves_what_it_does_not_name(limited: Asking) -> None:
    """Each part is merged; null is no limit, and the least is 0; paid services are allowed where null is sent."""
    before = describe_quota(limited)
    limited.advance(60)
    shown = limited.ask(
        "PATCH",
        LARGE,
        {
            "name": "huge",
            "apps": {"total_memory_in_mb": None, "per_app_tasks": 0},
            "services": {"paid_services_allowed": None},
            "routes": {"total_routes": "12"},
            "domains": {},
        },
    ).json()
    assert shown.pop("updated_at") > before.pop("updated_at")
    before["name"] = "huge"
    before["apps"] |= {"total_memory_in_mb": None, "per_app_tasks": 0}
    before["services"]["paid_services_allowed"] = True
    before["routes"]["total_routes"] = 12
    assert shown == before
    again = limited.ask("GET", LARGE).json()
    assert again.pop("updated_at") == limited.ask("GET", LARGE).json()["updated_at"]
    assert again == shown


def test_the_organization_of_a_changed_quota_stays_as_it_was(limited: Asking) -> None:
    before = limited.ask("GET", "/v3/organizations/acme").json()
    assert limited.ask("PATCH", LARGE, {}).status_code == 200
    assert limited.ask("GET", "/v3/organizations/acme").json() == before


MESSAGES: dict[str, tuple[Any, str]] = {
    "an unknown field": (
        {"limits": 1, "name": ""},
        "Unknown field(s): 'limits', Name is too short (minimum is 1 character)",
    ),
    "a name that is null": ({"name": None}, "Name must be a string, Name is too short (minimum is 1 character)"),
    "a name that is a number": ({"name": 5}, "Name must be a string"),
    "a long name": ({"name": "x" * 251}, "Name is too long (maximum is 250 characters)"),
    "a part that is null": ({"apps": None, "domains": 1}, "Apps must be an object, Domains must be an object"),
    "an unknown limit": (
        {"apps": {"x": 1}, "routes": {"y": 2}},
        "Apps Unknown field(s): 'x', Routes Unknown field(s): 'y'",
    ),
    "a limit below 0": (
        {"apps": {"total_instances": -1, "total_memory_in_mb": -2}},
        "Apps Total memory in mb must be greater than or equal to 0, Apps Total instances must be greater than or "
        "equal to 0",
    ),
    "a limit that is no number": (
        {"services": {"total_service_keys": "many"}},
        "Services Total service keys is not a number",
    ),
    "a limit that is a fraction": ({"domains": {"total_domains": 1.5}}, "Domains Total domains must be an integer"),
    "a limit that is too large": (
        {"routes": {"total_routes": 2147483648}},
        "Routes Total routes must be less than or equal to 2147483647",
    ),
    "a log rate that is too large": (
        {"apps": {"log_rate_limit_in_bytes_per_second": 9223372036854775808}},
        "Apps Log rate limit in bytes per second must be less than or equal to 9223372036854775807",
    ),
    "paid services that are no boolean": (
        {"services": {"paid_services_allowed": "yes"}},
        "Services Paid services allowed must be a boolean",
    ),
    "a list": ([1], "Unknown field(s): '_json'"),
}


@pytest.mark.parametrize("path", [LARGE, SMALL])
@pytest.mark.parametrize("row", MESSAGES)
def test_a_bad_message_is_refused_with_every_error(row: str, path: str, limited: Asking) -> None:
    body, expected = MESSAGES[row]
    before = limited.ask("GET", path).json()
    assert error(limited.ask("PATCH", path, body)) == unprocessable(expected)
    assert limited.ask("GET", path).json() == before


def test_a_quota_of_a_space_takes_domains_and_does_nothing_with_them(limited: Asking) -> None:
    """Its controller reads the message of organization quotas."""
    answer = limited.ask("PATCH", SMALL, {"domains": {"total_domains": 1}})
    assert (answer.status_code, "domains" in answer.json()) == (200, False)


def test_more_domains_than_the_database_takes_fail(limited: Asking) -> None:
    """This limit alone has no upper bound in its message."""
    assert error(limited.ask("PATCH", LARGE, {"domains": {"total_domains": 2147483648}}, documented=False)) == FAILS


def test_ports_must_be_within_routes(limited: Asking) -> None:
    text = "Total reserved ports must be -1, 0, or a positive integer, and must be less than or equal to total routes."
    assert error(limited.ask("PATCH", LARGE, {"routes": {"total_reserved_ports": 9}})) == unprocessable(text)
    assert error(limited.ask("PATCH", LARGE, {"routes": {"total_routes": 3}})) == unprocessable(text)
    both = {"total_routes": None, "total_reserved_ports": 9}
    assert limited.ask("PATCH", LARGE, {"routes": both}).status_code == 200
    text = (
        "Total reserved ports must be -1, 0, or a positive integer, must be less than or equal to total routes, and "
        "must be less than or equal to total reserved ports for the organization quota."
    )
    assert error(limited.ask("PATCH", SMALL, {"routes": {"total_reserved_ports": 9}})) == unprocessable(text)
    assert error(limited.ask("PATCH", SMALL, {"routes": both | {"total_reserved_ports": 10}})) == unprocessable(text)


def test_a_name_is_there_once(limited: Asking) -> None:
    """Among organization quotas; of a space's, among those of its organization."""
    expected = unprocessable("Organization Quota 'default' already exists.")
    assert error(limited.ask("PATCH", LARGE, {"name": "default"})) == expected
    limited.given_organization(spaces=[{"name": "prod", "quota": {"name": "other"}}])
    assert error(limited.ask("PATCH", SMALL, {"name": "other"})) == unprocessable("Space Quota 'other' already exists.")
    limited.given(organizations=[{"name": "other", "spaces": [{"name": "far", "quota": {"name": "elsewhere"}}]}])
    assert limited.ask("PATCH", SMALL, {"name": "elsewhere"}).status_code == 200


def test_a_log_rate_is_not_limited_where_a_process_is_unlimited(foundation: Asking) -> None:
    """Whether it is started or not; two owners are named, and more of them counted."""
    foundation.given_space(quota={})
    organization, space = (
        foundation.ask("GET", f"/v3/{kind}_quotas?organization_guids=acme").json()["resources"][0]["guid"]
        for kind in ("organization", "space")
    )
    limit = {"apps": {"log_rate_limit_in_bytes_per_second": 1000000}}
    text = (
        "Current usage exceeds new quota values. This quota is applied to {} apps running with an unlimited log rate "
        "limit."
    )
    answer = foundation.ask("PATCH", f"/v3/organization_quotas/{organization}", limit)
    assert error(answer) == unprocessable(text.format("org 'acme' which contains"))
    answer = foundation.ask("PATCH", f"/v3/space_quotas/{space}", limit)
    assert error(answer) == unprocessable(text.format("space 'dev' which contains"))
    apps = [{"name": "app"}]
    others = [{"name": name, "spaces": [{"name": "s", "apps": apps}]} for name in ("b", "a", "c")]
    foundation.given(organizations=others[:2])
    default = f"/v3/organization_quotas/{foundation.world.default_quota.guid}"
    assert error(foundation.ask("PATCH", default, limit)) == unprocessable(text.format("orgs 'a', 'b' which contain"))
    foundation.given(organizations=others)
    expected = unprocessable(text.format("orgs 'a', 'b' and 1 other orgs which contain"))
    assert error(foundation.ask("PATCH", default, limit)) == expected
    foundation.given_process(log_rate_limit_in_bytes_per_second=1)
    assert foundation.ask("PATCH", f"/v3/organization_quotas/{organization}", limit).status_code == 200


# Who may change what, and which refusal comes first


def test_only_admins_change_quotas_of_organizations(limited: Asking) -> None:
    """They are asked before the body is judged, and before the quota is looked up."""
    for actor in ("org_manager", "developer", "reading_admin", "stranger"):
        assert error(limited.ask("PATCH", LARGE, {"x": 1}, actor=actor)) == NOT_AUTHORIZED
        assert error(limited.ask("PATCH", "/v3/organization_quotas/no", {}, actor=actor)) == NOT_AUTHORIZED
    assert error(limited.ask("PATCH", "/v3/organization_quotas/no", {"x": 1})) == unprocessable("Unknown field(s): 'x'")
    assert error(limited.ask("PATCH", "/v3/organization_quotas/no", {})) == not_found("Organization quota")
    assert error(limited.ask("GET", "/v3/organization_quotas/no")) == not_found("Organization quota")


def test_managers_of_the_organization_change_quotas_of_its_spaces(limited: Asking) -> None:
    """Whoever sees one and may not is refused before the body is judged; whoever sees none finds none."""
    assert limited.ask("PATCH", SMALL, {"name": "tiny"}, actor="org_manager").json()["name"] == "tiny"
    for actor in ("developer", "manager", "auditor"):
        assert error(limited.ask("PATCH", SMALL, {"x": 1}, actor=actor)) == NOT_AUTHORIZED
    assert error(limited.ask("PATCH", SMALL, {"x": 1}, actor="org_user")) == not_found("Space quota")
    assert error(limited.ask("PATCH", "/v3/space_quotas/no", {"x": 1})) == not_found("Space quota")
    limited.given_organization(suspended=True)
    suspended = (403, "CF-OrgSuspended", "The organization is suspended", 10017)
    assert error(limited.ask("PATCH", SMALL, {"x": 1}, actor="org_manager")) == suspended
    assert limited.ask("PATCH", SMALL, {"name": "small"}).status_code == 200
    limited.given_organization(being_deleted=True)
    deleted = (422, "CF-ResourceBeingDeleted", "The organization is being deleted", 10020)
    assert error(limited.ask("PATCH", SMALL, {"x": 1}, actor="org_manager")) == deleted


def test_a_bad_query_is_refused_with_another_status_for_space_quotas(foundation: Asking) -> None:
    text = (
        "Unknown query parameter(s): 'x'. Valid parameters are: 'page', 'per_page', 'order_by', 'created_ats', "
        "'updated_ats', 'guids', 'names', 'organization_guids'"
    )
    assert error(foundation.ask("GET", "/v3/organization_quotas?x=1")) == bad_query(text)
    assert error(foundation.ask("GET", "/v3/space_quotas?x=1")) == unprocessable(f"{text}, 'space_guids'")


# In a seed's words


def test_a_quota_keeps_what_is_not_named(limited: Asking) -> None:
    limited.given_organization(quota={"total_instances": 7})
    shown = limited.ask("GET", LARGE).json()
    expected = describe_quota(limited)
    expected["apps"]["total_instances"] = 7
    assert shown == expected


def test_the_guid_of_a_quota_stays_and_is_there_once(limited: Asking) -> None:
    words: dict[str, Any] = {"name": "acme", "quota": {"guid": "huge"}}
    state = f"/__mock/foundations/{limited.name}/state"
    answer = limited.server.client.patch(state, json={"organizations": [words]})
    assert "organizations/0/quota/guid: an entity that is there keeps its guid" in answer.json()["detail"]
    words = {"name": "new", "quota": {"guid": "small"}}
    answer = limited.server.client.patch(state, json={"organizations": [words]})
    assert 'organizations/0/quota/guid: the guid "small" is taken' in answer.json()["detail"]
