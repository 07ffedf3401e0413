"""Repeated heads: a request whose header lines came before is answered as if a parser had read it, and sooner."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockfoundry.exchange.request import read_request
from mockfoundry.server import heads, protocol
from tests.searching import examples
from tests.server.test_doors import Pair, pair
from tests.serving import WEB, Serving, real_now
from tests.waiting import DEADLINE_SECONDS

__all__ = ["pair"]

DEFAULT = "/__mock/foundations/default"
SCENARIOS = f"{DEFAULT}/scenarios"
PATH = f"/v3/processes/{WEB}".encode()
HOST = b"Host: h\r\n"
TOKEN = b"Authorization: bearer a\r\n"
JSON = b"Content-Type: application/json\r\nContent-Length: 16\r\n"
BODY = b'{"instances": 2}'
GET = b"GET %s HTTP/1.1\r\n" % PATH + HOST + TOKEN + b"\r\n"
SCALE = b"POST %s/actions/scale HTTP/1.1\r\n" % PATH + HOST + TOKEN + JSON + b"\r\n"

LINES = [
    b"GET " + PATH,
    b"GET /v3/processes?per_page=2&page=1",
    b"GET " + PATH + b"/stats",
    b"GET " + PATH + b"?",
    b"GET /v3/processes?a=b?c#d",
    b"GET /v3/processes&per_page=2",
    b"GET /v3/processes;per_page=2?page=%31&page=2",
    b"GET //v3//processes",
    b"GET http://other/v3/processes",
    b"GET /v3/processes/%FF",
    b"GET /v3/processes?x=long",
    b"GET /v3/processes?x=longer",
    b"GET /__mock/health",
    b"HEAD " + PATH,
    b"OPTIONS " + PATH,
    b"POST " + PATH + b"/actions/scale",
    b"PATCH " + PATH,
    b"PUT " + PATH,
    b"DELETE " + PATH + b"/instances/0",
    b"GET",
    b"get " + PATH,
]
CHUNKED = b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
MESSAGES = [
    HOST + TOKEN + b"\r\n",
    HOST + TOKEN + b"X-Mock-Foundation: one\r\n\r\n",
    HOST + TOKEN + b"X-Mock-Scenario: conflict\r\n\r\n",
    HOST + TOKEN + b"Connection: close\r\n\r\n",
    HOST + TOKEN + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    HOST + TOKEN + JSON + b"\r\n" + BODY,
    HOST + TOKEN + JSON + b"\r\n" + b'{"instances":-1}',
    HOST + TOKEN + CHUNKED + b"\r\n10\r\n" + BODY + b"\r\n0\r\n\r\n",
    HOST + TOKEN + CHUNKED + b"\r\n0\r\n\r\n",
    HOST + HOST + b"\r\n",
    HOST + b" folded: value\r\n\r\n",
    b"Host: two.localhost\r\n" + TOKEN + b"\r\n",
    TOKEN + b"\r\n",
]


class Conversation:
    """A connection on which each request is sent as one piece, once the one before it was answered."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._behind = b""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def begin(self, part: bytes) -> None:
        """Sends what is no whole request, or several."""
        self._connection.sendall(part)

    def send(self, request: bytes) -> bytes:
        """The answer to a request; what came of it where the server closed the connection."""
        self._connection.sendall(request)
        return self.receive(has_body=not request.startswith(b"HEAD "))

    def receive(self, has_body: bool = True) -> bytes:
        received, self._behind = self._behind, b""
        try:
            while b"\r\n\r\n" not in received or (has_body and len(received) < size_of(received)):
                data = self._connection.recv(65536)
                if not data:
                    break
                received += data
        except ConnectionError:
            received += b"(reset)"
        if has_body:
            size = size_of(received)
            received, self._behind = received[:size], received[size:]
        return received


def size_of(answer: bytes) -> int:
    """Bytes of an answer whose head has come, by its Content-Length."""
    head = answer.partition(b"\r\n\r\n")[0]
    lengths = [line.partition(b":")[2] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return len(head) + 4 + int(lengths[0] if lengths else b"0")


@contextmanager
def talking(server: Serving) -> Iterator[Conversation]:
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=DEADLINE_SECONDS) as connection:
        yield Conversation(connection)


@pytest.fixture
def talk(server: Serving) -> Iterator[Conversation]:
    """A connection whose header lines have come twice, with a read and with a scale."""
    with talking(server) as conversation:
        for _ in range(2):
            assert conversation.send(GET).startswith(b"HTTP/1.1 200 ")
            assert conversation.send(SCALE + BODY).startswith(b"HTTP/1.1 202 ")
        yield conversation


