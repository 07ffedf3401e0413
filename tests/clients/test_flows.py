"""What users of real clients do, from log-in to a deployment: each sees what a real foundation would show."""

from typing import Any

import pytest

from mockfoundry.client.foundation import Foundation
from mockfoundry.client.server import Server
from tests.clients.at_hand import each_of
from tests.clients.driving import ClientDriver, ClientFailureError

RUNS = "2s"
"""Longer than the seed's instances take to start."""

TICKS = "60s"
"""Longer than a deployment of a few instances takes."""

PROGRAMS = "python", "java", "go"
"""The clients that wait for nothing by themselves; the cf CLI, which does, has flows of its own."""


@pytest.fixture
def there(foundation: Foundation, client: ClientDriver) -> Foundation:
    """A foundation whose clock the test moves, where the client is logged in."""
    foundation.clock.freeze()
    client.log_in(foundation.url)
    return foundation


@each_of("python", "java", "go", "cf")
@pytest.mark.parametrize("form", ["bare", "prefix", "foundation in the user's name"])
def test_a_client_that_knows_an_address_and_a_user_works(server: Server, client: ClientDriver, form: str) -> None:
    """With no other setting: log-in, find the app, change the world of its foundation and of no other."""
    foundation = server.foundation("default" if form == "bare" else None)
    foundation.reset()
    bystander = server.foundation()
    user = f"admin@{foundation.name}" if form == "foundation in the user's name" else "admin"
    client.log_in(foundation.url if form == "prefix" else server.url, user)
    assert client.apps() == ["dora"]
    client.scale("dora", instances=2)
    assert client.processes("dora") == [("web", 2), ("worker", 0)]
    assert foundation.process("dora").instances == 2
    assert bystander.process("dora").instances == 1


@each_of(*PROGRAMS)
def test_a_scale_is_seen_to_start_and_then_to_run(there: Foundation, client: ClientDriver) -> None:
    client.scale("dora", instances=3)
    assert client.processes("dora") == [("web", 3), ("worker", 0)]
    assert client.states("dora") == ["RUNNING", "STARTING", "STARTING"]
    there.clock.advance(RUNS)
    assert client.states("dora") == ["RUNNING", "RUNNING", "RUNNING"]


@each_of(*PROGRAMS)
def test_an_instance_that_is_terminated_is_replaced(there: Foundation, client: ClientDriver) -> None:
    client.scale("dora", instances=2)
    there.clock.advance(RUNS)
    client.terminate("dora", 0)
    there.clock.advance(RUNS)
    assert client.states("dora") == ["RUNNING", "RUNNING"]
    there.verify(["terminateProcessInstance", "terminateProcessInstanceForApp"], status=204, times=1)


@each_of(*PROGRAMS)
def test_an_app_is_stopped_started_and_restarted(there: Foundation, client: ClientDriver) -> None:
    client.stop("dora")
    assert there.process("dora").app_state == "STOPPED"
    there.clock.advance(RUNS)
    assert client.states("dora") == ["DOWN"]
    client.start("dora")
    there.clock.advance(RUNS)
    assert (there.process("dora").app_state, client.states("dora")) == ("STARTED", ["RUNNING"])
    client.restart("dora")
    assert client.states("dora") == ["STARTING"]
    there.clock.advance(RUNS)
    assert client.states("dora") == ["RUNNING"]
    assert client.events("dora")[:3] == ["audit.app.restart", "audit.app.start", "audit.app.stop"]


@each_of(*PROGRAMS)
def test_a_rolling_deployment_replaces_the_web_process(there: Foundation, client: ClientDriver) -> None:
    before = there.process("dora").guid
    client.deploy("dora", "rolling")
    assert client.deployment("dora") == "ACTIVE DEPLOYING"
    assert [kind for kind, _ in client.processes("dora")].count("web") == 2
    there.clock.advance(TICKS)
    assert client.deployment("dora") == "FINALIZED DEPLOYED"
    assert client.processes("dora") == [("worker", 0), ("web", 1)]
    assert there.process("dora").guid != before
    assert "audit.app.deployment.create" in client.events("dora")


