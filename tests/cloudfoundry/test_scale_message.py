"""What a scale's body may hold, and what is said of one that may not. Source: app/messages/process_scale_message.rb."""

from typing import Any

import pytest

from mockfoundry.documents.times import format_moment
from tests.cloudfoundry.asking import FAILS, WEB, Asking, error, not_found, unprocessable

MOST = 2_147_483_647
MOST_LONG = 9_223_372_036_854_775_807

ACCEPTED: dict[str, tuple[str, dict[str, Any]]] = {
    "an empty object changes nothing": ("{}", {}),
    "no body changes nothing": ("", {}),
    "a number is stored": ('{"instances": 5}', {"instances": 5}),
    "instances may be zero": ('{"instances": 0}', {"instances": 0}),
    "minus zero is zero": ('{"instances": -0}', {"instances": 0}),
    "a numeric string is its number": ('{"instances": "5"}', {"instances": 5}),
    "a numeric string may have a sign": ('{"instances": "+5"}', {"instances": 5}),
    "a numeric string may begin with zeros": ('{"instances": "010"}', {"instances": 10}),
    "a numeric string of minus zero is zero": ('{"instances": "-0"}', {"instances": 0}),
    "memory and disk": ('{"memory_in_mb": 128, "disk_in_mb": 512}', {"memory_in_mb": 128, "disk_in_mb": 512}),
    "a log rate": ('{"log_rate_limit_in_bytes_per_second": 7}', {"log_rate_limit_in_bytes_per_second": 7}),
    "an unlimited log rate": ('{"log_rate_limit_in_bytes_per_second": -1}', {"log_rate_limit_in_bytes_per_second": -1}),
    "a null log rate is ignored": ('{"log_rate_limit_in_bytes_per_second": null}', {}),
    "of repeated keys the last counts": ('{"instances": 3, "instances": 4}', {"instances": 4}),
    "an escaped key is the same key": ('{"inst\\u0061nces": 4}', {"instances": 4}),
    "a body inside the body counts": ('{"body": {"instances": 4}}', {"instances": 4}),
    "a null body inside the body changes nothing": ('{"body": null}', {}),
    "nor does one that is false": ('{"body": false}', {}),
    "beside a body inside the body nothing counts": (
        '{"body": {"instances": 4}, "instances": 9, "x": 1}',
        {"instances": 4},
    ),
    "rails drops its own keys": (
        '{"utf8": 1, "_method": "x", "authenticity_token": 2, "instances": 4}',
        {"instances": 4},
    ),
}
"""A body, and what it changes of the web process of two instances."""


@pytest.mark.parametrize("row", ACCEPTED)
def test_accepted_bodies_change_what_they_name(row: str, foundation: Asking) -> None:
    text, changed = ACCEPTED[row]
    before = foundation.show().json()
    answer = foundation.scale(text=text)
    assert answer.status_code == 202
    moved = {"updated_at": format_moment(foundation.now)}
    assert answer.json() == {**before, **moved, **changed}
    assert foundation.show().json() == answer.json()


NOT_A_NUMBER = "Instances is not a number"
NOT_AN_INTEGER = "Instances must be an integer"

