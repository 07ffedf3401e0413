"""Organizations, spaces and isolation segments: as clients see them, and who sees which.

Source: app/controllers/v3/organizations_controller.rb, spaces_controller.rb, space_features_controller.rb and
isolation_segments_controller.rb with their messages and presenters.
"""

import json
from typing import Any

import pytest

from tests.cloudfoundry.asking import Asking, bad_query, error, guids, not_found, unprocessable

MADE = {"created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-02-03T04:05:06Z"}
LABELLED = {"labels": {"env": "prod"}, "annotations": {"owner": "me"}}
SHARED_SEGMENT = "933b4c58-120b-499a-b85d-4b6fc9e2903b"


def link(foundation: Asking, path: str) -> dict[str, str]:
    return {"href": f"{foundation.server.url}/v3/{path}"}


def as_text(value: Any) -> str:
    """A value as JSON, keys in order."""
    return json.dumps(value)


def describe_organization(foundation: Asking) -> dict[str, Any]:
    """The organization of these tests as clients see it."""
    foundation.given_organization(metadata=LABELLED, quota={"name": "large"}, **MADE)
    quota = foundation.world.quota_of(foundation.world.organizations["acme"]).guid
    return {
        "guid": "acme",
        **MADE,
        "name": "acme",
        "suspended": False,
        "relationships": {"quota": {"data": {"guid": quota}}},
        "metadata": LABELLED,
        "links": {
            "self": link(foundation, "organizations/acme"),
            "domains": link(foundation, "organizations/acme/domains"),
            "default_domain": link(foundation, "organizations/acme/domains/default"),
            "quota": link(foundation, f"organization_quotas/{quota}"),
        },
    }


def describe_space(foundation: Asking) -> dict[str, Any]:
    """The space of these tests as clients see it."""
    foundation.given_space(metadata=LABELLED, **MADE)
    return {
        "guid": "dev",
        **MADE,
        "name": "dev",
        "suspended": False,
        "relationships": {"organization": {"data": {"guid": "acme"}}, "quota": {"data": None}},
        "metadata": LABELLED,
        "links": {
            "self": link(foundation, "spaces/dev"),
            "organization": link(foundation, "organizations/acme"),
            "features": link(foundation, "spaces/dev/features"),
            "apply_manifest": {**link(foundation, "spaces/dev/actions/apply_manifest"), "method": "POST"},
        },
    }


# Shapes


def test_an_organization_has_these_keys_in_this_order(foundation: Asking) -> None:
    expected = describe_organization(foundation)
    assert as_text(foundation.ask("GET", "/v3/organizations/acme").json()) == as_text(expected)
    listed = foundation.ask("GET", "/v3/organizations?names=acme").json()
    assert as_text(listed["resources"]) == as_text([expected])


def test_an_organization_without_a_quota_has_the_one_that_every_foundation_has(foundation: Asking) -> None:
    """The relationship to a quota is never null."""
    shown = foundation.ask("GET", "/v3/organizations/other").json()
    quota = shown["relationships"]["quota"]["data"]["guid"]
    assert foundation.ask("GET", f"/v3/organization_quotas/{quota}").json()["name"] == "default"


def test_a_space_has_these_keys_in_this_order(foundation: Asking) -> None:
    expected = describe_space(foundation)
    assert as_text(foundation.ask("GET", "/v3/spaces/dev").json()) == as_text(expected)
    listed = foundation.ask("GET", "/v3/spaces?names=dev&organization_guids=acme").json()
    assert as_text(listed["resources"]) == as_text([expected])


def test_a_space_with_a_quota_links_to_it(foundation: Asking) -> None:
    """The link is there only with a quota, and comes last."""
    foundation.given_organization(spaces=[{"name": "dev", "quota": {"guid": "small", "total_instances": 3}}])
    shown = foundation.ask("GET", "/v3/spaces/dev").json()
    assert shown["relationships"]["quota"] == {"data": {"guid": "small"}}
    assert list(shown["links"].items())[-1] == ("quota", link(foundation, "space_quotas/small"))


