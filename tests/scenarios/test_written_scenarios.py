"""The scenarios that scenarios/README.md writes, word for word: right as files, the same in Python, played over HTTP.

Then who, which process and the time in a state, over HTTP too.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from mockfoundry.contract.load import Contract
from mockfoundry.scenarios.format import read_scenario
from mockfoundry.scenarios.lint import check_scenario
from mockfoundry.scenarios.model import Respond, Rule, Scenario, When
from mockfoundry.scenarios.reference import README_FILE
from tests.cloudfoundry.logging_in import ask_uaa, basic, log_in
from tests.serving import WEB, Serving

FOUNDATION = "/__mock/foundations/default"
FOUNDATION = "/__mock/foundations/default"
WORKERS = ("3d2c35b6-6a1c-4d5e-9d0b-0c7f4dbf6a11", "9f0a8c1e-54a4-4cf3-8f0e-5c5b5f1d7a22")

SEED: dict[str, Any] = {
    "organizations": [
        {
            "name": "acme",
            "spaces": [
                {
                    "name": "dev",
                    "apps": [
                        {
                            "name": "dora",
                            "guid": "dora",
                            "processes": [
                                {"type": "web", "guid": WEB, "instances": 1, "memory_in_mb": 8},
                                {"type": "worker", "guid": WORKERS[0], "instances": 1, "memory_in_mb": 8},
                            ],
                        },
                        {"name": "other", "processes": [{"type": "worker", "guid": WORKERS[1], "memory_in_mb": 8}]},
                    ],
                }
            ],
        }
    ],
    "users": [
        {"name": "alice", "password": "secret", "spaces": {"acme/dev": ["space_developer"]}},
        {"name": "bob", "spaces": {"acme/dev": ["space_developer"]}},
    ],
    "clients": [{"id": "autoscaler", "secret": "s", "authorities": ["cloud_controller.admin"]}],
}

SCALES = ("scaleProcess", "scaleProcessForApp")
WORKER = When(process={"type": "worker"})

WRITTEN = {
    "ten-for-alice": Scenario(
        name="ten-for-alice",
        rules=(
            Rule(
                operation=SCALES,
                when=When(body={"instances": {"exclusiveMinimum": 10}}, user="alice"),
                respond=Respond(error="CF-UnprocessableEntity", detail="alice may have ten instances"),
            ),
        ),
    ),
    "busy-after-two": Scenario(
        name="busy-after-two",
        start="calm",
        rules=(
            Rule(operation=SCALES, state="calm", goto="busy", after=1, respond=Respond(phase="after")),
            Rule(state="busy", until=20_000_000, respond=Respond(error="CF-ServiceUnavailable")),
        ),
    ),
    "third-scale-lost": Scenario(
        name="third-scale-lost",
        start="calm",
        rules=(
            Rule(
                operation=SCALES,
                when=WORKER,
                per="process",
                state="calm",
                goto="lost",
                after=2,
                respond=Respond(fault="reset", phase="after"),
            ),
            Rule(
                operation=SCALES,
                when=WORKER,
                per="process",
                state="lost",
                until=5_000_000,
                respond=Respond(error="CF-Conflict"),
            ),
        ),
    ),
}
"""What the page's files say, in Python."""

TEXTS = {text.split()[1]: text for text in re.findall(r"```yaml\n(.*?)```", README_FILE.read_text("utf-8"), re.DOTALL)}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_the_page_writes_is_right_and_is_what_python_writes(
    name: str, contract: Contract, errors: Mapping[str, int]
) -> None:
    assert list(TEXTS) == list(WRITTEN)
    assert check_scenario(TEXTS[name], contract, errors) == []
    assert read_scenario(TEXTS[name], source=name) == WRITTEN[name]
    assert WRITTEN[name].to_yaml() == TEXTS[name]


@pytest.fixture
def play(serve: Callable[..., Serving]) -> Callable[..., Serving]:
    """A server that plays a scenario of the page, or of another text, its clock frozen."""

    def start(name: str, text: str = "") -> Serving:
        server = serve(seed=SEED)
        server.freeze()
        content, headers = text or TEXTS[name], {"Content-Type": "application/yaml"}
        played = server.client.put(f"{FOUNDATION}/scenarios/{name}", content=content, headers=headers)
        assert played.status_code == 200, played.text
        return server

    return start


def scale_as(server: Serving, token: str, instances: int, guid: str = WEB) -> httpx.Response:
    headers = {"Authorization": f"bearer {token}"} if token else {"Authorization": ""}
    return server.scale({"instances": instances}, guid=guid, headers=headers)


