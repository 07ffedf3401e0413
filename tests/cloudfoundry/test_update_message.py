"""What an update's body may hold, and what is said of one that may not.

Source: app/messages/process_update_message.rb, app/messages/validators/metadata_validator.rb and
app/messages/metadata_validator_helper.rb.
"""

import json
from typing import Any

import pytest

from tests.cloudfoundry.asking import FAILS, Asking, error, unprocessable

MOST = 2_147_483_647
COMMAND = "Command must be between 1 and 4096 characters"
TYPE = 'must be "port", "process", or "http"'
PATH = "endpoint must be a valid URI path"


LONGEST_PREFIX = ".".join(["a" * 61] * 4) + ".abcde"
"""253 signs."""


def label(key: str, value: Any = "v") -> dict[str, Any]:
    return {"metadata": {"labels": {key: value}}}


def annotation(key: str, value: Any = "v") -> dict[str, Any]:
    return {"metadata": {"annotations": {key: value}}}


def check(kind: str = "health_check", **data: Any) -> dict[str, Any]:
    return {kind: {"data": data}}


REFUSED: dict[str, tuple[Any, str]] = {
    "a command that is empty": ({"command": ""}, COMMAND),
    "a command of 4097 characters": ({"command": "x" * 4097}, COMMAND),
    "a command that is a number": ({"command": 5}, "Command must be a string"),
    "a command that is true": ({"command": True}, "Command must be a string"),
    "a command that is a list": ({"command": ["a"]}, "Command must be a string"),
    "a command that is an empty list": ({"command": []}, f"Command must be a string, {COMMAND}"),
    "a command that is an empty object": ({"command": {}}, f"Command must be a string, {COMMAND}"),
    "a user that is empty": ({"user": ""}, "User must be between 1 and 255 characters"),
    "a user of 256 characters": ({"user": "x" * 256}, "User must be between 1 and 255 characters"),
    "a user that is a number": ({"user": 5}, "User must be a string"),
    "a null type of health check": ({"health_check": {"type": None}}, f"Health check type {TYPE}"),
    "type none": ({"health_check": {"type": "none"}}, f"Health check type {TYPE}"),
    "a type in capitals": ({"health_check": {"type": "HTTP"}}, f"Health check type {TYPE}"),
    "a readiness type": ({"readiness_health_check": {"type": "x"}}, f"Readiness health check type {TYPE}"),
    "a timeout of zero": (check(timeout=0), "Health check timeout must be greater than or equal to 1"),
    "a timeout too large": (check(timeout=MOST + 1), f"Health check timeout must be less than or equal to {MOST}"),
    "a timeout with a fraction": (check(timeout=1.5), "Health check timeout must be an integer"),
    "a timeout in words": (check(timeout="soon"), "Health check timeout is not a number"),
    "an invocation timeout of zero": (
        check(invocation_timeout=0),
        "Health check invocation timeout must be greater than or equal to 1",
    ),
    "an interval that is a list": (check(interval=[]), "Health check interval is not a number"),
    "a readiness interval of zero": (
        check("readiness_health_check", interval=0),
        "Readiness health check interval must be greater than or equal to 1",
    ),
    "a readiness invocation timeout in words": (
        check("readiness_health_check", invocation_timeout="x"),
        "Readiness health check invocation timeout is not a number",
    ),
    "an endpoint without a slash": (check(endpoint="foo"), f"Health check {PATH}"),
    "an empty endpoint": (check(endpoint=""), f"Health check {PATH}"),
    "an endpoint with two slashes": (check(endpoint="//x"), f"Health check {PATH}"),
    "an endpoint with a blank": (check(endpoint="/a b"), f"Health check {PATH}"),
    "an endpoint that is a number": (check(endpoint=5), f"Health check {PATH}"),
    "an endpoint that is a list": (check(endpoint=["/x"]), f"Health check {PATH}"),
    "an endpoint too long": (
        check(endpoint="/" + "x" * 255),
        "Health check endpoint is too long (maximum is 255 characters)",
    ),
    "an endpoint too long and wrong": (
        check(endpoint="x" * 256),
        f"Health check endpoint is too long (maximum is 255 characters), Health check {PATH}",
    ),
    "a readiness endpoint": (check("readiness_health_check", endpoint="x"), f"Readiness health check {PATH}"),
    "null metadata": ({"metadata": None}, "Metadata must be an object"),
    "metadata that is a list": ({"metadata": []}, "Metadata must be an object"),
    "metadata that is a number": ({"metadata": 5}, "Metadata must be an object"),
    "unexpected fields of metadata": (
        {"metadata": {"foo": 1, "labels": {}, "bar": 2}},
        "Metadata has unexpected field(s): 'foo' 'bar'",
    ),
    "labels that are a list": ({"metadata": {"labels": []}}, "Metadata 'labels' is not an object"),
    "annotations that are a string": ({"metadata": {"annotations": "x"}}, "Metadata 'annotations' is not an object"),
    "an empty label key": (label(""), "Metadata label key error: key cannot be empty string"),
    "a blank label key": (label(" "), "Metadata label key error: key cannot be empty string"),
    "a label key with two slashes": (label("a.b/c/d"), "Metadata label key error: key has more than one '/'"),
    "a label prefix without a dot": (label("x/y"), "Metadata label key error: prefix 'x' must be in valid dns format"),
    "an empty label prefix": (label("/y"), "Metadata label key error: prefix '' must be in valid dns format"),
    "a label prefix with an underscore": (
        label("a_b.c/y"),
        "Metadata label key error: prefix 'a_b.c' must be in valid dns format",
    ),
    "a label prefix too long": (
        label(".".join(["abcdefgh"] * 30) + "/y"),
        "Metadata label key error: prefix 'abcdefgh...' is greater than 253 characters",
    ),
    "a reserved label prefix": (
        label("CloudFoundry.org/y"),
        "Metadata label key error: prefix 'cloudfoundry.org' is reserved",
    ),
    "a label key that is only a prefix": (label("x.y/"), "Metadata label key error: key cannot be empty string"),
    "a label key with a strange sign": (label("a b"), "Metadata label key error: 'a b' contains invalid characters"),
    "a label key beyond ASCII": (label("é"), "Metadata label key error: 'é' contains invalid characters"),
    "a label key that ends badly": (
        label("a-"),
        "Metadata label key error: 'a-' starts or ends with invalid characters",
    ),
    "a label key too long": (
        label("abcdefgh" * 8),
        "Metadata label key error: 'abcdefgh...' is greater than 63 characters",
    ),
    "a label key is judged though its value is null": (
        label("a b", None),
        "Metadata label key error: 'a b' contains invalid characters",
    ),
    "a label value with a strange sign": (
        label("a", "x y"),
        "Metadata label value error: 'x y' contains invalid characters",
    ),
    "a label value that begins badly": (
        label("a", "-x"),
        "Metadata label value error: '-x' starts or ends with invalid characters",
    ),
    "a label value too long": (
        label("a", "abcdefgh" * 8),
        "Metadata label value error: 'abcdefgh...' is greater than 63 characters",
    ),
    "a label value that is an object": (
        label("a", {}),
        "Metadata label value error: '{}' contains invalid characters",
    ),
    "a label value that is a list": (
        label("a", ["x"]),
        "Metadata label value error: '[\"x\"]' contains invalid characters",
    ),
    "a label with a bad key and a bad value": (
        label("a b", "-x"),
        "Metadata label key error: 'a b' contains invalid characters, "
        "Metadata label value error: '-x' starts or ends with invalid characters",
    ),
    "an annotation key": (annotation("a b"), "Metadata annotation key error: 'a b' contains invalid characters"),
    "an annotation value too long": (
        annotation("a", "abcdefghi" * 556),
        "Metadata annotation value error: 'abcdefgh...' is greater than 5000 characters",
    ),
    "all at once, in the message's order": (
        {
            "readiness_health_check": {"type": "x", "data": {"endpoint": "y", "interval": 0, "invocation_timeout": 0}},
            "health_check": {
                "type": "x",
                "data": {"endpoint": "y", "interval": 0, "invocation_timeout": 0, "timeout": 0},
            },
            "user": "",
            "command": "",
            "instances": 5,
            "metadata": {"foo": 1, "labels": 1, "annotations": 1},
        },
        "Metadata has unexpected field(s): 'foo', Metadata 'labels' is not an object, "
        "Metadata 'annotations' is not an object, Unknown field(s): 'instances', "
        f"{COMMAND}, User must be between 1 and 255 characters, Health check type {TYPE}, "
        "Health check timeout must be greater than or equal to 1, "
        "Health check invocation timeout must be greater than or equal to 1, "
        f"Health check interval must be greater than or equal to 1, Health check {PATH}, "
        f"Readiness health check type {TYPE}, "
        "Readiness health check invocation timeout must be greater than or equal to 1, "
        f"Readiness health check interval must be greater than or equal to 1, Readiness health check {PATH}",
    ),
    "an array as the body of an update": ([], "Unknown field(s): '_json'"),
    "null as the body of an update": ("null", "Unknown field(s): '_json'"),
}
"""A body, and the detail of the 422."""