@pytest.mark.parametrize("word", ["org", "organization"])
def test_a_space_is_shown_with_its_organization(word: str, foundation: Asking) -> None:
    space, organization = describe_space(foundation), describe_organization(foundation)
    one = foundation.ask("GET", f"/v3/spaces/dev?include={word}").json()
    assert as_text(one) == as_text({**space, "included": {"organizations": [organization]}})
    listed = foundation.ask("GET", f"/v3/spaces?include={word}").json()
    assert list(listed) == ["pagination", "resources", "included"]
    assert [each["guid"] for each in listed["included"]["organizations"]] == ["acme", "other"]
    far = foundation.ask("GET", f"/v3/spaces?include={word}&names=far").json()
    assert [each["guid"] for each in far["included"]["organizations"]] == ["other"]


def test_suspension_is_that_of_the_organization_or_space_alone(foundation: Asking) -> None:
    """A space in a suspended organization is not shown as suspended."""
    foundation.given_organization(suspended=True)
    assert foundation.ask("GET", "/v3/organizations/acme").json()["suspended"] is True
    assert foundation.ask("GET", "/v3/spaces/dev").json()["suspended"] is False
    foundation.given_space(suspended=True)
    assert foundation.ask("GET", "/v3/spaces/dev").json()["suspended"] is True


def test_a_space_has_the_feature_ssh(foundation: Asking) -> None:
    feature = {"name": "ssh", "description": "Enable SSHing into apps in the space.", "enabled": True}
    assert as_text(foundation.ask("GET", "/v3/spaces/dev/features/ssh").json()) == as_text(feature)
    assert foundation.ask("GET", "/v3/spaces/dev/features").json() == {"resources": [feature]}
    foundation.given_space(allow_ssh=False)
    assert foundation.ask("GET", "/v3/spaces/dev/features/ssh").json()["enabled"] is False


def test_a_usage_summary_counts_what_runs(foundation: Asking) -> None:
    """Of an organization, and of the foundation; what tasks take while they run is memory, too."""
    foundation.given_app(
        "dora",
        tasks=[{"name": "a", "memory_in_mb": 100}, {"name": "b", "memory_in_mb": 100, "state": "SUCCEEDED"}],
        routes=[{"host": "dora"}, {"port": 1024, "domain": "tcp.example.com"}],
    )
    foundation.given(service_offerings=[{"name": "sql", "plans": [{"name": "small"}]}])
    foundation.given_space(service_instances=[{"name": "db", "plan": "sql/small"}, {"name": "mine"}])
    summary = {
        "started_instances": 3,
        "memory_in_mb": 3 * 256 + 100,
        "routes": 2,
        "service_instances": 1,
        "reserved_ports": 1,
        "domains": 0,
        "per_app_tasks": 1,
        "service_keys": 0,
    }
    links = {
        "self": link(foundation, "organizations/acme/usage_summary"),
        "organization": link(foundation, "organizations/acme"),
    }
    shown = foundation.ask("GET", "/v3/organizations/acme/usage_summary").json()
    assert as_text(shown) == as_text({"usage_summary": summary, "links": links})
    everything = foundation.ask("GET", "/v3/info/usage_summary").json()
    assert as_text(everything) == as_text(
        {"usage_summary": summary, "links": {"self": link(foundation, "info/usage_summary")}}
    )
    other = foundation.ask("GET", "/v3/organizations/other/usage_summary").json()
    assert set(other["usage_summary"].values()) == {0}


def test_domains_of_an_organization_are_those_of_routes_and_a_default(foundation: Asking) -> None:
    foundation.given_app("dora", routes=[{"host": "dora", "domain": "own.example.com"}])
    listed = foundation.ask("GET", "/v3/organizations/acme/domains").json()
    assert [each["name"] for each in listed["resources"]] == ["apps.example.com", "own.example.com"]
    assert listed["pagination"]["first"]["href"].partition("?")[0].endswith("/v3/organizations/acme/domains")
    default = foundation.ask("GET", "/v3/organizations/acme/domains/default").json()
    assert default == listed["resources"][0]


# Isolation segments


def test_every_foundation_has_the_shared_isolation_segment(foundation: Asking) -> None:
    listed = foundation.ask("GET", "/v3/isolation_segments").json()["resources"]
    assert [(each["guid"], each["name"]) for each in listed] == [(SHARED_SEGMENT, "shared")]


def test_an_isolation_segment_has_these_keys_in_this_order(foundation: Asking) -> None:
    foundation.given(isolation_segments=[{"name": "fast", "guid": "fast", "metadata": LABELLED, **MADE}])
    expected = {
        "guid": "fast",
        **MADE,
        "name": "fast",
        "metadata": LABELLED,
        "links": {
            "self": link(foundation, "isolation_segments/fast"),
            "organizations": link(foundation, "isolation_segments/fast/organizations"),
        },
    }
    assert as_text(foundation.ask("GET", "/v3/isolation_segments/fast").json()) == as_text(expected)


