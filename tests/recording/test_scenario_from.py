"""A scenario of a recording: a client meets the recorded failures again, and no others."""

from pathlib import Path

import httpx
import pytest

from mockfoundry.client.foundation import Foundation
from mockfoundry.client.in_process import InProcess
from mockfoundry.documents.problems import Document
from mockfoundry.options import ServerOptions
from mockfoundry.recording.comparison import compare_recording
from mockfoundry.recording.har import HarEntry, Recording
from mockfoundry.recording.scenario_from import list_odd_statuses, scenario_from_recording
from tests.recording.recorded import get, post, record_foundation

BEARER = (("authorization", "bearer [redacted 00000000]"),)
JSON = (("content-type", "application/json; charset=utf-8"),)


def test_recorded_failures_are_met_again(
    server: InProcess, foundation: Foundation, client: httpx.Client, tmp_path: Path
) -> None:
    """Those of a scenario are in it; a refusal of the world's own is not, since the world gives it again."""
    foundation.play("conflict-then-ok")
    app = client.get("/v3/apps?names=dora").json()["resources"][0]["guid"]
    scale = f"/v3/processes/{app}/actions/scale"
    more = [post(scale, {"instances": each}) for each in (3, 3, -1)]
    session = record_foundation(server, foundation.url, tmp_path / "a.har", [get("/v3/apps"), *more])
    assert [each.status_code for each in session.answers] == [200, 409, 202, 422]
    scenario = scenario_from_recording(session.recording, ServerOptions(), "a.har")
    assert scenario is not None
    assert scenario.name == "scale-409"
    played = ServerOptions(scenarios=(Document(scenario.to_yaml(), "seen.yaml"),))
    assert compare_recording(session.recording, played, "a.har").differences == []


def test_other_failures_keep_what_clients_act_upon() -> None:
    """The status, the body and Retry-After; a connection that broke is reset."""
    answers = [
        HarEntry(started=1, method="GET", url="https://api/v3/processes", headers=BEARER, status=0),
        HarEntry(
            started=2,
            method="GET",
            url="https://api/v3/processes",
            headers=BEARER,
            status=503,
            answer_headers=(("content-type", "text/html"), ("retry-after", "7")),
            answer=b"<p>away</p>",
        ),
        HarEntry(
            started=3, method="GET", url="https://api/v3/apps", headers=BEARER, status=200, answer_headers=JSON,
            answer=b'{"pagination": {}, "resources": []}',
        ),
    ]  # fmt: skip
    scenario = scenario_from_recording(Recording(tuple(answers)), ServerOptions(), "a.har")
    assert scenario is not None
    later, first = (rule.respond for rule in scenario.rules)
    assert first is not None
    assert later is not None
    assert first.fault == "reset"
    assert (later.status, later.text, dict(later.headers)) == (
        503,
        "<p>away</p>",
        {"retry-after": "7", "Content-Type": "text/html"},
    )
    assert [rule.after for rule in scenario.rules] == [1, 0]


@pytest.mark.parametrize("status", [200, 404])
def test_where_nothing_failed_there_is_no_scenario(status: int) -> None:
    """Or where mockfoundry answers the same by itself."""
    body = b'{"errors":[{"detail":"Process not found","title":"CF-ResourceNotFound","code":10010}]}'
    answer = HarEntry(
        started=1,
        method="GET",
        url="https://api/v3/processes/none",
        headers=BEARER,
        status=status,
        answer_headers=JSON,
        answer=body,
    )
    assert scenario_from_recording(Recording((answer,)), ServerOptions(), "a.har") is None


def test_a_status_that_no_server_can_send_is_left_out() -> None:
    """A rule can't give it, so a scenario with it would be none."""
    answers = [
        HarEntry(started=number, method="GET", url="https://api/v3/processes", headers=BEARER, status=status)
        for number, status in enumerate((999, 600, 101, 200))
    ]
    recording = Recording(tuple(answers))
    assert scenario_from_recording(recording, ServerOptions(), "a.har") is None
    assert list_odd_statuses(recording) == [600, 999]
