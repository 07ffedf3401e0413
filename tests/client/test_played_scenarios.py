"""A scenario written in Python is sent as its value; what is wrong with it is told by the lines of its file."""

from typing import Any

import httpx
import pytest

from mockfoundry.client.control import ControlClient
from mockfoundry.client.errors import ControlError
from mockfoundry.client.foundation import Foundation
from mockfoundry.client.server import Server
from mockfoundry.scenarios.model import Respond, Rule, Scenario, ScenarioError

BUSY = Respond(status=503, undocumented=True, body={"count": 1, "when": None, "parts": [1.5, "2"]})


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The bodies of control calls."""
    bodies: list[Any] = []
    call = ControlClient.__call__

    def record(client: ControlClient, method: str, path: str, body: Any = None, **options: Any) -> Any:
        if method == "PUT":
            bodies.append(body)
        return call(client, method, path, body, **options)

    monkeypatch.setattr(ControlClient, "__call__", record)
    return bodies


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Method and path of each control call that changes something."""
    made: list[str] = []
    call = ControlClient.__call__

    def record(client: ControlClient, method: str, path: str, *arguments: Any, **options: Any) -> Any:
        if method != "GET":
            made.append(f"{method} {path}")
        return call(client, method, path, *arguments, **options)

    monkeypatch.setattr(ControlClient, "__call__", record)
    return made


def test_a_scenario_is_sent_as_its_value_and_is_the_same_there(foundation: Foundation, sent: list[Any]) -> None:
    scenario = Scenario(name="busy", rules=(Rule(operation="scaleProcess", times=2, respond=BUSY),))
    foundation.reset()
    sent.clear()
    assert foundation.play(scenario) == "busy"
    (value,) = sent
    assert value["rules"][0]["respond"]["body"] == BUSY.body
    assert foundation.playing()[0].scenario == value


def test_a_foundation_and_names_of_the_library_are_one_call(server: Server, calls: list[str]) -> None:
    made = server.foundation(seed={"users": [{"name": "bob"}]}, scenarios=["slow", "conflict-then-ok"])
    assert calls == [f"PUT /foundations/{made.name}"]
    assert [each.name for each in made.playing()] == ["slow", "conflict-then-ok"]


def test_scenarios_keep_their_order_whatever_they_are_given_as(server: Server, calls: list[str]) -> None:
    busy = Scenario(name="busy", rules=(Rule(respond=BUSY),))
    made = server.foundation(scenarios=["slow", busy, "conflict"])
    path = f"PUT /foundations/{made.name}"
    assert calls == [path, f"{path}/scenarios/busy", f"{path}/scenarios/conflict"]
    assert [each.name for each in made.playing()] == ["slow", "busy", "conflict"]


@pytest.mark.parametrize("wrong", ["conflicts", "a,b", Rule(operation="scaleProces", respond=BUSY)])
def test_where_a_scenario_is_refused_there_is_no_foundation(server: Server, wrong: str | Rule) -> None:
    scenario = wrong if isinstance(wrong, str) else Scenario(name="late", rules=(wrong,))
    with pytest.raises(ControlError, match=r"the library has none of that name|did you mean scaleProcess"):
        server.foundation("refused", scenarios=["slow", scenario])
    assert httpx.get(f"{server.url}/__mock/foundations/refused").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        "conflicts",
        pytest.param("a,b", marks=pytest.mark.long),
        pytest.param(
            Scenario(name="late", rules=(Rule(operation="scaleProces", respond=BUSY),)), marks=pytest.mark.long
        ),
        pytest.param(Scenario(name="late", rules=(Rule(times=-1, respond=BUSY),)), marks=pytest.mark.long),
        Scenario(name="late", rules=(Rule(respond=BUSY),), given={"feature_flags": {"no_such_flag": True}}),
    ],
)
def test_where_a_scenario_is_refused_a_foundation_that_was_there_stays(server: Server, wrong: str | Scenario) -> None:
    """So it does where the seed is refused; and what is accepted takes its place, and leaves no other one behind."""
    old = server.foundation("stays", seed={"users": [{"name": "bob"}]}, scenarios=["slow"])
    token = old.token
    httpx.get(f"{old.url}/v3/processes", headers={"Authorization": f"bearer {token}"})
    busy = Scenario(name="busy", rules=(Rule(respond=BUSY),))
    others = {each["name"] for each in httpx.get(f"{server.url}/__mock/foundations").json()["foundations"]}
    with pytest.raises((ControlError, ScenarioError)):
        server.foundation("stays", scenarios=["conflict", busy, wrong])
    with pytest.raises(ControlError):
        old.begin(seed={"organizations": 3}, scenarios=[busy])
    assert ([each["name"] for each in old.state()["users"]], len(old.requests())) == (["bob"], 1)
    assert ([each.name for each in old.playing()], old.token) == (["slow"], token)
    assert server.foundation("stays", scenarios=["conflict", busy]).requests() == []
    assert [each.name for each in old.playing()] == ["conflict", "busy"]
    assert {each["name"] for each in httpx.get(f"{server.url}/__mock/foundations").json()["foundations"]} == others


@pytest.mark.parametrize("name", ["", "a/b", "busy "])
def test_a_scenario_with_a_bad_name_is_refused_before_it_is_sent(
    foundation: Foundation, sent: list[Any], name: str
) -> None:
    with pytest.raises(ScenarioError, match="scenario is "):
        foundation.play(Scenario(name=name, rules=(Rule(respond=BUSY),)))
    assert sent == []


def test_a_scenario_that_is_none_is_told_by_the_lines_of_its_file(foundation: Foundation) -> None:
    with pytest.raises(ScenarioError, match=r"^scenario late:3:\d+: "):
        foundation.play(Scenario(name="late", rules=(Rule(times=-1, respond=BUSY),)))
    with pytest.raises(ControlError, match=r"^scenario late:3:\d+: .*did you mean scaleProcess\?"):
        foundation.play(Scenario(name="late", rules=(Rule(operation="scaleProces", respond=BUSY),)))
    assert foundation.playing() == []


def test_what_json_cannot_say_is_played_as_its_file_says_it(foundation: Foundation) -> None:
    respond = Respond(status=503, undocumented=True, body={"number": float("nan")})
    scenario = Scenario(name="odd", rules=(Rule(respond=respond),))
    foundation.play(scenario)
    by_value = foundation.playing()[0].scenario
    foundation.play(scenario.to_yaml())
    assert foundation.playing()[0].scenario == by_value
