"""Users and roles: as clients see them, and who sees which.

Source: app/controllers/v3/users_controller.rb, roles_controller.rb, app/fetchers/user_list_fetcher.rb,
role_list_fetcher.rb and lib/cloud_controller/permissions.rb (`readable_users_query`).
"""

import json
from typing import Any

import pytest

from mockfoundry.cloudfoundry.auth import ANY_ADMIN
from tests.cloudfoundry.asking import Asking, error, guids, not_found, unprocessable

MADE = {"created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-02-03T04:05:06Z"}


def given_zoe(foundation: Asking, **fields: Any) -> None:
    """A user with two roles, older than the others."""
    roles = {"organizations": {"acme": ["organization_auditor"]}, "spaces": {"acme/dev": ["space_manager"]}}
    foundation.given(users=[{"name": "zoe", "guid": "zoe", **roles, **MADE, **fields}])


def names(body: dict[str, Any]) -> list[str]:
    return [each["username"] for each in body["resources"]]


# Users


def test_a_user_has_these_keys_in_this_order(foundation: Asking) -> None:
    metadata = {"labels": {"team": "one"}, "annotations": {"desk": "4"}}
    given_zoe(foundation, metadata=metadata, origin="ldap")
    expected = {
        "guid": "zoe",
        **MADE,
        "username": "zoe",
        "presentation_name": "zoe",
        "origin": "ldap",
        "metadata": metadata,
        "links": {"self": {"href": f"{foundation.server.url}/v3/users/zoe"}},
    }
    assert json.dumps(foundation.ask("GET", "/v3/users/zoe").json()) == json.dumps(expected)
    assert json.dumps(foundation.ask("GET", "/v3/users?usernames=zoe").json()["resources"]) == json.dumps([expected])


def test_the_admin_of_every_foundation_is_a_user(foundation: Asking) -> None:
    shown = foundation.ask("GET", f"/v3/users/{ANY_ADMIN.guid}").json()
    assert (shown["username"], shown["origin"]) == ("admin", "uaa")
    assert names(foundation.ask("GET", "/v3/users").json())[0] == "admin"
    foundation.given(users=[{"name": "admin", "guid": "own"}])
    assert guids(foundation.ask("GET", "/v3/users?usernames=admin")) == ["own"]


def test_users_are_found_by_name_as_uaa_does(foundation: Asking) -> None:
    """In any case; a part is enough where parts are asked for."""
    given_zoe(foundation, origin="ldap")
    for query, expected in {
        "usernames=ZOE,billing": ["zoe", "billing"],
        "usernames=zo": [],
        "partial_usernames=OE": ["zoe"],
        "usernames=zoe&origins=LDAP": ["zoe"],
        "usernames=zoe&origins=uaa": [],
        "partial_usernames=zo,bil&origins=uaa": ["billing"],
    }.items():
        assert names(foundation.ask("GET", f"/v3/users?{query}").json()) == expected, query


def test_a_user_sees_themselves_and_the_members_of_their_organizations(foundation: Asking) -> None:
    """A role in a space makes a member, too; admins and auditors of everything see all."""
    everybody = names(foundation.ask("GET", "/v3/users").json())
    assert names(foundation.ask("GET", "/v3/users", actor="global_auditor").json()) == everybody
    members = [
        name
        for name in everybody
        if name not in ("admin", "stranger", "far_developer", "root", "reading_admin", "global_auditor", "nobody")
    ]
    for actor in ("org_user", "developer"):
        assert names(foundation.ask("GET", "/v3/users", actor=actor).json()) == members
    assert names(foundation.ask("GET", "/v3/users", actor="far_developer").json()) == ["far_developer"]
    assert names(foundation.ask("GET", "/v3/users", actor="stranger").json()) == ["stranger"]
    stranger = foundation.world.users["stranger"].guid
    assert foundation.ask("GET", f"/v3/users/{stranger}", actor="stranger").status_code == 200
    assert error(foundation.ask("GET", f"/v3/users/{stranger}", actor="developer")) == not_found("User")


# Roles


def test_a_role_in_an_organization_has_these_keys_in_this_order(foundation: Asking) -> None:
    given_zoe(foundation)
    (shown,) = foundation.ask("GET", "/v3/roles?user_guids=zoe&types=organization_auditor").json()["resources"]
    url = foundation.server.url
    expected = {
        "guid": shown["guid"],
        **MADE,
        "type": "organization_auditor",
        "relationships": {
            "user": {"data": {"guid": "zoe"}},
            "organization": {"data": {"guid": "acme"}},
            "space": {"data": None},
        },
        "links": {
            "self": {"href": f"{url}/v3/roles/{shown['guid']}"},
            "user": {"href": f"{url}/v3/users/zoe"},
            "organization": {"href": f"{url}/v3/organizations/acme"},
        },
    }
    assert json.dumps(shown) == json.dumps(expected)
    assert foundation.ask("GET", f"/v3/roles/{shown['guid']}").json() == shown