def test_what_names_an_isolation_segment_makes_it(foundation: Asking) -> None:
    """A space, an organization's default, and what an organization may use."""
    foundation.given_space(isolation_segment="fast")
    foundation.given_organization(default_isolation_segment="slow", isolation_segments=["spare"])
    listed = foundation.ask("GET", "/v3/isolation_segments?organization_guids=acme&order_by=name").json()
    assert [each["name"] for each in listed["resources"]] == ["fast", "slow", "spare"]
    slow = listed["resources"][1]["guid"]
    shown = foundation.ask("GET", "/v3/organizations/acme/relationships/default_isolation_segment").json()
    url = "organizations/acme/relationships/default_isolation_segment"
    assert as_text(shown) == as_text(
        {
            "data": {"guid": slow},
            "links": {"self": link(foundation, url), "related": link(foundation, f"isolation_segments/{slow}")},
        }
    )
    of_space = foundation.ask("GET", "/v3/spaces/dev/relationships/isolation_segment").json()
    assert of_space["data"] == {"guid": listed["resources"][0]["guid"]}
    using = foundation.ask("GET", f"/v3/isolation_segments/{slow}/organizations").json()
    assert guids_of(using) == ["acme"]
    assert using["pagination"]["last"]["href"].partition("?")[0].endswith(f"{slow}/organizations")


def guids_of(body: dict[str, Any]) -> list[str]:
    return [each["guid"] for each in body["resources"]]


def test_no_isolation_segment_is_a_relationship_to_none(foundation: Asking) -> None:
    url = "spaces/dev/relationships/isolation_segment"
    shown = foundation.ask("GET", f"/v3/{url}").json()
    assert as_text(shown) == as_text({"data": None, "links": {"self": link(foundation, url)}})


# Who sees what

ORGANIZATIONS_OF: dict[str, list[str]] = {
    "admin": ["acme", "other"],
    "reading_admin": ["acme", "other"],
    "global_auditor": ["acme", "other"],
    "org_user": ["acme"],
    "org_auditor": ["acme"],
    "billing": ["acme"],
    "org_manager": ["acme"],
    "developer": ["acme"],
    "auditor": ["acme"],
    "far_developer": ["other"],
    "stranger": [],
}
"""By user: the organizations that they see. A role in a space demands one in its organization."""

SPACES_OF: dict[str, list[str]] = {
    "admin": ["dev", "far"],
    "global_auditor": ["dev", "far"],
    "org_user": [],
    "org_auditor": [],
    "billing": [],
    "org_manager": ["dev"],
    "developer": ["dev"],
    "supporter": ["dev"],
    "manager": ["dev"],
    "auditor": ["dev"],
    "far_developer": ["far"],
    "stranger": [],
}


@pytest.mark.parametrize("actor", ORGANIZATIONS_OF)
def test_a_user_sees_the_organizations_that_they_are_in(actor: str, foundation: Asking) -> None:
    expected = ORGANIZATIONS_OF[actor]
    assert guids(foundation.ask("GET", "/v3/organizations", actor=actor)) == expected
    assert guids(foundation.ask("GET", "/v3/organizations?guids=acme,other", actor=actor)) == expected
    for guid in ("acme", "other"):
        for path in ("", "/usage_summary", "/relationships/default_isolation_segment", "/domains", "/domains/default"):
            answer = foundation.ask("GET", f"/v3/organizations/{guid}{path}", actor=actor)
            if guid in expected:
                assert answer.status_code == 200
            else:
                assert error(answer) == not_found("Organization")
                assert answer.headers["x-mock-why"] == f"world: {actor} has no role in organization {guid}"


@pytest.mark.parametrize("actor", SPACES_OF)
def test_a_user_sees_the_spaces_that_they_may_read(actor: str, foundation: Asking) -> None:
    expected = SPACES_OF[actor]
    assert guids(foundation.ask("GET", "/v3/spaces", actor=actor)) == expected
    for guid in ("dev", "far"):
        for path in ("", "/features", "/features/ssh", "/relationships/isolation_segment", "/running_security_groups"):
            answer = foundation.ask("GET", f"/v3/spaces/{guid}{path}", actor=actor)
            assert answer.status_code == 200 if guid in expected else error(answer) == not_found("Space")