@pytest.mark.parametrize("row", REFUSED)
def test_refused_updates_are_refused_in_the_real_words_and_change_nothing(row: str, foundation: Asking) -> None:
    body, detail = REFUSED[row]
    before = foundation.show().json()
    foundation.advance(10)
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    assert error(foundation.update(text=text.encode())) == unprocessable(detail)
    assert foundation.show().json() == before
    assert foundation.events == []


FAILING: dict[str, Any] = {
    "a health check that is a string": {"health_check": "http"},
    "a health check that is a number": {"health_check": 5},
    "a health check that is true": {"health_check": True},
    "a health check that is false": {"health_check": False},
    "a health check that is a list": {"health_check": []},
    "data of a health check that is a list": {"health_check": {"data": []}},
    "a readiness health check that is a string": {"readiness_health_check": "http"},
    "an annotation that is true": annotation("a", True),
    "an annotation that is a fraction": annotation("a", 1.5),
    "an annotation that is an object": annotation("a", {"b": 1}),
    "a failing shape beside other faults": {"command": 5, "health_check": 5},
}
"""Bodies that the real one's code does not expect."""


@pytest.mark.parametrize("row", FAILING)
def test_updates_that_fail_in_the_real_code_are_500_and_change_nothing(row: str, foundation: Asking) -> None:
    before = foundation.show().json()
    assert error(foundation.update(FAILING[row])) == FAILS
    assert foundation.show().json() == before


