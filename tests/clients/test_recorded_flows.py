"""The flows of four real clients, kept as they sent them: each request gets the answer that its client can use."""

import re

import httpx
import pytest

from mockfoundry.client.foundation import Foundation
from mockfoundry.client.server import Server
from tests import plain_http
from tests.clients.needed_fields import NEEDED_FIELDS, missing_fields
from tests.clients.recorded import RecordedPlayer, RecordedRequest, prepare, read_flows

FLOWS = read_flows()

SHOWN = frozenset({"python: the whole flow", "go: the whole flow", "java: the whole flow", "cf login", "cf scale -i 3"})
"""The flows that are played in both forms every day."""


@pytest.mark.parametrize("flow", FLOWS)
def test_each_answer_has_the_recorded_status_and_what_the_client_needs(server: Server, flow: str) -> None:
    foundation = server.foundation()
    must_play(flow, foundation, foundation.url, "admin")


@pytest.mark.parametrize(
    "flow", [pytest.param(flow, marks=() if flow in SHOWN else pytest.mark.long) for flow in FLOWS]
)
def test_a_user_who_names_the_foundation_gets_the_same(server: Server, flow: str) -> None:
    """At the server's own address, where only the log-in says whose foundation it is."""
    foundation = server.foundation()
    must_play(flow, foundation, server.url, f"admin@{foundation.name}")


def must_play(flow: str, foundation: Foundation, url: str, user: str) -> None:
    with plain_http.client(base_url=url) as client:
        player = RecordedPlayer(client, foundation, user)
        player.begin()
        prepare(foundation, flow)
        for recorded, answer in player.play(FLOWS[flow]):
            must_do(recorded, answer)


def must_do(recorded: RecordedRequest, answer: httpx.Response | httpx.TransportError | None) -> None:
    """Fails where an answer is not what the recorded client had, or lacks what it can't do without."""
    assert answer is not None, f"{recorded.method} {recorded.path}: no answer said what this asks for"
    if isinstance(answer, httpx.TransportError):
        assert recorded.status is None, f"{recorded.method} {recorded.path}: no answer came: {answer!r}"
        return
    request = f"{recorded.method} {answer.request.url}"
    assert answer.status_code == recorded.status, f"{request}: {answer.text}; {answer.headers.get('x-mock-why')}"
    if answer.is_success and answer.content:
        path = re.sub(r"^/foundations/[^/]+", "", answer.request.url.path)
        assert missing_fields(recorded.client, recorded.method, path, answer.json()) == [], request


def test_there_are_flows_of_each_client() -> None:
    assert {request.client for flow in FLOWS.values() for request in flow} == set(NEEDED_FIELDS)


def test_every_need_is_met_by_a_recorded_request() -> None:
    """A need whose request no flow sends would hold nothing."""
    sent = {
        (each.client, each.method, re.sub(r"\{[a-z ]+\}", "G", each.path).partition("?")[0])
        for flow in FLOWS.values()
        for each in flow
    }
    unused = [
        (client, method, pattern)
        for client, needs in NEEDED_FIELDS.items()
        for method, pattern, _ in needs
        if not any(to == client and by == method and re.fullmatch(pattern, path) for to, by, path in sent)
    ]
    assert unused == []
