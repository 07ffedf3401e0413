"""Every operation can be made to give every status that it documents, over a real socket."""

from collections.abc import Iterator

import pytest

from mockfoundry.contract.plan import Plan
from tests import plain_http
from tests.serving import ADMIN, WEB, Serving, contract, serving


@pytest.fixture(scope="module")
def running() -> Iterator[Serving]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def app(running: Serving) -> str:
    return str(running.client.get(f"/v3/processes/{WEB}").json()["relationships"]["app"]["data"]["guid"])


def path_of(plan: Plan, app: str) -> str:
    guid = app if "/apps/" in plan.path else WEB
    return plan.path.replace("{guid}", guid).replace("{type}", "web").replace("{index}", "0")


CELLS = [(plan, status) for plan in contract().plans.values() for status in plan.responses]


@pytest.mark.parametrize(("plan", "status"), CELLS, ids=[f"{plan.operation}-{status}" for plan, status in CELLS])
def test_it_is_reached_by_preference(running: Serving, app: str, plan: Plan, status: int) -> None:
    answer = running.client.request(plan.method, path_of(plan, app), headers={"Prefer": f"code={status}"})
    assert answer.status_code == status
    assert answer.headers["preference-applied"] == f"code={status}"
    assert answer.headers["x-mock-why"] == f'prefer: "code={status}"'


@pytest.mark.parametrize("plan", contract().plans.values(), ids=lambda plan: plan.operation)
def test_its_success_is_reached_by_the_world_itself(running: Serving, app: str, plan: Plan) -> None:
    answer = running.client.request(plan.method, path_of(plan, app))
    assert answer.status_code == plan.success_status
    assert answer.headers["x-mock-why"].startswith("world: ")


@pytest.mark.parametrize("plan", contract().plans.values(), ids=lambda plan: plan.operation)
def test_without_a_token_it_is_401(running: Serving, app: str, plan: Plan) -> None:
    answer = plain_http.request(plan.method, running.url + path_of(plan, app))
    assert answer.status_code == 401
    assert answer.json() == {
        "errors": [{"detail": "Authentication error", "title": "CF-NotAuthenticated", "code": 10002}]
    }


@pytest.mark.parametrize("plan", contract().plans.values(), ids=lambda plan: plan.operation)
def test_in_canned_mode_the_contracts_example_is_served(plan: Plan) -> None:
    with serving(canned=True) as server:
        answer = server.client.request(plan.method, path_of(plan, "any"), headers=ADMIN)
    assert answer.status_code == plan.success_status
    first = next(iter(plan.responses[plan.success_status].examples.values()), None)
    assert (answer.json() if answer.content else None) == first
