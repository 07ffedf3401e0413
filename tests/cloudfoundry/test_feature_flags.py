"""Feature flags: shown, listed and set by the API, and what a flag means for what is scaled then.

Source: app/controllers/v3/feature_flags_controller.rb, app/fetchers/feature_flag_list_fetcher.rb,
app/messages/feature_flags_update_message.rb and lib/cloud_controller/paging/list_paginator.rb.
"""

import json
from typing import Any

import pytest

from tests.cloudfoundry.asking import NOT_AUTHORIZED, Asking, bad_query, error, not_found, unprocessable

SCALING = "/v3/feature_flags/app_scaling"

FLAGS = {
    "app_bits_upload": True,
    "app_scaling": True,
    "diego_cnb": False,
    "diego_docker": False,
    "env_var_visibility": True,
    "hash_based_routing": False,
    "hide_marketplace_from_unauthenticated_users": False,
    "private_domain_creation": True,
    "resource_matching": True,
    "route_creation": True,
    "route_sharing": False,
    "service_instance_creation": True,
    "service_instance_sharing": False,
    "set_roles_by_username": True,
    "space_developer_env_var_visibility": True,
    "space_scoped_private_broker_creation": True,
    "task_creation": True,
    "unset_roles_by_username": True,
    "user_org_creation": False,
}
"""All of them, in the order of the list, with what they are unless somebody sets them."""


def test_all_flags_are_listed_by_name_for_everybody(foundation: Asking) -> None:
    for actor in ("admin", "developer", "stranger"):
        listed = foundation.ask("GET", "/v3/feature_flags", actor=actor).json()["resources"]
        assert list({each["name"]: each["enabled"] for each in listed}.items()) == list(FLAGS.items())
        assert {each["updated_at"] for each in listed} == {None}


def test_a_flag_has_these_keys_in_this_order(foundation: Asking) -> None:
    shown = foundation.ask("GET", SCALING, actor="stranger").json()
    expected = {
        "name": "app_scaling",
        "enabled": True,
        "updated_at": None,
        "custom_error_message": None,
        "links": {"self": {"href": f"{foundation.server.url}{SCALING}"}},
    }
    assert json.dumps(shown) == json.dumps(expected)


def test_an_admin_sets_a_flag_and_its_message(foundation: Asking) -> None:
    """What is not named stays; the next scale is refused in these words; the time is when it was set."""
    foundation.advance(3600)
    shown = foundation.ask("PATCH", SCALING, {"enabled": False}).json()
    assert (shown["enabled"], shown["custom_error_message"]) == (False, None)
    assert shown["updated_at"] is not None
    refused = (403, "CF-FeatureDisabled", "Feature Disabled: app_scaling", 330002)
    assert error(foundation.scale({"instances": 3}, actor="developer")) == refused
    shown = foundation.ask("PATCH", SCALING, {"custom_error_message": "use the portal"}).json()
    assert (shown["enabled"], shown["custom_error_message"]) == (False, "use the portal")
    refused = (403, "CF-FeatureDisabled", "Feature Disabled: use the portal", 330002)
    assert error(foundation.scale({"instances": 3}, actor="developer")) == refused
    assert foundation.ask("GET", SCALING).json() == shown
    foundation.ask("PATCH", SCALING, {"enabled": True, "custom_error_message": None})
    assert foundation.scale({"instances": 3}, actor="developer").status_code == 202


def test_filters_by_time_show_only_flags_that_were_set(foundation: Asking) -> None:
    """Even one that lets every time through; nothing is ever created at a time."""
    foundation.ask("PATCH", SCALING, {})
    listed = foundation.ask("GET", "/v3/feature_flags?updated_ats[lt]=2999-01-01T00:00:00Z").json()
    assert [each["name"] for each in listed["resources"]] == ["app_scaling"]
    answer = foundation.ask("GET", "/v3/feature_flags?created_ats[lt]=2999-01-01T00:00:00Z", documented=False)
    assert error(answer) == bad_query("Filtering by 'created_ats' is not allowed on this resource.")


def test_a_page_beyond_the_end_still_counts_all(foundation: Asking) -> None:
    """They are not counted by the database."""
    shown = foundation.ask("GET", "/v3/feature_flags?page=9&per_page=5").json()
    assert (shown["resources"], shown["pagination"]["total_results"]) == ([], 19)
    assert shown["pagination"]["total_pages"] == 4


def test_guids_narrow_nothing(foundation: Asking) -> None:
    """Every list takes them, and flags have none."""
    answer = foundation.ask("GET", "/v3/feature_flags?guids=x", documented=False)
    assert answer.json()["pagination"]["total_results"] == 19


@pytest.mark.parametrize("order", ["created_at", "updated_at", "enabled"])
def test_flags_are_sorted_by_name_only(order: str, foundation: Asking) -> None:
    answer = foundation.ask("GET", f"/v3/feature_flags?order_by={order}", documented=False)
    assert error(answer) == bad_query("Order by can only be: 'name'")


MESSAGES: dict[str, tuple[Any, str]] = {
    "an unknown field": ({"on": True, "enabled": 1}, "Unknown field(s): 'on', Enabled must be a boolean"),
    "null": ({"enabled": None}, "Enabled must be a boolean"),
    "a message that is no text": ({"custom_error_message": 5}, "Custom error message must be a string"),
    "an empty message": (
        {"custom_error_message": ""},
        "Custom error message is too short (minimum is 1 character)",
    ),
    "a long message": (
        {"custom_error_message": "x" * 251},
        "Custom error message is too long (maximum is 250 characters)",
    ),
    "bad metadata, which is ignored otherwise": ({"metadata": 1}, "Metadata must be an object"),
}


@pytest.mark.parametrize("row", MESSAGES)
def test_a_bad_message_is_refused_with_every_error(row: str, foundation: Asking) -> None:
    body, expected = MESSAGES[row]
    assert error(foundation.ask("PATCH", SCALING, body)) == unprocessable(expected)
    assert foundation.ask("GET", SCALING).json()["updated_at"] is None


def test_an_unknown_flag_comes_before_the_permission_and_that_before_the_message(foundation: Asking) -> None:
    for actor in ("admin", "developer"):
        answer = foundation.ask("PATCH", "/v3/feature_flags/nope", {"on": True}, actor=actor)
        assert error(answer) == not_found("Feature flag")
    for actor in ("developer", "org_manager", "stranger"):
        assert error(foundation.ask("PATCH", SCALING, {"on": True}, actor=actor)) == NOT_AUTHORIZED
    assert error(foundation.ask("GET", "/v3/feature_flags/nope")) == not_found("Feature flag")


def test_a_flag_that_was_set_is_exported_with_its_time(foundation: Asking) -> None:
    """A flag that only a seed or a scenario set has none."""
    foundation.given(feature_flags={"diego_docker": True})
    shown = foundation.ask("PATCH", SCALING, {"enabled": False}).json()
    state = foundation.server.client.get(f"/__mock/foundations/{foundation.name}/state").json()["feature_flags"]
    assert state["diego_docker"] is True
    assert {**state["app_scaling"], "updated_at": shown["updated_at"]} == {
        "enabled": False,
        "error_message": None,
        "updated_at": shown["updated_at"],
    }
