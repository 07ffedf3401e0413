"""The journal says how many bytes of an answer's body really went out, also where a fault or a client cut it short."""

import threading
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests import plain_http
from tests.serving import ADMIN, WEB, Serving
from tests.waiting import eventually, must_end

DEFAULT = "/__mock/foundations/default"
SCALE = f"/v3/processes/{WEB}/actions/scale"


def entry_of(server: Serving, respond: dict[str, Any]) -> dict[str, Any]:
    """The journal's entry of a scale that a rule answers, once its bytes are known."""
    scenario = {"scenario": "broken", "rules": [{"operation": "scaleProcess", "respond": respond}]}
    assert server.client.put(f"{DEFAULT}/scenarios/broken", json=scenario).is_success
    with suppress(httpx.HTTPError):
        plain_http.post(server.url + SCALE, json={"instances": 2}, headers=ADMIN)
    return settled_entry(server)


def settled_entry(server: Serving) -> dict[str, Any]:
    """The journal's last entry of a scale, as soon as it says how many bytes went out."""

    def settled() -> list[dict[str, Any]]:
        entries = server.client.get(f"{DEFAULT}/requests?operation=scaleProcess").json()["requests"]
        return [each for each in entries[-1:] if each["bytes_sent"] is not None]

    return eventually(settled, what="the journal says how many bytes of the last scale's answer went out")[0]


def length(entry: dict[str, Any]) -> int:
    return int(entry["answer_headers"]["content-length"])


@pytest.mark.parametrize("fault", ["reset", "empty", "garbage"])
def test_nothing_of_the_answer_went_out(server: Serving, fault: str) -> None:
    assert entry_of(server, {"fault": fault, "phase": "after"})["bytes_sent"] == 0


def test_half_of_the_answer_went_out(server: Serving) -> None:
    entry = entry_of(server, {"fault": "truncate", "phase": "after"})
    assert entry["bytes_sent"] == length(entry) // 2 > 0


def test_all_of_it_went_out(server: Serving) -> None:
    entry = entry_of(server, {"headers": {"X-Seen": "yes"}})
    assert entry["bytes_sent"] == length(entry) > 0


def test_while_an_answer_is_held_nothing_is_known_of_it(server: Serving) -> None:
    held = {"operation": "scaleProcess", "respond": {"hold": {"at": "after-commit", "name": "gate"}}}
    assert server.client.put(f"{DEFAULT}/scenarios/held", json={"scenario": "held", "rules": [held]}).is_success
    waiting = threading.Thread(target=lambda: server.scale({"instances": 2}))
    waiting.start()
    asked = {"operation": "scaleProcess", "within": "60s"}
    assert server.client.post(f"{DEFAULT}/verify", json=asked).json()["result"] == "holds"
    entry = server.client.get(f"{DEFAULT}/requests?operation=scaleProcess").json()["requests"][0]
    assert (entry["kept"], entry["bytes_sent"]) == (True, None)
    assert server.client.post(f"{DEFAULT}/holds/gate/release").json() == {"released": 1}
    must_end(waiting)
    entry = settled_entry(server)
    assert entry["bytes_sent"] == length(entry)


def test_head_sends_no_body(server: Serving) -> None:
    server.client.head("/v3/processes")
    entry = server.client.get(f"{DEFAULT}/requests").json()["requests"][-1]
    assert (entry["method"], entry["bytes_sent"]) == ("HEAD", 0)