REFUSED: dict[str, tuple[str, str]] = {
    "a fraction": ('{"instances": 1.5}', NOT_AN_INTEGER),
    "a float without a fraction": ('{"instances": 5.0}', NOT_AN_INTEGER),
    "an exponent": ('{"instances": 1e2}', NOT_AN_INTEGER),
    "minus zero as a float": ('{"instances": -0.0}', NOT_AN_INTEGER),
    "a float beyond all floats": ('{"instances": 1e400}', NOT_AN_INTEGER),
    "a numeric string with a fraction": ('{"instances": "5.5"}', NOT_AN_INTEGER),
    "a numeric string with blanks": ('{"instances": " 5"}', NOT_AN_INTEGER),
    "a numeric string with a line end": ('{"instances": "5\\n"}', NOT_AN_INTEGER),
    "a numeric string that begins with a point": ('{"instances": ".5"}', NOT_AN_INTEGER),
    "a numeric string with an exponent": ('{"instances": "1e3"}', NOT_AN_INTEGER),
    "a numeric string with a great exponent": ('{"instances": "1e400"}', NOT_AN_INTEGER),
    "a numeric string with an underscore": ('{"instances": "1_000"}', NOT_AN_INTEGER),
    "a numeric string with two underscores": ('{"instances": "1__0"}', NOT_A_NUMBER),
    "a numeric string that ends with a point": ('{"instances": "5."}', NOT_A_NUMBER),
    "an empty string": ('{"instances": ""}', NOT_A_NUMBER),
    "blanks": ('{"instances": "  "}', NOT_A_NUMBER),
    "a word": ('{"instances": "abc"}', NOT_A_NUMBER),
    "a hexadecimal string": ('{"instances": "0x10"}', NOT_A_NUMBER),
    "a binary string": ('{"instances": "0b11"}', NOT_A_NUMBER),
    "an octal string": ('{"instances": "0o7"}', NOT_A_NUMBER),
    "the word infinity": ('{"instances": "Infinity"}', NOT_A_NUMBER),
    "digits of another script": ('{"instances": "٥"}', NOT_A_NUMBER),
    "true": ('{"instances": true}', NOT_A_NUMBER),
    "false": ('{"instances": false}', NOT_A_NUMBER),
    "a list": ('{"instances": [5]}', NOT_A_NUMBER),
    "an object": ('{"instances": {}}', NOT_A_NUMBER),
    "too few instances": ('{"instances": -1}', "Instances must be greater than or equal to 0"),
    "too few instances in a string": ('{"instances": "-1"}', "Instances must be greater than or equal to 0"),
    "too many instances": (f'{{"instances": {MOST + 1}}}', f"Instances must be less than or equal to {MOST}"),
    "a number of 27 digits": (f'{{"instances": {"9" * 27}}}', f"Instances must be less than or equal to {MOST}"),
    "a string of 5000 digits": (f'{{"instances": "{"9" * 5000}"}}', f"Instances must be less than or equal to {MOST}"),
    "no memory": ('{"memory_in_mb": 0}', "Memory in mb must be greater than 0"),
    "too much memory": (f'{{"memory_in_mb": {MOST + 1}}}', f"Memory in mb must be less than or equal to {MOST}"),
    "memory in words": ('{"memory_in_mb": "1 GB"}', "Memory in mb is not a number"),
    "no disk": ('{"disk_in_mb": 0}', "Disk in mb must be greater than 0"),
    "too much disk": (f'{{"disk_in_mb": {MOST + 1}}}', f"Disk in mb must be less than or equal to {MOST}"),
    "too low a log rate": (
        '{"log_rate_limit_in_bytes_per_second": -2}',
        "Log rate limit in bytes per second must be greater than or equal to -1",
    ),
    "too high a log rate": (
        f'{{"log_rate_limit_in_bytes_per_second": {MOST_LONG + 1}}}',
        f"Log rate limit in bytes per second must be less than or equal to {MOST_LONG}",
    ),
    "unknown fields, in their order": ('{"b": 1, "instances": 2, "a": 2}', "Unknown field(s): 'b', 'a'"),
    "unknown fields are not escaped": ('{"c\'d": 1, "": 2}', "Unknown field(s): 'c'd', ''"),
    "parameters of the route are unknown fields": ('{"type": "web", "index": 1}', "Unknown field(s): 'type', 'index'"),
    "null": ("null", "Unknown field(s): '_json'"),
    "a number": ("5", "Unknown field(s): '_json'"),
    "a string": ('"5"', "Unknown field(s): '_json'"),
    "a boolean": ("true", "Unknown field(s): '_json'"),
    "an array": ("[]", "Unknown field(s): '_json'"),
    "an array of objects": ('[{"instances": 5}]', "Unknown field(s): '_json'"),
    "all at once, in the message's order": (
        '{"log_rate_limit_in_bytes_per_second": "x", "disk_in_mb": 0, "memory_in_mb": 1.5, "instances": -1, "x": 1}',
        "Unknown field(s): 'x', Instances must be greater than or equal to 0, Memory in mb must be an integer, "
        "Disk in mb must be greater than 0, Log rate limit in bytes per second is not a number",
    ),
}
"""A body, and the detail of the 422."""


@pytest.mark.parametrize("row", REFUSED)
def test_refused_bodies_are_refused_in_rails_words_and_change_nothing(row: str, foundation: Asking) -> None:
    text, detail = REFUSED[row]
    before = foundation.show().json()
    foundation.advance(10)
    assert error(foundation.scale(text=text)) == unprocessable(detail)
    assert foundation.show().json() == before
    assert foundation.events == []


FAILING: dict[str, str] = {
    "null instances": '{"instances": null}',
    "null memory": '{"memory_in_mb": null}',
    "null memory beside a good number": '{"instances": 3, "memory_in_mb": null}',
    "a number as the body inside the body": '{"body": 5}',
    "an array as the body inside the body": '{"body": []}',
    "true as the body inside the body": '{"body": true}',
}
"""Bodies that pass the message and fail in the real one's code."""