def test_a_role_in_a_space_has_these_keys_in_this_order(foundation: Asking) -> None:
    """The space comes before the organization, which is none."""
    given_zoe(foundation)
    (shown,) = foundation.ask("GET", "/v3/roles?user_guids=zoe&space_guids=dev").json()["resources"]
    url = foundation.server.url
    expected = {
        "guid": shown["guid"],
        **MADE,
        "type": "space_manager",
        "relationships": {
            "user": {"data": {"guid": "zoe"}},
            "space": {"data": {"guid": "dev"}},
            "organization": {"data": None},
        },
        "links": {
            "self": {"href": f"{url}/v3/roles/{shown['guid']}"},
            "user": {"href": f"{url}/v3/users/zoe"},
            "space": {"href": f"{url}/v3/spaces/dev"},
        },
    }
    assert json.dumps(shown) == json.dumps(expected)


def test_roles_are_sorted_by_creation_and_links_say_so(foundation: Asking) -> None:
    given_zoe(foundation)
    listed = foundation.ask("GET", "/v3/roles?per_page=2").json()
    assert {each["relationships"]["user"]["data"]["guid"] for each in listed["resources"]} == {"zoe"}
    assert listed["resources"][0]["guid"] < listed["resources"][1]["guid"]
    assert "order_by=%2Bcreated_at" in listed["pagination"]["next"]["href"]


def test_what_roles_relate_is_shown_besides(foundation: Asking) -> None:
    """In this order, each once; the organization of a role in a space is not shown."""
    given_zoe(foundation)
    listed = foundation.ask("GET", "/v3/roles?user_guids=zoe&include=space,organization,user").json()
    assert list(listed["included"]) == ["users", "organizations", "spaces"]
    assert {key: [each["guid"] for each in found] for key, found in listed["included"].items()} == {
        "users": ["zoe"],
        "organizations": ["acme"],
        "spaces": ["dev"],
    }
    role = next(each["guid"] for each in listed["resources"] if each["type"] == "space_manager")
    one = foundation.ask("GET", f"/v3/roles/{role}?include=organization,user").json()
    assert list(one)[-1] == "included"
    assert one["included"] == {"users": listed["included"]["users"], "organizations": []}


def test_a_user_sees_the_roles_of_where_they_may_read(foundation: Asking) -> None:
    """Of their organizations; of spaces, those that they may read."""

    def see(actor: str) -> set[str]:
        listed = foundation.ask("GET", "/v3/roles?per_page=500", actor=actor).json()["resources"]
        return {
            f"{each['relationships'][kind]['data']['guid']}"
            for each in listed
            for kind in ("organization", "space")
            if each["relationships"][kind]["data"]
        }

    expected = {
        "admin": {"acme", "dev", "far"},
        "developer": {"acme", "dev"},
        "org_manager": {"acme", "dev"},
        "org_user": {"acme"},
        "far_developer": {"far"},
        "stranger": set(),
    }
    assert {actor: see(actor) for actor in expected} == expected
    far = foundation.ask("GET", "/v3/roles?space_guids=far").json()["resources"][0]["guid"]
    assert error(foundation.ask("GET", f"/v3/roles/{far}", actor="developer")) == not_found("Role")


REFUSALS: dict[str, tuple[str, str]] = {
    "a parameter of users": (
        "/v3/users?x=1",
        "Unknown query parameter(s): 'x'. Valid parameters are: 'page', 'per_page', 'order_by', 'created_ats', "
        "'updated_ats', 'guids', 'usernames', 'partial_usernames', 'origins', 'label_selector'",
    ),
    "origins alone": (
        "/v3/users?origins=uaa",
        "Origins filter cannot be provided without usernames or partial_usernames filter.",
    ),
    "names and parts of names": (
        "/v3/users?usernames=a&partial_usernames=b",
        "Usernames filter cannot be provided with both usernames and partial_usernames filter.",
    ),
    "a parameter of roles": (
        "/v3/roles?x=1",
        "Unknown query parameter(s): 'x'. Valid parameters are: 'page', 'per_page', 'order_by', 'created_ats', "
        "'updated_ats', 'guids', 'organization_guids', 'space_guids', 'user_guids', 'types', 'include'",
    ),
    "an include of roles": (
        "/v3/roles?include=app",
        "Invalid included resource: 'app'. Valid included resources are: 'user', 'organization', 'space'",
    ),
    "the query before the role": (
        "/v3/roles/no?x=1",
        "Unknown query parameter(s): 'x'. Valid parameters are: 'include'",
    ),
}
"""Queries that are refused with 422, and without the words of a bad query."""


@pytest.mark.parametrize("row", REFUSALS)
def test_a_bad_query_is_refused_with_422(row: str, foundation: Asking) -> None:
    path, expected = REFUSALS[row]
    assert error(foundation.ask("GET", path)) == unprocessable(expected)


def test_a_user_ignores_the_query_and_nobody_has_an_unknown_guid(foundation: Asking) -> None:
    given_zoe(foundation)
    assert foundation.ask("GET", "/v3/users/zoe?x=1").status_code == 200
    assert error(foundation.ask("GET", "/v3/users/no")) == not_found("User")
    assert error(foundation.ask("GET", "/v3/roles/no")) == not_found("Role")
