"""docs/clients/recipes.md: its files are right, and what stands in place of the fakes does what the page says."""

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from mockfoundry.shipped import list_library_files
from tests import plain_http
from tests.command_line import run_here
from tests.serving import Serving

PAGE = (Path(__file__).parents[2] / "docs" / "clients" / "recipes.md").read_text(encoding="utf-8")
FILES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
AUTOSCALER_SEED, CLI_SEED, ROOT_SCENARIO = FILES

APP = "3d2c35b6-6a1c-4d5e-9d0b-0c7f4dbf6a11"
INSTANCE = "0f1f3c5e-2b7c-4a53-8d57-6b0c2c1f9b33"
WEB = "9f0a8c1e-54a4-4cf3-8f0e-5c5b5f1d7a22"


@pytest.mark.parametrize("text", FILES, ids=lambda text: text.partition(":")[0])
def test_its_files_are_right(tmp_path: Path, text: str) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(text)
    assert run_here("check", str(file)).stdout == "1 file is right\n"


def test_the_scenarios_that_it_names_are_in_the_library() -> None:
    (row,) = re.findall(r"`foundation\.Play\(\"conflict-then-ok\"\)`.*", PAGE)
    named = {*re.findall(r"Play\(\"([a-z-]+)\"\)", PAGE), *re.findall(r"`\"([a-z-]+)\"`", row)}
    assert named <= list_library_files().keys()
    assert len(named) == 6


def bearer(server: Serving, user: str) -> dict[str, str]:
    answer = server.client.post("/__mock/foundations/default/tokens", json={"user": user})
    return {"Authorization": f"bearer {answer.json()['access_token']}"}


def log_in_as_client(server: Serving, secret: str) -> httpx.Response:
    """As the engine does: with its own id and secret, where the root document says that UAA is."""
    uaa = server.client.get("/").json()["links"]["uaa"]["href"]
    return plain_http.post(
        f"{uaa}/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=("autoscaler_client_id", secret),
    )


@pytest.fixture
def engine(serve: Callable[..., Serving]) -> Serving:
    """A server with the autoscaler's seed, and a client of it that has logged in."""
    server = serve(seed=AUTOSCALER_SEED)
    token = log_in_as_client(server, "autoscaler_client_secret").json()["access_token"]
    server.client.headers["Authorization"] = f"bearer {token}"
    return server


def test_the_autoscaler_finds_and_scales_the_app(engine: Serving) -> None:
    """In place of GetApp, GetAppProcesses and ScaleAppWebProcess; and what no fake says: how many there are then."""
    assert engine.client.get(f"/v3/apps/{APP}").json()["state"] == "STARTED"
    listed = engine.client.get(f"/v3/apps/{APP}/processes").json()
    assert listed["pagination"]["total_results"] == 1
    assert [(each["guid"], each["instances"]) for each in listed["resources"]] == [(WEB, 2)]
    scaled = engine.scale({"instances": 5}, guid=WEB)
    assert (scaled.status_code, scaled.json()["instances"]) == (202, 5)
    assert engine.client.get(f"/v3/processes/{WEB}").json()["instances"] == 5
    refused = engine.scale({"instances": 11}, guid=WEB)
    assert (refused.status_code, refused.json()["errors"][0]["detail"]) == (
        422,
        "app_instance_limit app_instance_limit_exceeded",
    )


def test_who_asks_matters(engine: Serving) -> None:
    """In place of the statuses that GetApp, Roles and UserInfo are given; and of OauthToken, which takes any secret."""
    assert log_in_as_client(engine, "another").status_code == 401
    for user, status in (("developer", 202), ("stranger", 404)):
        assert engine.scale({"instances": 3}, guid=WEB, headers=bearer(engine, user)).status_code == status
    developer = bearer(engine, "developer")
    user_id = engine.client.get("/userinfo", headers=developer).json()["user_id"]
    roles = engine.client.get("/v3/roles", params={"user_guids": user_id, "types": "space_developer"}).json()
    assert [each["type"] for each in roles["resources"]] == ["space_developer"]
    introspected = plain_http.post(
        f"{engine.url}/introspect",
        data={"token": developer["Authorization"].removeprefix("bearer ")},
        auth=("autoscaler_client_id", "autoscaler_client_secret"),
    )
    assert "cloud_controller.write" in introspected.json()["scope"]


def test_a_service_instance_leads_to_the_brokers_plan(engine: Serving) -> None:
    """In place of ServiceInstance and ServicePlan."""
    instance = engine.client.get(f"/v3/service_instances/{INSTANCE}").json()
    plan = instance["relationships"]["service_plan"]["data"]["guid"]
    assert engine.client.get(f"/v3/service_plans/{plan}").json()["broker_catalog"]["id"] == "autoscaler-free-plan-id"


def test_the_root_document_of_another_api_is_a_scenario(serve: Callable[..., Serving], tmp_path: Path) -> None:
    server = serve(seed=CLI_SEED)
    file = tmp_path / "cf-on-k8s.yaml"
    file.write_text(ROOT_SCENARIO)
    assert run_here("play", str(file), environment={"MOCKFOUNDRY_URL": server.url}).returncode == 0
    assert plain_http.get(f"{server.url}/").json() == {"cf_on_k8s": True, "links": {}}