def test_an_included_organization_is_shown_to_whoever_sees_the_space(foundation: Asking) -> None:
    shown = foundation.ask("GET", "/v3/spaces?include=org", actor="developer").json()
    assert [each["guid"] for each in shown["included"]["organizations"]] == ["acme"]


def test_a_user_sees_the_isolation_segments_of_their_organizations(foundation: Asking) -> None:
    foundation.given_space(isolation_segment="fast")
    fast = foundation.ask("GET", "/v3/isolation_segments?names=fast").json()["resources"][0]["guid"]
    for actor, expected in {"org_user": [fast], "developer": [fast], "far_developer": [], "stranger": []}.items():
        assert guids(foundation.ask("GET", "/v3/isolation_segments", actor=actor)) == expected
        answer = foundation.ask("GET", f"/v3/isolation_segments/{fast}", actor=actor)
        assert answer.status_code == 200 if expected else error(answer) == not_found("Isolation segment")
        nested = foundation.ask("GET", f"/v3/isolation_segments/{fast}/organizations", actor=actor)
        assert guids(nested) == ["acme"] if expected else error(nested) == not_found("Isolation segment")


@pytest.mark.parametrize("actor", ["developer", "org_manager", "stranger"])
def test_the_usage_of_the_foundation_is_unknown_to_those_who_do_not_read_everything(
    actor: str, foundation: Asking
) -> None:
    answer = foundation.ask("GET", "/v3/info/usage_summary", actor=actor)
    assert error(answer) == (404, "CF-NotFound", "Unknown request", 10000)


# Errors

REFUSALS: dict[str, tuple[str, tuple[int, str, str, int]]] = {
    "an organization that is not there": ("/v3/organizations/no", not_found("Organization")),
    "a space that is not there": ("/v3/spaces/no", not_found("Space")),
    "the space before the query": ("/v3/spaces/no?x=1", not_found("Space")),
    "a query of a space": (
        "/v3/spaces/dev?x=1",
        bad_query("Unknown query parameter(s): 'x'. Valid parameters are: 'include'"),
    ),
    "an include of a space": (
        "/v3/spaces/dev?include=app",
        bad_query("Invalid included resource: 'app'. Valid included resources are: 'org', 'organization'"),
    ),
    "an include of spaces, twice": (
        "/v3/spaces?include=org,org",
        bad_query("Duplicate included resource: 'org'"),
    ),
    "an order of organizations": (
        "/v3/organizations?order_by=guid",
        bad_query("Order by can only be: 'created_at', 'updated_at', 'name'"),
    ),
    "a parameter of organizations": (
        "/v3/organizations?x=1",
        bad_query(
            "Unknown query parameter(s): 'x'. Valid parameters are: 'page', 'per_page', 'order_by', 'created_ats', "
            "'updated_ats', 'guids', 'names', 'isolation_segment_guid', 'label_selector'"
        ),
    ),
    "a parameter of spaces": (
        "/v3/spaces?names[x]=a&x=1",
        bad_query(
            "Unknown query parameter(s): 'x'. Valid parameters are: 'page', 'per_page', 'order_by', 'created_ats', "
            "'updated_ats', 'guids', 'names', 'organization_guids', 'include', 'label_selector', Names must be an array"
        ),
    ),
    "a parameter of isolation segments": (
        "/v3/isolation_segments?x=1",
        bad_query(
            "Unknown query parameter(s): 'x'. Valid parameters are: 'page', 'per_page', 'order_by', 'created_ats', "
            "'updated_ats', 'guids', 'names', 'organization_guids', 'label_selector'"
        ),
    ),
    "the query before the isolation segment": (
        "/v3/isolation_segments/no/organizations?per_page=0",
        bad_query("Per page must be a positive integer"),
    ),
    "an isolation segment that is not there": ("/v3/isolation_segments/no", not_found("Isolation segment")),
    "the organization before the query of its domains": (
        "/v3/organizations/no/domains?per_page=0",
        not_found("Organization"),
    ),
    "the query of its domains": (
        "/v3/organizations/acme/domains?per_page=0",
        bad_query("Per page must be a positive integer"),
    ),
    "a feature of a space": ("/v3/spaces/dev/features/sshd", not_found("Feature")),
    "a feature of no space": ("/v3/spaces/no/features/sshd", not_found("Space")),
    "security groups, without a prefix": (
        "/v3/spaces/no/running_security_groups?x=1",
        unprocessable(
            "Unknown query parameter(s): 'x'. Valid parameters are: 'page', 'per_page', 'order_by', 'created_ats', "
            "'updated_ats', 'guids', 'names'"
        ),
    ),
    "security groups of no space": ("/v3/spaces/no/staging_security_groups", not_found("Space")),
}


