"""The failures that every client is made to meet, and what was seen then. Decides nothing about right and wrong."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from mockfoundry.client.foundation import Foundation
from tests.clients.driving import ClientDriver, ClientFailureError
from tests.serving import WEB

ROOT = Path(__file__).parents[2]
OBSERVATIONS_FILE = Path(__file__).parent / "observed_failures.json"

OPERATIONS = {
    "scale": ("scaleProcess", "scaleProcessForApp"),
    "stats": ("getProcessStats", "getProcessStatsForApp"),
    "terminate": ("terminateProcessInstance", "terminateProcessInstanceForApp"),
    "update": ("updateProcess", "updateProcessForApp"),
}
"""What a client is asked to do, and the operations by which clients do it."""


class ClientFailure(msgspec.Struct, frozen=True):
    """One failure of one call.

    Attributes:
        call: a name of OPERATIONS.
        name: in the document's words.
        respond: what a scenario's rule answers; empty where `given` alone makes the failure.
        times: how often; None for ever.
        given: what the scenario changes in the world.
    """

    call: str
    name: str
    respond: Mapping[str, Any] = {}
    times: int | None = 1
    given: Mapping[str, Any] = {}

    @property
    def key(self) -> str:
        return f"{self.call}: {self.name}"

    def scenario(self) -> dict[str, Any]:
        """The value of a scenario file that makes the failure."""
        made: dict[str, Any] = {"scenario": re.sub("[^a-z0-9]+", "-", self.key.lower()).strip("-")}
        if self.given:
            made["given"] = self.given
        if self.respond:
            rule: dict[str, Any] = {"operation": list(OPERATIONS[self.call]), "respond": dict(self.respond)}
            made["rules"] = [rule if self.times is None else {**rule, "times": self.times}]
        return made


CONFLICT = {"error": "CF-Conflict", "detail": "Scale is already in progress"}
UNAVAILABLE = {"error": "CF-ServiceUnavailable"}
NO_TOKEN = {"error": "CF-InvalidAuthToken"}
GATEWAY = {
    "status": 502,
    "text": "<html><body><h1>502 Bad Gateway</h1></body></html>",
    "headers": {"Content-Type": "text/html"},
    "undocumented": True,
}


def limited(seconds: int) -> dict[str, Any]:
    return {"error": "CF-RateLimitExceeded", "headers": {"Retry-After": str(seconds)}}


def unavailable(seconds: int) -> dict[str, Any]:
    return {**UNAVAILABLE, "headers": {"Retry-After": str(seconds)}}


FAILURES = (
    ClientFailure("scale", "409 once", CONFLICT),
    ClientFailure("scale", "422, quota", given={"organizations": [{"name": "acme", "quota": {"total_instances": 2}}]}),
    ClientFailure(
        "scale",
        "422, deployment in flight",
        {"error": "CF-UnprocessableEntity", "detail": "Cannot scale this process while a deployment is in flight."},
    ),
    ClientFailure("scale", "429 once, Retry-After 1", limited(1)),
    ClientFailure("scale", "503 twice, Retry-After 2", unavailable(2), times=2),
    ClientFailure("scale", "503 once, no Retry-After", UNAVAILABLE),
    ClientFailure("scale", "500 once", {"error": "UnknownError"}),
    ClientFailure("scale", "502 once, HTML of a gateway", GATEWAY),
    ClientFailure("scale", "reset before the change", {"fault": "reset"}),
    ClientFailure("scale", "answer lost: reset after the change", {"fault": "reset", "phase": "after"}),
    ClientFailure("scale", "answer lost: end of file after the change", {"fault": "empty", "phase": "after"}),
    ClientFailure("scale", "truncated after the change", {"fault": "truncate", "phase": "after"}),
    ClientFailure("scale", "garbage after the change", {"fault": "garbage", "phase": "after"}),
    ClientFailure("scale", "401 once, code 1000", NO_TOKEN),
    ClientFailure("scale", "401 for ever, code 1000", NO_TOKEN, times=None),
    ClientFailure("scale", "403 once", {"error": "CF-NotAuthorized"}),
    ClientFailure("stats", "503 once, Retry-After 1", unavailable(1)),
    ClientFailure("stats", "503 five times", UNAVAILABLE, times=5),
    ClientFailure("stats", "500 once", {"error": "UnknownError"}),
    ClientFailure("stats", "429 once, Retry-After 1", limited(1)),
    ClientFailure("stats", "reset once", {"fault": "reset"}),
    ClientFailure("stats", "end of file once", {"fault": "empty"}),
    ClientFailure("terminate", "409 once", CONFLICT),
    ClientFailure("terminate", "503 once, before the change", UNAVAILABLE),
    ClientFailure("terminate", "503 once, after the change", {**UNAVAILABLE, "phase": "after"}),
    ClientFailure("terminate", "answer lost: reset after the change", {"fault": "reset", "phase": "after"}),
    ClientFailure("update", "503 once", UNAVAILABLE),
    ClientFailure("update", "answer lost: reset after the change", {"fault": "reset", "phase": "after"}),
)


class FailureSeen(msgspec.Struct, frozen=True):
    """What came of a failure.

    Attributes:
        sent: how often the client sent the request.
        done: how often the world was changed by it.
        honoured: whether it waited as long as Retry-After said; None where it repeated nothing after such an answer.
        words: what the client's user sees; empty where it sees no failure.
    """

    sent: int
    done: int
    honoured: bool | None
    words: str


def observe(client: ClientDriver, foundation: Foundation, failure: ClientFailure) -> FailureSeen:
    """Has a client meet a failure, and looks at what it did, and at what its user sees."""
    foundation.play(failure.scenario())
    words = ""
    try:
        ask(client, failure.call)
    except ClientFailureError as error:
        words = without_chance(str(error))
    exchanges = [
        each
        for each in foundation.requests(operation=OPERATIONS[failure.call])
        if WEB in each.path or "/processes/web" in each.path
    ]
    repeats = [repeat for chain in foundation.retries().chains for repeat in chain.repeats]
    honoured = [repeat.honoured for repeat in repeats if repeat.honoured is not None]
    return FailureSeen(
        len(exchanges), sum(each.changed for each in exchanges), all(honoured) if honoured else None, words
    )


def ask(client: ClientDriver, call: str) -> None:
    if call == "scale":
        client.scale("dora", instances=3)
    elif call == "stats":
        client.states("dora")
    elif call == "terminate":
        client.terminate("dora", 0)
    else:
        client.check_health_by("dora", "process")


CHANCE = (
    (re.compile(r"http://127\.0\.0\.1:\d+/foundations/[^/\"' ]+"), "URL"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "URL"),
    (re.compile(r"/foundations/[^/\"' ]+"), ""),
    (re.compile(r"127\.0\.0\.1:\d+"), "ADDRESS"),
    (re.compile(r" - vcap-request-id = \S+"), ""),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "GUID"),
    (re.compile(r"0x[0-9a-f]+"), "0x…"),
    (re.compile(r"IncompleteRead\(\d+ bytes read, \d+ more expected\)"), "IncompleteRead(…)"),
    (re.compile(r"ConnectionResetError\(\d+, "), "ConnectionResetError("),
    (re.compile("UNPROCESSABLE_CONTENT"), "UNPROCESSABLE_ENTITY"),
    (re.compile(r"\s+"), " "),
)
"""What differs from run to run, or from one Python to the next, and what stands in its place."""


def without_chance(words: str) -> str:
    for found, instead in CHANCE:
        words = found.sub(instead, words)
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in words.strip())


def read_observations() -> dict[str, dict[str, FailureSeen]]:
    """By client and failure, what was seen when the clients were last run."""
    return msgspec.json.decode(OBSERVATIONS_FILE.read_bytes(), type=dict[str, dict[str, FailureSeen]])


def write_observations(seen: Mapping[str, Mapping[str, FailureSeen]]) -> None:
    text = json.dumps(msgspec.to_builtins(seen), indent=1, ensure_ascii=False)
    OBSERVATIONS_FILE.write_text(text + "\n", encoding="utf-8")