def test_alice_alone_is_refused_above_ten_whatever_her_token(play: Callable[..., Serving]) -> None:
    server = play("ten-for-alice")
    minted = log_in(server, "alice", "secret").json()["access_token"]
    for token in ("alice", minted):
        refused = scale_as(server, token, 11)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["detail"] == "alice may have ten instances"
        assert scale_as(server, token, 10).status_code == 202
    assert [scale_as(server, token, 11).status_code for token in ("bob", "admin", "unheard-of")] == [202, 202, 202]


def test_without_a_token_there_is_no_user_and_a_client_is_known_by_its_name(play: Callable[..., Serving]) -> None:
    server = play("ten-for-alice")
    form = {"grant_type": "client_credentials"}
    client = ask_uaa(server, form, authorization=basic("autoscaler", "s")).json()["access_token"]
    statuses = [scale_as(server, token, 11).status_code for token in ("", "bob", client)]
    assert statuses == [401, 202, 202]
    assert near_misses(server)[-3:] == [
        "scenario ten-for-alice, rule 1: user: wanted alice, got none (no token that is accepted)",
        "scenario ten-for-alice, rule 1: user: wanted alice, got bob",
        "scenario ten-for-alice, rule 1: user: wanted alice, got autoscaler",
    ]


def near_misses(server: Serving) -> list[str]:
    entries = server.client.get(f"{FOUNDATION}/requests").json()["requests"]
    return [each["near_miss"] for each in entries]


def test_twenty_seconds_after_the_second_scale_all_is_well_again(play: Callable[..., Serving]) -> None:
    server = play("busy-after-two")
    server.advance(100)
    statuses = [server.scale({"instances": count}).status_code for count in (-1, 2, -2, 3, 4)]
    server.advance(19.999999)
    late = server.client.get(f"/v3/processes/{WEB}")
    server.advance(0.000001)
    healed = server.scale({"instances": 5})
    assert [*statuses, late.status_code, healed.status_code] == [422, 202, 422, 202, 503, 503, 202]
    assert late.headers["x-mock-why"] == "scenario busy-after-two, rule 2, match 2, 19.999999s in state busy"


def test_a_workers_third_scale_is_lost_and_five_seconds_of_conflicts_follow(play: Callable[..., Serving]) -> None:
    server = play("third-scale-lost")
    by_app = "/v3/apps/dora/processes/worker/actions/scale"
    assert server.client.post(by_app, json={"instances": -1}).status_code == 422
    assert server.client.post(by_app, json={"instances": 2}).status_code == 202
    assert server.scale({"instances": 3}, guid=WORKERS[0]).status_code == 202
    assert scale_as(server, "", 4, WORKERS[0]).status_code == 401
    server.advance(60)
    with pytest.raises(httpx.ReadError):
        server.client.post(by_app, json={"instances": 4})
    server.advance(4.9)
    refused = server.scale({"instances": 5}, guid=WORKERS[0])
    # Neither the web process nor another app's worker has met anything.
    others = [server.scale({"instances": 5}, guid=guid).status_code for guid in (WEB, WORKERS[1])]
    kept = server.client.get(f"/v3/processes/{WORKERS[0]}").json()["instances"]
    server.advance(0.1)
    taken = server.scale({"instances": 5}, guid=WORKERS[0])
    assert (refused.status_code, others, kept, taken.status_code) == (409, [202, 202], 4, 202)
    assert refused.headers["x-mock-why"] == "scenario third-scale-lost, rule 2, match 1, 4.9s in state lost"


WHAT_AFTER_COUNTS: dict[str, tuple[str, list[str]]] = {
    "what has succeeded, where the answers follow on that": (
        "{operation: scaleProcess, after: 1, times: 1, respond: {error: CF-ServiceUnavailable, phase: after}}",
        ["422", "202", "422", "503", "202"],
    ),
    "what comes to the gateway, where the rule stands there": (
        "{operation: scaleProcess, at: gateway, after: 1, times: 1, respond: {status: 503, phase: after}}",
        ["422", "503", "422", "202", "202"],
    ),
    "what has succeeded, of what a rule before does not take": (
        "{operation: scaleProcess, times: 2, respond: {error: CF-Conflict}}\n"
        "  - {operation: scaleProcess, after: 1, times: 1, respond: {error: CF-ServiceUnavailable, phase: after}}",
        ["409", "409", "422", "202", "503"],
    ),
    "what has succeeded, though a rule after it changed the answer": (
        "{operation: scaleProcess, after: 1, times: 1, respond: {error: CF-ServiceUnavailable, phase: after}}\n"
        "  - {operation: scaleProcess, at: gateway, respond: {error: CF-Conflict, phase: after}}",
        ["422", "409", "422", "503", "409"],
    ),
    "what comes, where an answer of a sequence does not wait": (
        "{operation: scaleProcess, after: 1, sequence: [{error: CF-Conflict}, {status: 503, phase: after}]}",
        ["422", "409", "422", "503", "202"],
    ),
}
"""By what `after:` counts: the rules, and what the scales of COUNTED get."""