def checked(**data: Any) -> dict[str, Any]:
    return {"type": "port", "data": {"timeout": None, "invocation_timeout": None, "interval": None, **data}}


EFFECTS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "an empty object": ([{}], {}),
    "a command": ([{"command": "run"}], {"command": "run"}),
    "a null command shows what staging found": ([{"command": None}], {"command": "rackup"}),
    "a blank command shows what staging found": ([{"command": "  "}], {"command": "rackup"}),
    "a command of 4096 characters": ([{"command": "x" * 4096}], {"command": "x" * 4096}),
    "a blank command is that of the droplet": ([{"command": " "}], {"command": "rackup"}),
    "a user that is allowed": ([{"user": "ContainerUser"}], {"user": "ContainerUser"}),
    "a user in another case": ([{"user": "VCAP"}], {"user": "VCAP"}),
    "a blank user shows the usual one": ([{"user": " "}], {"user": "vcap"}),
    "a null user shows the usual one": ([{"user": "TestUser"}, {"user": None}], {"user": "vcap"}),
    "a null health check": ([{"health_check": None}], {}),
    "an empty health check": ([{"health_check": {}}], {}),
    "a health check with unknown keys": ([{"health_check": {"foo": 1, "data": {"bar": 2}}}], {}),
    "null data of a health check": ([{"health_check": {"data": None}}], {}),
    "a timeout is stored": ([check(timeout=60)], {"health_check": checked(timeout=60)}),
    "a numeric string of a timeout is its number": ([check(timeout="60")], {"health_check": checked(timeout=60)}),
    "a null timeout clears it": ([check(timeout=60), check(timeout=None)], {}),
    "all data of a health check": (
        [check(timeout=1, invocation_timeout=2, interval=3)],
        {"health_check": checked(timeout=1, invocation_timeout=2, interval=3)},
    ),
    "a type and its endpoint": (
        [{"health_check": {"type": "http", "data": {"endpoint": "/ok?x=1#f"}}}],
        {"health_check": {**checked(endpoint="/ok?x=1#f"), "type": "http"}},
    ),
    "an endpoint without a type is kept, and shown once the type is http": (
        [check(endpoint="/é"), {"health_check": {"type": "http"}}],
        {"health_check": {**checked(endpoint="/é"), "type": "http"}},
    ),
    "an endpoint is kept for a type that does not show it": ([check(endpoint="/")], {}),
    "another type takes the endpoint away": (
        [
            {"health_check": {"type": "http", "data": {"endpoint": "/x"}}},
            {"health_check": {"type": "process", "data": {"endpoint": "/y"}}},
        ],
        {"health_check": {**checked(), "type": "process"}},
    ),
    "one line of an endpoint is enough": ([check(endpoint="x y\n/ok")], {}),
    "a readiness timeout is ignored unchecked": ([check("readiness_health_check", timeout="x")], {}),
    "a readiness check": (
        [
            {
                "readiness_health_check": {
                    "type": "http",
                    "data": {"invocation_timeout": 2, "interval": 3, "endpoint": "/ready"},
                }
            }
        ],
        {
            "readiness_health_check": {
                "type": "http",
                "data": {"invocation_timeout": 2, "interval": 3, "endpoint": "/ready"},
            }
        },
    ),
    "labels and annotations": (
        [{"metadata": {"labels": {"a": "b", "x.y/c": ""}, "annotations": {"n": "ü"}}}],
        {"metadata": {"labels": {"a": "b", "x.y/c": ""}, "annotations": {"n": "ü"}}},
    ),
    "labels are merged in the order of their first setting": (
        [
            {"metadata": {"labels": {"a": "1", "b": "2", "c": "3"}}},
            {"metadata": {"labels": {"c": "4", "a": None, "d": "5"}}},
        ],
        {"metadata": {"labels": {"b": "2", "c": "4", "d": "5"}, "annotations": {}}},
    ),
    "the longest names, values and prefix": (
        [label(LONGEST_PREFIX + "/" + "a" * 63, "b" * 63), annotation("n", "x" * 5000)],
        {
            "metadata": {
                "labels": {LONGEST_PREFIX + "/" + "a" * 63: "b" * 63},
                "annotations": {"n": "x" * 5000},
            }
        },
    ),
    "names and values of one sign": (
        [label("a", "b"), annotation("c", "d")],
        {"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}},
    ),
    "labels that are false": ([{"metadata": {"labels": False, "annotations": False}}], {}),
    "a null label that is not there": ([label("a", None)], {}),
    "null labels": ([{"metadata": {"labels": None, "annotations": None}}], {}),
    "numbers and booleans are labels as text": (
        [{"metadata": {"labels": {"i": 1, "f": 1.5, "t": True, "n": False}}}],
        {"metadata": {"labels": {"i": "1", "f": "1.5", "t": "true", "n": "false"}, "annotations": {}}},
    ),
    "an integer is an annotation as text": (
        [annotation("a", 7)],
        {"metadata": {"labels": {}, "annotations": {"a": "7"}}},
    ),
    "an annotation key is not judged where the value is empty": (
        [annotation("a b", "")],
        {"metadata": {"labels": {}, "annotations": {"a b": ""}}},
    ),
    "an annotation key is not judged where the value is blank": (
        [annotation("a b", " ")],
        {"metadata": {"labels": {}, "annotations": {"a b": " "}}},
    ),
    "a sub-domain of the reserved prefix": (
        [label("apps.cloudfoundry.org/x")],
        {"metadata": {"labels": {"apps.cloudfoundry.org/x": "v"}, "annotations": {}}},
    ),
}
"""Updates one after the other, and what is shown of the web process in the end."""