@each_of("python", "go")
def test_a_canary_waits_until_it_is_continued(there: Foundation, client: ClientDriver) -> None:
    client.deploy("dora", "canary")
    there.clock.advance(TICKS)
    assert client.deployment("dora") == "ACTIVE PAUSED"
    there.clock.advance(TICKS)
    assert client.deployment("dora") == "ACTIVE PAUSED"
    client.go_on("dora")
    there.clock.advance(TICKS)
    assert client.deployment("dora") == "FINALIZED DEPLOYED"
    assert "audit.app.deployment.continue" in client.events("dora")


@each_of("java")
def test_java_cannot_read_a_canary(there: Foundation, client: ClientDriver) -> None:
    """Its fault: it knows no strategy but rolling, and can't ask for another one either."""
    there.change(deployment_of("dora", "canary"))
    with pytest.raises(ClientFailureError, match="canary"):
        client.deployment("dora")


@each_of("java")
def test_java_cannot_read_an_instance_that_stops(there: Foundation, client: ClientDriver) -> None:
    """Its fault: `STOPPING` is a state of the real Cloud Controller, and unknown to 5.15."""
    client.stop("dora")
    with pytest.raises(ClientFailureError, match="Unknown process state: STOPPING"):
        client.states("dora")


@each_of("python", "java", "go", "cf")
def test_all_of_sixty_apps_are_found(server: Server, client: ClientDriver) -> None:
    """More than a page holds; links to the next page stay inside the foundation."""
    names = [f"app-{number:02}" for number in range(60)]
    apps = [{"name": name, "processes": [{"type": "web"}]} for name in names]
    seed: dict[str, Any] = {"organizations": [{"name": "acme", "spaces": [{"name": "dev", "apps": apps}]}]}
    foundation = server.foundation(None, seed=seed)
    client.log_in(foundation.url)
    assert sorted(client.apps()) == names
    assert [
        each.path for each in foundation.requests() if not each.path.startswith(f"/foundations/{foundation.name}")
    ] == []


@each_of(*PROGRAMS)
def test_a_new_token_is_fetched_when_the_old_one_is_refused(there: Foundation, client: ClientDriver) -> None:
    there.play("token-expires")
    for instances in range(2, 8):
        client.scale("dora", instances=instances)
    assert there.process("dora").instances == 7
    assert there.requests(status=401) != []


@each_of("python", "java", "go", "cf")
@pytest.mark.parametrize("user", ["mallory", "nobody"])
def test_who_may_not_scale_is_told_so(foundation: Foundation, client: ClientDriver, user: str) -> None:
    """Mallory has no role, so that she sees no app; nobody is no user of the seed, and is not let in."""
    words = (
        "no app dora|No app|App 'dora' not found|No org|exactly 1 result" if user == "mallory" else "(?i)credentials"
    )
    with pytest.raises(ClientFailureError, match=words):  # noqa: PT012 (some clients log in when they are first asked)
        client.log_in(foundation.url, user)
        client.scale("dora", instances=2)
    assert foundation.process("dora").instances == 1


@each_of(*PROGRAMS)
def test_an_instance_that_is_not_there_and_a_quota_are_told(there: Foundation, client: ClientDriver) -> None:
    with pytest.raises(ClientFailureError, match="Instance not found"):
        client.terminate("dora", 77)
    with pytest.raises(ClientFailureError, match="memory quota_exceeded"):
        client.scale("dora", memory_in_mb=999_999)
    assert there.process("dora").memory_in_mb == 256


def deployment_of(app: str, strategy: str) -> dict[str, Any]:
    """The words of `given:` for a deployment in flight."""
    apps = [{"name": app, "deployment": {"strategy": strategy, "status": "ACTIVE"}}]
    return {"organizations": [{"name": "acme", "spaces": [{"name": "dev", "apps": apps}]}]}
