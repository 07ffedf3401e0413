"""Foundations, clocks, scenarios, copies and journals never leak into each other, whatever the control API is asked."""

from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mockfoundry.server.run import BackgroundServer
from tests import plain_http
from tests.searching import examples
from tests.serving import ADMIN, WEB, service_of

NAMES = st.sampled_from(["a", "b", "c"])
SCENARIOS = st.sampled_from(["conflict", "conflict-then-ok"])
CHOICES = st.sampled_from(
    [
        ("Prefer", "code=404", 404),
        ("Prefer", "example=memory_quota_exceeded", 422),
        ("X-Mock-Scenario", "conflict", 409),
        ("X-Mock-Scenario", "organization-suspended", 403),
        ("X-Mock-Scenario", "quota-instances", 422),
    ]
)
"""A header, its value, and the status of a scale that has it."""


@dataclass
class Expected:
    """What one foundation has to be like."""

    instances: int
    frozen: str = ""
    playing: tuple[str, ...] = ()
    answered: dict[str, int] = field(default_factory=dict)
    requests: int = 0

    def copy(self) -> "Expected":
        return replace(self, answered=dict(self.answered))


class ManyFoundations(RuleBasedStateMachine):
    """Calls of the control API and scales, against a model of each foundation."""

    def __init__(self) -> None:
        super().__init__()
        self.server = BackgroundServer(service_of())
        self.server.__enter__()
        self.client = plain_http.client(base_url=self.server.url, headers=ADMIN)
        self.expected: dict[str, Expected] = {}
        self.deleted: set[str] = set()
        self.client.put("/__mock/foundations/seed")
        self.begun = self.client.get(f"/foundations/seed/v3/processes/{WEB}").json()["instances"]
        self.client.delete("/__mock/foundations/seed")

    def teardown(self) -> None:
        self.client.close()
        self.server.__exit__(None, None, None)

    @rule(name=NAMES)
    def make(self, name: str) -> None:
        status = self.client.put(f"/__mock/foundations/{name}").status_code
        assert status == (200 if name in self.expected else 201)
        self.expected[name] = Expected(self.begun)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        status = self.client.delete(f"/__mock/foundations/{name}").status_code
        assert status == (204 if name in self.expected else 404)
        if self.expected.pop(name, None):
            self.deleted.add(name)

    @precondition(lambda self: self.deleted - self.expected.keys())
    @rule(data=st.data())
    def ask_what_was_deleted(self, data: st.DataObject) -> None:
        """A client that a test has left behind: the invariant sees that it makes no foundation."""
        name = data.draw(st.sampled_from(sorted(self.deleted - self.expected.keys())))
        answer = self.client.get(f"/foundations/{name}/v3/processes")
        assert (answer.status_code, answer.json()["errors"][0]["title"]) == (404, "Mock-FoundationGone")

    @rule(name=NAMES)
    def reset(self, name: str) -> None:
        status = self.client.post(f"/__mock/foundations/{name}/reset").status_code
        assert status == (200 if name in self.expected else 404)
        if name in self.expected:
            self.expected[name] = Expected(self.begun)

    @rule(name=NAMES, other=NAMES)
    def copy(self, name: str, other: str) -> None:
        status = self.client.post(f"/__mock/foundations/{name}/copy", json={"as": other}).status_code
        if name not in self.expected:
            assert status == 404
        elif other in self.expected:
            assert status == 409
        else:
            assert status == 201
            self.expected[other] = self.expected[name].copy()

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), instances=st.integers(0, 9))
    def scale(self, data: st.DataObject, instances: int) -> None:
        name = data.draw(st.sampled_from(sorted(self.expected)))
        expected = self.expected[name]
        answer = self.client.post(
            f"/foundations/{name}/v3/processes/{WEB}/actions/scale", json={"instances": instances}
        )
        expected.requests += 1
        for scenario in expected.playing:
            if scenario == "conflict" or not expected.answered[scenario]:
                expected.answered[scenario] += 1
                assert answer.status_code == 409
                return
        assert answer.status_code == 202
        expected.instances = instances

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), choice=CHOICES, by_token=st.booleans())
    def choose_for_one_request(self, data: st.DataObject, choice: tuple[str, str, int], by_token: bool) -> None:
        """What one request asks for itself reaches no other one: the invariant sees none of it afterwards."""
        name = data.draw(st.sampled_from(sorted(self.expected)))
        header, value, status = choice
        prefix, headers = f"/foundations/{name}", {header: value}
        if by_token:
            minted = self.client.post(f"/__mock/foundations/{name}/tokens", json={"user": "alice"}).json()
            prefix, headers["Authorization"] = "", f"bearer {minted['access_token']}"
        else:
            headers["Authorization"] = "bearer alice"
        path = f"{prefix}/v3/processes/{WEB}/actions/scale"
        answer = self.client.post(path, json={"instances": 8}, headers=headers)
        assert answer.status_code == status
        self.expected[name].requests += 1

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), scenario=SCENARIOS)
    def play(self, data: st.DataObject, scenario: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.expected)))
        assert self.client.put(f"/__mock/foundations/{name}/scenarios/{scenario}").status_code == 200
        expected = self.expected[name]
        expected.playing = (*(each for each in expected.playing if each != scenario), scenario)
        expected.answered[scenario] = 0

    @rule(name=NAMES, scenario=SCENARIOS)
    def stop(self, name: str, scenario: str) -> None:
        status = self.client.delete(f"/__mock/foundations/{name}/scenarios/{scenario}").status_code
        expected = self.expected.get(name)
        assert status == (204 if expected and scenario in expected.playing else 404)
        if expected:
            expected.playing = tuple(each for each in expected.playing if each != scenario)

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), seconds=st.integers(1, 5000))
    def freeze_and_advance(self, data: st.DataObject, seconds: int) -> None:
        name = data.draw(st.sampled_from(sorted(self.expected)))
        changed = {"frozen": True, "advance": f"{seconds}s"}
        clock = self.client.patch(f"/__mock/foundations/{name}/clock", json=changed).json()
        self.expected[name].frozen = clock["now"]

    @invariant()
    def each_is_as_it_was_left(self) -> None:
        there = self.client.get("/__mock/foundations").json()["foundations"]
        assert sorted(each["name"] for each in there) == sorted(self.expected)
        for name, expected in self.expected.items():
            shown = self.client.get(f"/__mock/foundations/{name}").json()
            assert shown["journal"]["recorded"] == expected.requests
            clock = self.client.get(f"/__mock/foundations/{name}/clock").json()
            assert clock["frozen"] is bool(expected.frozen)
            if expected.frozen:
                assert clock["now"] == expected.frozen
            playing = self.client.get(f"/__mock/foundations/{name}/scenarios").json()["scenarios"]
            assert [(each["name"], each["answered"]) for each in playing] == [
                (each, expected.answered[each]) for each in expected.playing
            ]
            state = self.client.get(f"/__mock/foundations/{name}/state").json()
            processes = state["organizations"][0]["spaces"][0]["apps"][0]["processes"]
            assert next(each["instances"] for each in processes if each["type"] == "web") == expected.instances


TestManyFoundations = ManyFoundations.TestCase
TestManyFoundations.settings = settings(max_examples=examples(6), stateful_step_count=20)
