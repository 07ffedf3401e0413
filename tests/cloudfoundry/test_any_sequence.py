"""Any sequence of calls and moves of the clock, played against a small model of what there should be."""

import functools
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from mockfoundry.cloudfoundry.deployments import advance_deployments
from mockfoundry.cloudfoundry.seeds.export import export_world
from tests.cloudfoundry.asking import APP, CLOCK, IDLE, IDLE_APP, WEB, WORKER, Asking, error, guids
from tests.searching import examples
from tests.serving import Serving

DEPLOYING_SECONDS = 5
MOST_WAITING_SECONDS = 10 * 31
"""A deployment waits in each of its ten stages, at most, until its new instances run."""
STOPPING_SECONDS = 2


@dataclass(frozen=True)
class Modelled:
    """What the model knows of a process."""

    guid: str
    app: str
    kind: str
    instances: int
    memory: int


class AnySequence(RuleBasedStateMachine):
    """Scales, updates, terminates, deploys, stops, starts and waits, in any order."""

    def __init__(self, server: Serving) -> None:
        super().__init__()
        self.foundation = Asking(server)
        self.memory_limit: int | None = 10240
        self.instance_limit: int | None = None
        self.states = {APP: "STARTED", IDLE_APP: "STOPPED"}
        self.deployed_until: float | None = None
        self.disturbed_at = 0.0
        self.age = 0.0
        self.changed_at = 0.0
        self.processes = {
            each.guid: each
            for each in (
                Modelled(WEB, APP, "web", 2, 256),
                Modelled(WORKER, APP, "worker", 0, 256),
                Modelled(CLOCK, APP, "clock", 1, 256),
                Modelled(IDLE, IDLE_APP, "web", 2, 256),
            )
        }

    @initialize(slow=st.booleans())
    def begin(self, slow: bool) -> None:
        self.foundation.given(settings={"start_seconds": 30 if slow else 1, "stop_seconds": STOPPING_SECONDS})

    def of_app(self, app: str) -> list[Modelled]:
        return [each for each in self.processes.values() if each.app == app]

    def started(self) -> list[Modelled]:
        return [each for each in self.processes.values() if self.states[each.app] == "STARTED"]

    def picked(self, number: int) -> Modelled:
        found = sorted(self.processes.values(), key=lambda each: each.guid)
        return found[number % len(found)]

    def refusal(self, before: Modelled, after: Modelled, verb: str) -> str:
        """Why the model does not allow a change; empty where it does."""
        if before.kind == "web" and before.app == APP and self.deployed_until is not None:
            return f"Cannot {verb} this process while a deployment is in flight."
        if self.states[before.app] == "STOPPED":
            return ""
        used = sum(each.instances * each.memory for each in self.started())
        more = after.instances * after.memory - before.instances * before.memory
        faults = []
        if self.memory_limit is not None and self.memory_limit - used < more:
            faults.append("memory quota_exceeded")
        there = sum(each.instances for each in self.started()) - before.instances + after.instances
        if self.instance_limit is not None and there > self.instance_limit:
            faults.append("app_instance_limit app_instance_limit_exceeded")
        return ", ".join(faults)

    def world(self) -> Any:
        """Everything that a refused request must not change."""
        world = self.foundation.world
        advance_deployments(world, self.foundation.now)
        runs = {
            guid: (each.instance_ranges, each.stopping_ranges, each.allotment) for guid, each in world.processes.items()
        }
        return export_world(world), runs, world.usage, world.event_count, world.nonce

    @rule(
        number=st.integers(0, 9),
        instances=st.integers(0, 12) | st.none() | st.integers(0, 60),
        memory=st.none() | st.sampled_from([1, 64, 256, 1024, 4096]),
        by_app=st.booleans(),
    )
    def scale(self, number: int, instances: int | None, memory: int | None, by_app: bool) -> None:
        before = self.picked(number)
        asked = {"instances": instances, "memory_in_mb": memory}
        body = {key: value for key, value in asked.items() if value is not None}
        after = replace(
            before,
            instances=before.instances if instances is None else instances,
            memory=before.memory if memory is None else memory,
        )
        if by_app and not (self.deployed_until is not None and before.kind == "web"):
            path = f"/v3/apps/{before.app}/processes/{before.kind}/actions/scale"
        else:
            path = f"/v3/processes/{before.guid}/actions/scale"
        refusal = self.refusal(before, after, "scale")
        held = self.world()
        answer = self.foundation.ask("POST", path, body)
        if refusal:
            assert error(answer)[0::2] == (422, refusal)
            assert self.world() == held
        else:
            assert answer.status_code == 202, answer.text
            shown = answer.json()
            assert (shown["instances"], shown["memory_in_mb"]) == (after.instances, after.memory)
            self.processes[before.guid] = after
            self.changed_at = self.age

    @rule(number=st.integers(0, 9), body=st.sampled_from([{"instances": -1}, {"instances": 1.5}, {"x": 1}, [], "5"]))
    def scale_badly(self, number: int, body: Any) -> None:
        held = self.world()
        assert self.foundation.scale(body, guid=self.picked(number).guid).status_code == 422
        assert self.world() == held

    @rule(number=st.integers(0, 9), value=st.sampled_from(["a", "b", None]))
    def update(self, number: int, value: str | None) -> None:
        before = self.picked(number)
        refusal = self.refusal(before, before, "update")
        held = self.world()
        answer = self.foundation.update({"metadata": {"labels": {"k": value}}}, guid=before.guid)
        if refusal:
            assert error(answer)[0::2] == (422, refusal)
            assert self.world() == held
        else:
            assert answer.json()["metadata"]["labels"] == ({} if value is None else {"k": value})

    @rule(number=st.integers(0, 9), index=st.integers(-1, 70), there=st.booleans())
    def terminate(self, number: int, index: int, there: bool) -> None:
        process = self.picked(number)
        if there and process.instances:
            index %= process.instances
        held = self.world()
        answer = self.foundation.terminate(index, process.guid)
        if 0 <= index < process.instances:
            assert answer.status_code == 204
            self.changed_at = self.disturbed_at = self.age
        else:
            assert error(answer)[0::2] == (404, "Instance not found")
            assert self.world() == held

    @rule(seconds=st.sampled_from([6, 3, 40, 1, 0.1, 4000]))
    def wait(self, seconds: float) -> None:
        self.foundation.advance(seconds)
        self.age += seconds
        if self.deployed_until is not None:
            active = self.foundation.ask("GET", f"/v3/deployments?app_guids={APP}&status_values=ACTIVE")
            if active.json()["resources"]:
                rests = self.states[APP] == "STOPPED"
                assert rests or self.age < self.disturbed_at + DEPLOYING_SECONDS + MOST_WAITING_SECONDS
                return
            assert self.age >= self.deployed_until
            self.deployed_until = None
            self.read_again()
            self.changed_at = self.age

    @rule(memory=st.sampled_from([None, 8000, 3000, 600]), instances=st.sampled_from([None, 40, 12, 4]))
    def limit(self, memory: int | None, instances: int | None) -> None:
        self.foundation.given_organization(quota={"total_memory_in_mb": memory, "total_instances": instances})
        self.memory_limit, self.instance_limit = memory, instances

    @rule(really=st.sampled_from([False, False, False, True]))
    def deploy(self, really: bool) -> None:
        if really and self.deployed_until is None:
            self.foundation.given_app("dora", deployment={"seconds": DEPLOYING_SECONDS})
            self.deployed_until = self.age + DEPLOYING_SECONDS
            self.disturbed_at = self.age
            self.read_again()

    @rule(app=st.sampled_from([IDLE_APP, APP]), state=st.sampled_from(["STARTED", "STARTED", "STOPPED"]))
    def switch(self, app: str, state: str) -> None:
        self.foundation.given_app(app, state=state)
        self.states[app] = state
        self.changed_at = self.disturbed_at = self.age

    def read_again(self) -> None:
        """What a deployment made of the app's processes: the model takes it as it is."""
        listed = self.foundation.ask("GET", f"/v3/apps/{APP}/processes").json()["resources"]
        for each in self.of_app(APP):
            del self.processes[each.guid]
        for shown in listed:
            guid = shown["guid"]
            self.processes[guid] = Modelled(guid, APP, shown["type"], shown["instances"], shown["memory_in_mb"])
        webs = [each for each in self.of_app(APP) if each.kind == "web"]
        assert len(webs) == (1 if self.deployed_until is None else 2)

    @rule(number=st.integers(0, 9))
    def look_at_stats(self, number: int) -> None:
        process = self.picked(number)
        rows = self.foundation.stats(process.guid).json()["resources"]
        assert [row["index"] for row in rows] == list(range(process.instances))
        short = self.foundation.instances(process.guid).json()["resources"]
        assert [row["state"] for row in rows] == [row["state"] for row in short[: len(rows)]]

    @rule(per_page=st.integers(1, 4), order=st.sampled_from(["", "&order_by=-created_at", "&order_by=updated_at"]))
    def page_through_the_list(self, per_page: int, order: str) -> None:
        in_pages: list[str] = []
        url = f"/v3/processes?per_page={per_page}{order}"
        while url:
            page = self.foundation.ask("GET", url)
            in_pages += guids(page)
            url = (page.json()["pagination"]["next"] or {}).get("href", "")
        assert in_pages == guids(self.foundation.list(f"?per_page=5000{order}"))

    @invariant()
    def shows_what_the_model_has(self) -> None:
        if self.deployed_until is not None:
            self.read_again()
            self.changed_at = self.age
        listed = self.foundation.list("?embed=process_instances").json()["resources"]
        assert sorted(shown["guid"] for shown in listed) == sorted(self.processes)
        # Without instances a page is kept until something is written.
        plain = [{name: value for name, value in each.items() if name != "process_instances"} for each in listed]
        assert self.foundation.list().json()["resources"] == plain
        for shown in listed:
            process = self.processes[shown["guid"]]
            assert (shown["instances"], shown["memory_in_mb"]) == (process.instances, process.memory)
            rows = shown["process_instances"]
            allowed = {"STARTED": {"RUNNING", "STARTING"}, "STOPPED": {"STOPPING", "DOWN"}}[self.states[process.app]]
            assert {row["state"] for row in rows} <= allowed
            indices = [row["index"] for row in rows]
            assert indices[: process.instances] == list(range(process.instances))
            assert indices == sorted(set(indices))
            if self.age >= self.changed_at + STOPPING_SECONDS:
                assert len(rows) == process.instances

    @invariant()
    def uses_what_the_started_processes_ask_for(self) -> None:
        used = self.foundation.world.usage["acme"]
        assert used.memory == sum(each.instances * each.memory for each in self.started())
        assert used.instances == sum(each.instances for each in self.started())


@pytest.mark.hypothesis
def test_any_sequence_of_calls_keeps_what_the_model_has(rich_server: Serving) -> None:
    # Typed as a class, though Hypothesis documents any function that makes a machine.
    machine: Any = functools.partial(AnySequence, rich_server)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples(20),
            stateful_step_count=40,
            suppress_health_check=list(HealthCheck),
        ),
    )
