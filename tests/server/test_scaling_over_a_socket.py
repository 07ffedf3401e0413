"""The main job, over a real socket: a scale is validated by the contract, changes the world, and says why."""

import pytest

from tests import plain_http
from tests.serving import WEB, Serving

SCALE = f"/v3/processes/{WEB}/actions/scale"


def error(title: str, code: int, detail: str) -> dict[str, object]:
    return {"errors": [{"detail": detail, "title": title, "code": code}]}


def test_a_scale_is_kept(server: Serving) -> None:
    answer = server.scale({"instances": 3, "memory_in_mb": 128})
    assert answer.status_code == 202
    assert answer.headers["x-mock-why"] == "world: process scaled"
    kept = server.client.get(f"/v3/processes/{WEB}").json()
    assert (kept["instances"], kept["memory_in_mb"]) == (3, 128)
    assert len(server.client.get(f"/v3/processes/{WEB}/stats").json()["resources"]) == 3


def test_a_refused_scale_changes_nothing(server: Serving) -> None:
    before = server.client.get(f"/v3/processes/{WEB}").json()
    assert server.scale({"instances": 3, "memory_in_mb": -1}).status_code == 422
    assert server.client.get(f"/v3/processes/{WEB}").json() == before


UNPROCESSABLE = ("CF-UnprocessableEntity", 10008)


@pytest.mark.parametrize(
    ("body", "detail", "why"),
    [
        ({"instances": -1}, "Instances must be greater than or equal to 0", "contract: body /instances minimum 0"),
        ({"memory_in_mb": "big"}, "Memory in mb is not a number", "contract: body /memory_in_mb type"),
        ({"x": 1}, "Unknown field(s): 'x'", "contract: body / additionalProperties"),
        ({"x": 1, "instances": 1.5}, "Unknown field(s): 'x', Instances must be an integer", "contract: body"),
        ([{}], "Unknown field(s): '_json'", "contract: body / type"),
        ("5", "Unknown field(s): '_json'", "contract: body / type"),
    ],
)
def test_a_body_that_the_contract_does_not_allow_is_422(server: Serving, body: object, detail: str, why: str) -> None:
    answer = server.scale(body)
    assert answer.status_code == 422
    assert answer.json() == error(*UNPROCESSABLE, detail)
    assert answer.headers["x-mock-why"].startswith(why)


def test_a_body_that_is_not_json_is_400(server: Serving) -> None:
    answer = server.client.post(SCALE, content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json() == error(
        "CF-MessageParseError", 1001, "Request invalid due to parse error: invalid request body"
    )


def test_a_process_that_is_not_there_is_404(server: Serving) -> None:
    answer = server.scale({"instances": 1}, guid="nobody")
    assert answer.status_code == 404
    assert answer.json() == error("CF-ResourceNotFound", 10010, "Process not found")


def test_a_route_that_is_not_there_is_404_even_without_a_token(server: Serving) -> None:
    for method, path in (("GET", "/v3/unknown"), ("PUT", "/v3/processes"), ("GET", "/v4"), ("OPTIONS", SCALE)):
        answer = plain_http.request(method, server.url + path)
        assert answer.status_code == 404, path
        assert answer.json() == error("CF-NotFound", 10000, "Unknown request")


def test_what_the_real_one_accepts_against_the_contract_is_told(server: Serving) -> None:
    answer = server.scale({"instances": "2"})
    assert answer.status_code == 202
    assert answer.json()["instances"] == 2
    assert answer.headers["x-mock-contract"] == 'body /instances: "2" is not an integer'


def test_strict_refuses_what_the_contract_does_not_allow(serve: object) -> None:
    server: Serving = serve(strict=True)  # type: ignore[operator]
    answer = server.scale({"instances": "2"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["detail"] == "Instances is not a number"


def test_the_id_of_a_request_is_given_back_with_its_own(server: Serving) -> None:
    given = server.client.get("/v3/processes", headers={"X-Vcap-Request-Id": "mine/../1"}).headers
    assert given["x-vcap-request-id"].startswith("mine1::")
    assert len(server.client.get("/v3/nothing").headers["x-vcap-request-id"]) == 36
