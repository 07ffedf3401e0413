"""The cf CLI, unmodified: each command ends well, and prints what it prints on a real foundation."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mockfoundry.client.foundation import Foundation
from mockfoundry.client.server import Server
from tests.clients.at_hand import CLIENTS
from tests.clients.cf_driver import CfDriver
from tests.clients.driving import ClientDriver, ClientFailureError

pytestmark = CLIENTS["cf"]

FAST = 30
"""So much faster the foundation's clock runs: cf waits for what it began, on its own clock."""


@pytest.fixture
def cf(opened: Callable[[str], ClientDriver]) -> CfDriver:
    driver = opened("cf")
    assert isinstance(driver, CfDriver)
    return driver


@pytest.fixture
def there(foundation: Foundation, cf: CfDriver) -> Foundation:
    """A foundation in which time runs fast, and where cf is logged in as admin."""
    foundation.clock.rate(FAST)
    cf.log_in(foundation.url)
    return foundation


def test_logging_in_targets_the_only_organization_and_space(foundation: Foundation, cf: CfDriver) -> None:
    assert re.search(r"^OK$", cf.output("api", foundation.url), re.MULTILINE)
    printed = cf.output("login", "-u", "alice", "-p", "any")
    assert "Authenticating...\nOK\n" in printed
    assert "Targeted org acme.\n" in printed
    assert "Targeted space dev.\n" in printed
    target = cf.output("target")
    assert [re.split(r":\s+", line, maxsplit=1) for line in target.splitlines() if line] == [
        ["API endpoint", foundation.url],
        ["API version", "3.228.0"],
        ["user", "alice"],
        ["org", "acme"],
        ["space", "dev"],
    ]


def test_scripts_log_in_by_auth(foundation: Foundation, cf: CfDriver) -> None:
    cf.output("api", foundation.url)
    assert "Authenticating...\nOK\n" in cf.output("auth", "admin", "admin")
    assert "org:            acme\n" in cf.output("target", "-o", "acme", "-s", "dev")


def test_apps_and_one_app_are_shown(there: Foundation, cf: CfDriver) -> None:
    assert re.search(r"^dora\s+started\s+web:1/1, worker:0/0\s*$", cf.output("apps"), re.MULTILINE)
    printed = cf.output("app", "dora")
    for line in (
        r"name:\s+dora",
        r"requested state:\s+started",
        r"type:\s+web",
        r"instances:\s+1/1",
        r"memory usage:\s+256M",
        r"#0\s+running\s+\S+Z\s+.*of 256M.*of 1G.*of unlimited.*",
        r"type:\s+worker",
        r"There are no running instances of this process\.",
    ):
        assert re.search(f"^{line}$", printed, re.MULTILINE), line


def test_scaling_out_waits_for_the_first_instance_and_shows_all(there: Foundation, cf: CfDriver) -> None:
    printed = cf.output("scale", "dora", "-i", "3")
    assert re.search(r"^instances:\s+\d/3$", printed, re.MULTILINE)
    assert there.process("dora").instances == 3


def test_scaling_memory_stops_and_starts_the_app(there: Foundation, cf: CfDriver) -> None:
    printed = cf.output("scale", "dora", "-m", "512M", "-f")
    assert "Stopping app dora in org acme / space dev as admin..." in printed
    assert re.search(r"^memory usage:\s+512M$", printed, re.MULTILINE)
    assert re.search(r"^#0\s+running\s+.*of 512M", cf.output("app", "dora"), re.MULTILINE)
    assert there.process("dora").memory_in_mb == 512


def test_one_process_of_several_is_scaled(there: Foundation, cf: CfDriver) -> None:
    cf.output("scale", "dora", "--process", "worker", "-i", "2")
    assert there.process("dora", "worker").instances == 2


def test_an_instance_is_restarted(there: Foundation, cf: CfDriver) -> None:
    printed = cf.output("restart-app-instance", "dora", "0")
    assert printed.splitlines()[:2] == [
        "Restarting instance 0 of process web of app dora in org acme / space dev as admin...",
        "OK",
    ]
    there.verify("terminateProcessInstanceForApp", status=204, times=1)


def test_an_app_is_stopped_started_and_restarted(there: Foundation, cf: CfDriver) -> None:
    assert "\nOK\n" in cf.output("stop", "dora")
    assert there.process("dora").app_state == "STOPPED"
    for command in ("start", "restart"):
        assert re.search(r"^#0\s+running ", cf.output(command, "dora"), re.MULTILINE)
        assert there.process("dora").app_state == "STARTED"


def test_a_rolling_restart_ends_with_a_new_process(there: Foundation, cf: CfDriver) -> None:
    before = there.process("dora").guid
    printed = cf.output("restart", "dora", "--strategy", "rolling")
    assert "Creating deployment for app dora...\n" in printed
    assert "Waiting for app to deploy...\n" in printed
    assert re.search(r"^#0\s+running ", printed, re.MULTILINE)
    assert there.process("dora").guid != before


def test_a_canary_waits_until_it_is_continued(there: Foundation, cf: CfDriver) -> None:
    before = there.process("dora").guid
    cf.output("restart", "dora", "--strategy", "canary")
    assert "Active deployment with status PAUSED" in cf.output("app", "dora")
    cf.output("continue-deployment", "dora")
    assert "Active deployment" not in cf.output("app", "dora")
    assert there.process("dora").guid != before


def test_a_deployment_is_cancelled(there: Foundation, cf: CfDriver) -> None:
    before = there.process("dora").guid
    cf.output("restart", "dora", "--strategy", "canary")
    cf.output("cancel-deployment", "dora")
    there.clock.advance("60s")
    assert "Active deployment" not in cf.output("app", "dora")
    assert there.process("dora").guid == before