@pytest.mark.parametrize("row", FAILING)
def test_bodies_that_fail_in_the_model_are_500_and_change_nothing(row: str, foundation: Asking) -> None:
    before = foundation.show().json()
    assert error(foundation.scale(text=FAILING[row])) == FAILS
    assert foundation.show().json() == before


UNREADABLE: dict[str, str] = {
    "blanks only": "  ",
    "half a word": "nul",
    "a trailing comma": '{"instances": 5,}',
    "trailing text": '{"instances": 5} x',
    "single quotes": "{'instances': 5}",
    "bare keys": "{instances: 5}",
    "not a number": '{"instances": NaN}',
    "infinity": '{"instances": Infinity}',
    "a plus sign": '{"instances": +1}',
    "a leading zero": '{"instances": 01}',
    "unterminated": '{"instances": 5',
}


@pytest.mark.parametrize("row", UNREADABLE)
def test_bodies_that_are_not_json_are_400(row: str, foundation: Asking) -> None:
    answer = foundation.scale(text=UNREADABLE[row])
    words = "Request invalid due to parse error: invalid request body"
    assert error(answer) == (400, "CF-MessageParseError", words, 1001)


def test_a_null_disk_is_shown_once_and_then_filled_in(foundation: Asking) -> None:
    assert foundation.scale(text='{"disk_in_mb": null}').json()["disk_in_mb"] is None
    assert foundation.show().json()["disk_in_mb"] == 1024


def test_an_app_guid_in_the_body_makes_the_route_one_of_an_app(foundation: Asking) -> None:
    nowhere = foundation.scale({"app_guid": "nowhere", "instances": 3})
    assert error(nowhere)[:3] == (404, "CF-ResourceNotFound", "App not found")
    untyped = foundation.scale({"app_guid": "dora", "instances": 3})
    assert error(untyped)[:3] == (404, "CF-ResourceNotFound", "Process not found")
    typed = foundation.scale({"app_guid": "dora", "type": "worker", "instances": 3})
    assert error(typed) == unprocessable("Unknown field(s): 'app_guid', 'type'")


NO_APP = not_found("App")
OVERRIDES: dict[str, tuple[Any, tuple[int, str, str, int]]] = {
    "null": (None, unprocessable("Unknown field(s): 'app_guid'")),
    "false": (False, unprocessable("Unknown field(s): 'app_guid'")),
    "an empty list": ([], unprocessable("Unknown field(s): 'app_guid'")),
    "an empty mapping": ({}, unprocessable("Unknown field(s): 'app_guid'")),
    "an empty text": ("", unprocessable("Unknown field(s): 'app_guid'")),
    "blanks": (" ", unprocessable("Unknown field(s): 'app_guid'")),
    "a number": (0, NO_APP),
    "true": (True, NO_APP),
    "a list": (["dora"], NO_APP),
}
"""An app_guid in a body, and what is answered: where it is blank, the route is that of the process."""


@pytest.mark.parametrize("row", OVERRIDES)
def test_a_blank_app_guid_in_the_body_leaves_the_route_as_it_is(row: str, foundation: Asking) -> None:
    value, answered = OVERRIDES[row]
    assert error(foundation.scale({"app_guid": value, "instances": 3}, documented=False)) == answered


@pytest.mark.parametrize(("query", "status"), [("?app_guid=", 202), ("?app_guid=%20", 202), ("?app_guid=nothing", 404)])
def test_an_app_guid_in_the_query_counts_where_the_body_has_none(query: str, status: int, foundation: Asking) -> None:
    path = f"/v3/processes/{WEB}/actions/scale"
    assert foundation.ask("POST", path + query, {"instances": 3}, documented=False).status_code == status
    assert foundation.ask("POST", path + query, documented=False).status_code == status
    blank = foundation.ask("POST", path + query, {"app_guid": "", "instances": 3}, documented=False)
    assert error(blank) == unprocessable("Unknown field(s): 'app_guid'")


def test_what_the_real_one_takes_against_the_contract_is_told(foundation: Asking) -> None:
    answer = foundation.scale({"instances": "3"})
    assert "/instances" in answer.headers["X-Mock-Contract"]
    assert "X-Mock-Contract" not in foundation.scale({"instances": 3}).headers


def test_strict_mode_refuses_what_the_real_one_takes_against_the_contract(serve: Any) -> None:
    server = serve(strict=True)
    assert server.scale({"instances": "3"}).status_code == 422
    assert server.client.get(f"/v3/processes/{server_web(server)}").json()["instances"] == 1


def server_web(server: Any) -> str:
    return str(server.client.get("/v3/processes?types=web").json()["resources"][0]["guid"])