COUNTED = (-1, 2, -2, 3, 4)


@pytest.mark.parametrize("counts", WHAT_AFTER_COUNTS)
def test_after_counts(play: Callable[..., Serving], counts: str) -> None:
    rules, expected = WHAT_AFTER_COUNTS[counts]
    server = play("counted", f"scenario: counted\nrules:\n  - {rules}\n")
    assert [str(server.scale({"instances": count}).status_code) for count in COUNTED] == expected


THE_WORKER = """\
scenario: worker
rules:
  - when: {process: {type: worker, app: dora, space: dev, organization: {enum: [acme, other]}}}
    respond: {error: CF-ServiceUnavailable}
"""

ABOUT_ONE = [
    ("GET", ""),
    ("PATCH", ""),
    ("GET", "/stats"),
    ("GET", "/process_instances"),
    ("GET", "/sidecars"),
    ("POST", "/actions/scale"),
    ("DELETE", "/instances/0"),
]
"""The operations about one process, with what follows the process in the path."""


def test_every_operation_about_one_process_knows_which_directly_and_for_its_app(play: Callable[..., Serving]) -> None:
    server = play("worker", THE_WORKER)

    def statuses(prefix: str) -> list[int]:
        asked = [(method, end) for method, end in ABOUT_ONE if end != "/process_instances" or "/apps/" not in prefix]
        return [
            server.client.request(
                method, f"{prefix}{end}", json=None if method in ("GET", "DELETE") else {}
            ).status_code
            for method, end in asked
            if end != "/sidecars" or "/apps/" not in prefix
        ]

    assert set(statuses(f"/v3/processes/{WORKERS[0]}")) == {503}
    assert set(statuses("/v3/apps/dora/processes/worker")) == {503}
    for other in (f"/v3/processes/{WEB}", "/v3/apps/dora/processes/web", f"/v3/processes/{WORKERS[1]}"):
        assert 503 not in statuses(other)
    lists = ("/v3/processes", "/v3/apps/dora/processes", "/v3/apps/dora", "/v3/processes/unknown")
    assert [server.client.get(path).status_code for path in lists] == [200, 200, 200, 404]


FIRST_OF_EACH_USER = """\
scenario: first-of-each
rules:
  - {operation: scaleProcess, at: gateway, per: user, times: 1, respond: {error: CF-Conflict}}
"""


def test_a_user_who_logs_in_again_is_counted_on(play: Callable[..., Serving]) -> None:
    server = play("first-of-each", FIRST_OF_EACH_USER)
    minted = [log_in(server, "alice", "secret").json()["access_token"] for _ in range(2)]
    tokens = ["alice", *minted, "bob", "admin", "unheard-of", "", "another.bad.token"]
    statuses = [scale_as(server, token, 2).status_code for token in tokens]
    assert statuses == [409, 202, 202, 409, 409, 202, 409, 202]


def test_a_copy_is_as_long_in_its_state_and_goes_on_alone(play: Callable[..., Serving]) -> None:
    server = play("busy-after-two")
    assert [server.scale({"instances": count}).status_code for count in (2, 3)] == [202, 202]
    server.advance(15)
    copied = server.client.post(f"{FOUNDATION}/copy", json={"as": "second"})
    assert copied.status_code == 201, copied.text
    ask = f"/foundations/second/v3/processes/{WEB}"
    busy = server.client.get(ask)
    server.client.patch("/__mock/foundations/second/clock", json={"advance": "5s"})
    assert (busy.status_code, server.client.get(ask).status_code) == (503, 200)
    assert busy.headers["x-mock-why"] == "scenario busy-after-two, rule 2, match 1, 15s in state busy"
    assert server.client.get(f"/v3/processes/{WEB}").status_code == 503