@pytest.mark.parametrize("row", EFFECTS)
def test_updates_change_what_they_name_and_keep_the_rest(row: str, foundation: Asking) -> None:
    bodies, shown = EFFECTS[row]
    before = foundation.show().json()
    foundation.advance(10)
    for body in bodies:
        answer = foundation.update(body)
        assert answer.status_code == 200, answer.text
    after = answer.json()
    assert after.pop("updated_at") != before.pop("updated_at")
    assert after == {**before, **shown}
    assert after["version"] == before["version"]


MODEL: dict[str, tuple[Any, str]] = {
    "a timeout beyond the platform's": (check(timeout=181), "health_check_timeout Maximum exceeded: max 180s"),
    "type http without an endpoint": (
        {"health_check": {"type": "http"}},
        "health_check_http_endpoint HTTP health check endpoint is not a valid URI path: ",
    ),
    "readiness type http without an endpoint": (
        {"readiness_health_check": {"type": "http"}},
        "readiness_health_check_http_endpoint HTTP readiness health check endpoint is not a valid URI path: ",
    ),
    "a user that is not allowed": (
        {"user": "root"},
        "user invalid (requested user 'root' not allowed, permitted users are: 'vcap', 'ContainerUser', 'TestUser')",
    ),
    "what the model minds, in the order of its columns": (
        {"user": "root", "health_check": {"type": "http", "data": {"timeout": 999}}},
        "health_check_timeout Maximum exceeded: max 180s, "
        "health_check_http_endpoint HTTP health check endpoint is not a valid URI path: , "
        "user invalid (requested user 'root' not allowed, permitted users are: 'vcap', 'ContainerUser', 'TestUser')",
    ),
}