@pytest.mark.parametrize("row", REFUSALS)
def test_a_bad_request_is_refused_in_these_words(row: str, foundation: Asking) -> None:
    path, expected = REFUSALS[row]
    assert error(foundation.ask("GET", path)) == expected


def test_an_organization_ignores_its_query(foundation: Asking) -> None:
    """Unlike a space, it reads none."""
    assert foundation.ask("GET", "/v3/organizations/acme?x=1").status_code == 200


def test_the_filter_that_organizations_ignore_is_not_repeated_in_links(foundation: Asking) -> None:
    listed = foundation.ask("GET", "/v3/organizations?isolation_segment_guid=x&names=acme").json()
    assert guids_of(listed) == ["acme"]
    assert listed["pagination"]["first"]["href"].endswith("?names=acme&page=1&per_page=50")


# What cf asks, and what it prints of it


def test_cf_org_finds_what_it_prints(foundation: Asking) -> None:
    """Source: cloudfoundry/cli, actor/v7action/organization_summary.go and isolation_segment.go."""
    foundation.given_organization(default_isolation_segment="slow", spaces=[{"name": "dev", "isolation_segment": "a"}])
    (organization,) = foundation.ask("GET", "/v3/organizations?names=acme&per_page=1&page=1").json()["resources"]
    guid = organization["guid"]
    quota = organization["relationships"]["quota"]["data"]["guid"]
    default = foundation.ask("GET", f"/v3/organizations/{guid}/relationships/default_isolation_segment").json()
    printed = {
        "domains": name_all(foundation, f"organizations/{guid}/domains?per_page=5000"),
        "quota": foundation.ask("GET", f"/v3/organization_quotas/{quota}").json()["name"],
        "spaces": name_all(foundation, f"spaces?organization_guids={guid}&order_by=name"),
        "isolation segments": name_all(foundation, f"isolation_segments?organization_guids={guid}"),
        "default": foundation.ask("GET", f"/v3/isolation_segments/{default['data']['guid']}").json()["name"],
    }
    assert printed == {
        "domains": ["apps.example.com"],
        "quota": "acme-quota",
        "spaces": ["dev"],
        "isolation segments": ["a", "slow"],
        "default": "slow",
    }


def test_cf_space_finds_what_it_prints(foundation: Asking) -> None:
    """Source: cloudfoundry/cli, actor/v7action/space.go."""
    foundation.given_space(quota={"name": "small"}, service_instances=[{"name": "mail"}], isolation_segment="fast")
    foundation.given(security_groups=[{"name": "dns", "running_default": True}])
    query = "names=dev&organization_guids=acme&per_page=1&page=1"
    (space,) = foundation.ask("GET", f"/v3/spaces?{query}", actor="developer").json()["resources"]
    guid, quota = space["guid"], space["relationships"]["quota"]["data"]["guid"]
    segment = foundation.ask("GET", f"/v3/spaces/{guid}/relationships/isolation_segment").json()["data"]["guid"]
    printed = {
        "org": foundation.ask("GET", "/v3/organizations/acme").json()["name"],
        "apps": name_all(foundation, f"apps?space_guids={guid}&order_by=name&per_page=5000"),
        "services": name_all(foundation, f"service_instances?space_guids={guid}"),
        "isolation segment": foundation.ask("GET", f"/v3/isolation_segments/{segment}").json()["name"],
        "quota": foundation.ask("GET", f"/v3/space_quotas/{quota}").json()["name"],
        "running security groups": name_all(foundation, f"spaces/{guid}/running_security_groups"),
        "staging security groups": name_all(foundation, f"spaces/{guid}/staging_security_groups"),
    }
    assert printed == {
        "org": "acme",
        "apps": ["dora", "idle"],
        "services": ["mail"],
        "isolation segment": "fast",
        "quota": "small",
        "running security groups": ["dns"],
        "staging security groups": [],
    }


def name_all(foundation: Asking, path: str) -> list[str]:
    """The names of what a list shows to somebody who develops in it, sorted as cf sorts them."""
    resources = foundation.ask("GET", f"/v3/{path}", actor="developer").json()["resources"]
    return sorted(each["name"] for each in resources)
