"""Peers: the other shards of a server, asked for what a list or the coverage shows of all. Called in the worker room.

A shard that does not answer in time, or answers otherwise than this version does, is named in the answer, and hides
nothing of the others.
"""

import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Timer
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from mockfoundry.exchange.request import CONTROL_PATH

TIMEOUT_SECONDS = 3.0
"""How long a shard may take to be reached, and then for its whole answer."""

MOST_BYTES = 64 * 1024 * 1024
MOST_THREADS = 8

Told = TypeVar("Told")


class Peers(NamedTuple):
    """The shards that a server may ask.

    Attributes:
        urls: in the order of their numbers.
        own: the number of this one.
        token: of the control API; all shards have the same.
    """

    urls: tuple[str, ...] = ()
    own: int = 0
    token: str = ""


class PeerFoundation(msgspec.Struct, frozen=True):
    """A foundation in the list of a shard."""

    name: str
    requests: int


class PeerList(msgspec.Struct, frozen=True):
    """The list of a shard."""

    foundations: list[PeerFoundation]


class PeerSquare(msgspec.Struct, frozen=True):
    """One answer in the coverage of a shard; the attributes are CoverageItem's."""

    operation: str
    status: int
    fault: str
    phase: str
    times: int


class PeerCoverage(msgspec.Struct, frozen=True):
    """What the coverage of a shard has counted; the attributes are ContractCoverage's."""

    squares: list[PeerSquare]
    undocumented: dict[str, dict[int, int]]
    unanswered: dict[str, int]


class PeerAnswers(NamedTuple, Generic[Told]):
    """What the others said.

    Attributes:
        told: in the order of the shards.
        unreachable: `shard` and `reason` of each that gave no answer.
    """

    told: list[Told]
    unreachable: list[dict[str, Any]]


def ask_peers(peers: Peers, path: str, query: Mapping[str, str], form: type[Told]) -> PeerAnswers[Told]:
    """What all others answer to a GET of the control API about what they have themselves.

    Args:
        form: of an answer.
    """
    target = f"{CONTROL_PATH}{path}?{urlencode({**query, 'shards': 'own'})}"
    others = [(number, url) for number, url in enumerate(peers.urls) if number != peers.own]
    told: list[Told] = []
    unreachable: list[dict[str, Any]] = []
    if not others:
        return PeerAnswers(told, unreachable)
    with ThreadPoolExecutor(min(len(others), MOST_THREADS), "mockfoundry-peers") as pool:
        asked = pool.map(lambda other: ask_peer(other[1], target, peers.token, form), others)
        for (number, _), answer in zip(others, asked, strict=True):
            if isinstance(answer, PeerError):
                unreachable.append({"shard": number, "reason": str(answer)})
            else:
                told.append(answer)
    return PeerAnswers(told, unreachable)


class PeerError(Exception):
    """A shard gave no answer that can be used; the text says why."""


def ask_peer(url: str, target: str, token: str, form: type[Told]) -> Told | PeerError:
    """What a shard answers, or why that can't be used."""
    split = urlsplit(url)
    connect = HTTPSConnection if split.scheme == "https" else HTTPConnection
    connection = connect(split.netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.connect()
        # The connection's own time-out is for each part that comes, and a shard may drip.
        deadline = Timer(TIMEOUT_SECONDS, partial(break_off, connection.sock))
        deadline.daemon = True
        deadline.start()
        try:
            connection.request("GET", target, headers={"X-Mock-Control-Token": token} if token else {})
            response = connection.getresponse()
            content = response.read(MOST_BYTES + 1)
        finally:
            deadline.cancel()
        if response.status != 200:
            return PeerError(f"{url} answered {response.status}")
        if len(content) > MOST_BYTES:
            return PeerError(f"{url} answered more than {MOST_BYTES} bytes")
        return msgspec.json.decode(content, type=form)
    except (msgspec.DecodeError, RecursionError):
        return PeerError(f"{url} answers otherwise than mockfoundry of this version")
    except (OSError, HTTPException) as error:
        return PeerError(f"{url}: {error or type(error).__name__}")
    finally:
        connection.close()


def break_off(connected: socket.socket) -> None:
    """Ends a connection for whoever reads from it in another thread."""
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