def test_events_tell_what_was_done_newest_first(there: Foundation, cf: CfDriver) -> None:
    cf.scale("dora", instances=2)
    cf.stop("dora")
    assert cf.events("dora")[:2] == ["audit.app.stop", "audit.app.process.scale"]
    assert re.search(r"^\S+\s+audit\.app\.stop\s+admin\b", cf.output("events", "dora"), re.MULTILINE)


@pytest.mark.parametrize(
    "command",
    [
        ("orgs",),
        ("spaces",),
        ("org", "acme"),
        ("space", "dev"),
        ("env", "dora"),
        ("tasks", "dora"),
        ("revisions", "dora"),
        ("get-health-check", "dora"),
        ("get-readiness-health-check", "dora"),
        ("set-health-check", "dora", "process"),
        ("ssh-enabled", "dora"),
        ("app", "dora", "--guid"),
        ("packages", "dora"),
        ("droplets", "dora"),
        ("feature-flags",),
        ("feature-flag", "app_scaling"),
        ("org-users", "acme"),
        ("space-users", "acme", "dev"),
        ("services",),
        ("routes",),
        ("quotas",),
        ("isolation-segments",),
        ("oauth-token",),
    ],
    ids=" ".join,
)
def test_what_else_is_asked_of_a_foundation_is_answered(
    there: Foundation, cf: CfDriver, command: tuple[str, ...]
) -> None:
    cf.output(*command)
    assert [each.line for each in there.requests() if (each.status or 0) >= 500] == []


def test_any_path_can_be_asked(there: Foundation, cf: CfDriver) -> None:
    printed = cf.output("curl", "/v3/processes?per_page=1")
    assert '"total_results": 2' in printed or '"total_results":2' in printed


REFUSALS = [
    ("alice", ("scale", "dora", "-i", "100"), "memory quota_exceeded"),
    ("alice", ("scale", "dora", "-k", "9G", "-f"), "disk_quota too much disk requested"),
    ("otto", ("scale", "dora", "-i", "2"), "You are not authorized to perform the requested action"),
    ("alice", ("restart-app-instance", "dora", "9"), "Instance 9 of process web not found"),
    ("alice", ("scale", "dora", "--process", "nope", "-i", "2"), "Process nope not found"),
    ("alice", ("app", "nope"), "App 'nope' not found"),
]


@pytest.mark.parametrize(
    ("user", "command", "words"), REFUSALS, ids=lambda row: " ".join(row) if isinstance(row, tuple) else row
)
def test_what_is_refused_is_told(
    foundation: Foundation, cf: CfDriver, user: str, command: tuple[str, ...], words: str
) -> None:
    cf.log_in(foundation.url, user)
    with pytest.raises(ClientFailureError, match=words):
        cf.output(*command)


WORLDS = [
    ("organization-suspended", ("scale", "dora", "-i", "2"), "The organization is suspended"),
    ("scaling-disabled", ("scale", "dora", "-i", "2"), "Feature Disabled: app_scaling"),
    (
        "deployment-in-flight",
        ("scale", "dora", "-i", "2"),
        "Cannot scale this process while a deployment is in flight.",
    ),
    ("quota-instance-memory", ("scale", "dora", "-m", "900M", "-f"), "memory instance_memory_limit_exceeded"),
    ("quota-space", ("scale", "dora", "-m", "900M", "-f"), "memory space_quota_exceeded"),
    ("scheduler-unavailable", ("app", "dora"), "Stats unavailable: Stats server temporarily unavailable."),
    ("crash-loop", ("restart", "dora"), "All instances crashed"),
]


@pytest.mark.parametrize(
    ("scenario", "command", "words"), WORLDS, ids=lambda row: "" if isinstance(row, tuple) else row
)
def test_what_goes_wrong_in_the_world_is_told(
    foundation: Foundation, cf: CfDriver, scenario: str, command: tuple[str, ...], words: str
) -> None:
    foundation.clock.rate(FAST)
    cf.log_in(foundation.url, "alice")
    foundation.play(scenario)
    with pytest.raises(ClientFailureError, match=re.escape(words)):
        cf.output(*command)


def test_a_wrong_password_is_told_in_its_friendly_words(server: Server, cf: CfDriver) -> None:
    foundation = server.foundation(None, seed={"users": [{"name": "alice", "password": "s3cret"}], "organizations": []})
    cf.output("api", foundation.url)
    with pytest.raises(ClientFailureError, match=r"Credentials were rejected, please try again\."):
        cf.output("auth", "alice", "wrong")


def test_an_instance_is_killed_twice_when_the_answer_is_lost(there: Foundation, cf: CfDriver) -> None:
    """Its fault: cf repeats every request but a POST, also one that may have been done."""
    rule = {
        "operation": ["terminateProcessInstance", "terminateProcessInstanceForApp"],
        "times": 1,
        "respond": {"fault": "reset", "phase": "after"},
    }
    there.play({"scenario": "lost-kill", "rules": [rule]})
    assert "\nOK\n" in cf.output("restart-app-instance", "dora", "0")
    audit = there.retries()
    assert (audit.repeats, audit.twice) == (1, 1)


def test_a_token_that_the_server_refuses_is_not_refreshed(there: Foundation, cf: CfDriver) -> None:
    """Its fault: cf looks at a token's own end by its own clock, and nowhere else."""
    there.play("token-expires")
    with pytest.raises(ClientFailureError, match="Invalid Auth Token"):
        cf.output("scale", "dora", "-i", "3")


def test_a_push_ends_with_what_to_seed_instead(there: Foundation, cf: CfDriver, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("hello")
    with pytest.raises(ClientFailureError, match=r"mockfoundry stages nothing .* in the seed file"):
        cf.output("push", "hello", "-p", str(tmp_path))
    assert cf.apps() == ["dora"]