@pytest.mark.parametrize("row", MODEL)
def test_what_the_model_minds_is_told_in_the_databases_words(row: str, foundation: Asking) -> None:
    body, detail = MODEL[row]
    before = foundation.show().json()
    assert error(foundation.update(body)) == unprocessable(detail)
    assert foundation.show().json() == before


def test_more_than_fifty_labels_are_refused_and_none_is_kept(foundation: Asking) -> None:
    many = {f"k{number}": "v" for number in range(51)}
    words = "Failed to add 51 labels because it would exceed maximum of 50"
    answer = foundation.update({"command": "x", "metadata": {"labels": many}})
    assert error(answer) == (422, "CF-LabelLimitExceeded", words, 390020)
    assert foundation.show().json()["metadata"]["labels"] == {}
    assert foundation.show().json()["command"] == "secret"
    foundation.update({"metadata": {"labels": dict(list(many.items())[:50])}})
    again = foundation.update({"metadata": {"labels": {"k1": None, "new": "v", "newer": "v"}}})
    assert error(again)[2] == "Failed to add 3 labels because it would exceed maximum of 50"
    assert foundation.update({"metadata": {"labels": {"k1": None, "new": "v"}}}).status_code == 200


def test_more_than_two_hundred_annotations_are_refused(foundation: Asking) -> None:
    many = {f"k{number}": "v" for number in range(201)}
    words = "Failed to add 201 annotations because it would exceed maximum of 200"
    answer = foundation.update({"metadata": {"annotations": many}})
    assert error(answer) == (422, "CF-AnnotationLimitExceeded", words, 390023)
    assert foundation.show().json()["metadata"]["annotations"] == {}