def sorted_lines(answer: bytes) -> list[bytes]:
    """An answer, its headers in the order of their names, as the doors differ in that."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return [*sorted(line for line in head.split(b"\r\n") if not line.startswith(b"transfer-encoding")), body]


@settings(max_examples=examples(40))
@given(requests=st.lists(st.tuples(st.sampled_from(LINES), st.sampled_from(MESSAGES)), min_size=1, max_size=5))
def test_each_is_answered_as_by_the_other_door(pair: Pair, requests: list[tuple[bytes, bytes]]) -> None:
    """That one remembers nothing. Each request is sent three times, so that there is nothing new in the last one."""
    answers: list[list[list[bytes]]] = []
    for server in (pair.protocol, pair.asgi):
        for foundation in server.service.registry:
            server.service.registry.create(foundation.name, None, real_now())
        answers.append([])
        for line, message in requests:
            with talking(server) as conversation:
                # They are written out here, since Hypothesis prints what it draws.
                written = line.replace(b"longer", b"x" * 40_000).replace(b"long", b"x" * 9_000)
                request = written + b" HTTP/1.1\r\n" + message
                for _ in range(3):
                    answer = conversation.send(request)
                    answers[-1].append(sorted_lines(answer))
                    if b"connection: close" in answer:
                        break
    assert answers[0] == answers[1]


def test_what_a_parser_has_read_once_it_does_not_read_again(
    talk: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "read_request", lambda *_: 1 // 0)
    assert talk.send(GET).startswith(b"HTTP/1.1 200 ")
    assert talk.send(SCALE + BODY).startswith(b"HTTP/1.1 202 ")
    assert talk.send(GET.replace(WEB.encode(), b"another")).startswith(b"HTTP/1.1 404 ")
    assert talk.send(GET.replace(b"bearer a", b"bearer b")).startswith(b"HTTP/1.1 500 ")


def test_a_connection_whose_heads_are_all_different_is_served_on(talk: Conversation, server: Serving) -> None:
    for number in range(protocol.MAX_UNKNOWN_HEADS + 2):
        assert status_of(talk.send(GET.replace(b"Host: h", b"Host: h%d" % number))) == 200
    before = count_scales(server)
    assert status_of(talk.send(SCALE + BODY)) == 202
    assert count_scales(server) == before + 1


def test_the_rest_of_a_request_is_waited_for(talk: Conversation, server: Serving) -> None:
    """Before some of these cuts stand header lines that are known: of a head without a token, and of the whole."""
    hosts_alone = GET.replace(TOKEN, b"")
    assert [status_of(talk.send(hosts_alone)) for _ in range(3)] == [401] * 3
    request = SCALE + BODY
    for cut in (1, 20, SCALE.index(b"\r\n"), SCALE.index(TOKEN) - 2, len(SCALE) - 4, len(SCALE) - 2, len(SCALE), -5):
        talk.begin(request[:cut])
        # Answered behind what has begun, which is read by then.
        before = count_scales(server)
        assert status_of(talk.send(request[cut:])) == 202
        assert count_scales(server) == before + 1


def test_requests_that_come_together_are_all_answered(talk: Conversation) -> None:
    talk.begin(GET + SCALE + BODY + GET)
    assert [status_of(talk.receive()) for _ in range(3)] == [200, 202, 200]


@pytest.mark.parametrize("respond", [{"fault": "truncate", "phase": "after"}, {"delay": "1ms", "phase": "after"}])
def test_an_answer_that_can_not_be_sent_at_once_is_made_once(
    talk: Conversation, server: Serving, respond: dict[str, str]
) -> None:
    rule = {"operation": "scaleProcess", "respond": respond}
    switched = server.client.put(f"{SCENARIOS}/slow", json={"scenario": "slow", "rules": [rule]})
    assert switched.status_code < 300
    before = count_scales(server)
    answer = talk.send(SCALE + BODY)
    assert status_of(answer) == 202
    assert (len(answer) < size_of(answer)) == ("fault" in respond)
    assert count_scales(server) == before + 1


def test_a_failure_of_a_door_is_no_fault_of_the_client(
    talk: Conversation, server: Serving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(protocol, "handle_request", lambda *_: 1 // 0)
        answer = talk.send(GET)
        assert status_of(answer) == 500
        assert b"connection: close" in answer
    assert "ZeroDivisionError" in caplog.text
    assert server.client.get("/v3/processes").status_code == 200


def test_what_is_no_request_is_refused_behind_one_that_was_known(talk: Conversation) -> None:
    """With a body, though the parser has read nothing since a request that wanted none."""
    assert status_of(talk.send(GET.replace(b"GET", b"HEAD"))) == 200
    assert status_of(talk.send(GET)) == 200
    answer = talk.send(b"get / HTTP/1.1\r\n\r\n")
    assert status_of(answer) == 400
    assert answer.endswith(b'"code":990034}]}')


def learn(known: heads.KnownHeads, data: bytes) -> None:
    for _ in range(2):
        known.learn(data, 40, 0, lambda: read_request("GET", "/", b"", [(b"host", b"h")], b"", "http", 0))


def test_a_server_remembers_a_bounded_number_of_header_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "MAX_KNOWN_HEADS", 3)
    known = heads.KnownHeads(1000)
    requests = [GET.replace(b"Host: h", b"Host: h%d" % number) for number in range(5)]
    for request in requests:
        learn(known, request)
    assert [known.read_request(request, 0) is not None for request in requests] == [False] * 3 + [True] * 2
    long = GET.replace(b"Host: h", b"Host: h\r\nX-Long: " + b"x" * heads.MAX_KNOWN_HEAD_BYTES)
    learn(known, long)
    assert known.read_request(long, 0) is None


def test_a_line_that_makes_the_head_too_large_is_left_to_the_parser() -> None:
    known = heads.KnownHeads(max_bytes=200)
    learn(known, GET)
    assert known.read_request(GET, 0) is not None
    assert known.read_request(GET.replace(b" HTTP", b"?" + b"x" * 200 + b" HTTP"), 0) is None


def status_of(answer: bytes) -> int:
    return int(answer.split()[1])


def count_scales(server: Serving) -> int:
    exchanges = server.client.get(f"{DEFAULT}/requests").json()["requests"]
    return sum(each["operation"] == "scaleProcess" for each in exchanges)
