"""Two clients of different kinds on one world: what one changes, the other sees, whichever paths they ask by."""

import functools
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from mockfoundry.client.foundation import Foundation
from mockfoundry.client.server import Server
from tests import plain_http
from tests.clients.driving import ClientDriver, ClientFailureError
from tests.clients.python_driver import PythonDriver
from tests.searching import examples


class PathsClient:
    """Asks by the paths of an app, as the cf CLI does; the Python client follows links, and asks by the process."""

    def __init__(self, foundation: Foundation) -> None:
        form = {"grant_type": "password", "username": "alice", "password": "any"}
        with plain_http.client(base_url=foundation.url) as client:
            token = client.post("/oauth/token", data=form, auth=("cf", "")).json()["access_token"]
        self._client = plain_http.client(base_url=foundation.url, headers={"Authorization": f"bearer {token}"})
        self._app = foundation.process("dora").app_guid

    def close(self) -> None:
        self._client.close()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What `/v3/apps/GUID` and a path behind it answer.

        Raises:
            ClientFailureError: the answer is an error.
        """
        answer = self._client.request(method, f"/v3/apps/{self._app}{path}", json=body)
        if answer.is_error:
            raise ClientFailureError(answer.json()["errors"][0]["detail"])
        return answer.json() if answer.content else None

    def state(self) -> str:
        return str(self.ask("GET", "")["state"])

    def instances(self) -> list[tuple[str, int]]:
        return [(each["type"], each["instances"]) for each in self.ask("GET", "/processes?per_page=5000")["resources"]]

    def states(self) -> list[str]:
        return [each["state"] for each in self.ask("GET", "/processes/web/stats")["resources"]]


class TwoClients(RuleBasedStateMachine):
    """One client follows links, the other asks by the app's paths; each does what the other has to see."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.foundation = server.foundation()
        self.foundation.clock.freeze()
        self.links: ClientDriver = PythonDriver()
        self.links.log_in(self.foundation.url, "alice")
        self.paths = PathsClient(self.foundation)
        self.wanted = 1
        self.started = True
        self.deploying = False

    def teardown(self) -> None:
        self.paths.close()
        self.foundation.delete()

    @rule(instances=st.integers(0, 4), by_links=st.booleans())
    def scale(self, instances: int, by_links: bool) -> None:
        if self.deploying:
            refused = "Cannot scale this process while a deployment is in flight."
            with pytest.raises(ClientFailureError, match=re.escape(refused)):
                self.ask_to_scale(instances, by_links)
        else:
            self.ask_to_scale(instances, by_links)
            self.wanted = instances

    def ask_to_scale(self, instances: int, by_links: bool) -> None:
        if by_links:
            self.links.scale("dora", instances=instances)
        else:
            self.paths.ask("POST", "/processes/web/actions/scale", {"instances": instances})

    @rule(start=st.booleans(), by_links=st.booleans())
    def switch(self, start: bool, by_links: bool) -> None:
        if by_links:
            (self.links.start if start else self.links.stop)("dora")
        else:
            self.paths.ask("POST", f"/actions/{'start' if start else 'stop'}")
        self.started = start

    @rule(by_links=st.booleans())
    def restart(self, by_links: bool) -> None:
        if by_links:
            self.links.restart("dora")
        else:
            self.paths.ask("POST", "/actions/restart")
        self.started = True

    @rule()
    def deploy(self) -> None:
        if self.started and not self.deploying:
            self.links.deploy("dora", "rolling")
            self.deploying = True

    @rule(seconds=st.sampled_from([1, 10, 120]))
    def wait(self, seconds: int) -> None:
        self.foundation.clock.advance(f"{seconds}s")
        if self.deploying:
            self.deploying = self.links.deployment("dora").startswith("ACTIVE")

    @invariant()
    def both_see_one_world(self) -> None:
        assert self.paths.state() == ("STARTED" if self.started else "STOPPED")
        assert self.paths.instances() == self.links.processes("dora")
        assert self.paths.states() == self.links.states("dora")
        if not self.deploying:
            assert self.foundation.process("dora").instances == self.wanted
            assert dict(self.paths.instances())["web"] == self.wanted

    @invariant()
    def what_was_deployed_last_is_what_is_shown(self) -> None:
        if self.deploying:
            assert self.links.deployment("dora") == "ACTIVE DEPLOYING"


@pytest.mark.hypothesis
def test_two_clients_of_different_kinds_see_one_world(server: Server) -> None:
    # Typed as a class, though Hypothesis documents any function that makes a machine.
    machine: Any = functools.partial(TwoClients, server)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples(10), stateful_step_count=12, suppress_health_check=list(HealthCheck), deadline=None
        ),
    )
