"""Peers: the other shards of a server, asked for what a list or the coverage shows of all. Called in the worker room.

A shard that does not answer in time is named in the answer, and hides nothing of the others.
"""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from mockfoundry.exchange.request import CONTROL_PATH

TIMEOUT_SECONDS = 3.0
MOST_BYTES = 64 * 1024 * 1024
MOST_THREADS = 8


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


class PeerAnswers(NamedTuple):
    """What the others said.

    Attributes:
        values: JSON's values, in the order of the shards.
        unreachable: `shard` and `reason` of each that gave no answer.
    """

    values: list[Any]
    unreachable: list[dict[str, Any]]


def ask_peers(peers: Peers, path: str, query: Mapping[str, str]) -> PeerAnswers:
    """What all others answer to a GET of the control API about what they have themselves."""
    target = f"{CONTROL_PATH}{path}?{urlencode({**query, 'shards': 'own'})}"
    others = [(number, url) for number, url in enumerate(peers.urls) if number != peers.own]
    if not others:
        return PeerAnswers([], [])
    values: list[Any] = []
    unreachable: list[dict[str, Any]] = []
    with ThreadPoolExecutor(min(len(others), MOST_THREADS), "mockfoundry-peers") as pool:
        for (number, _), (value, reason) in zip(
            others, pool.map(lambda other: ask_peer(other[1], target, peers.token), others), strict=True
        ):
            if reason:
                unreachable.append({"shard": number, "reason": reason})
            else:
                values.append(value)
    return PeerAnswers(values, unreachable)


def ask_peer(url: str, target: str, token: str) -> tuple[Any, str]:
    """What a shard answers, and why it does not; the second is empty where it does."""
    split = urlsplit(url)
    connect = HTTPSConnection if split.scheme == "https" else HTTPConnection
    try:
        connection = connect(split.netloc, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET", target, headers={"X-Mock-Control-Token": token} if token else {})
            response = connection.getresponse()
            content = response.read(MOST_BYTES)
        finally:
            connection.close()
        if response.status != 200:
            return None, f"{url} answered {response.status}"
        return json.loads(content), ""
    except (OSError, HTTPException, ValueError) as error:
        return None, f"{url}: {error or type(error).__name__}"


def iterate_values(answers: PeerAnswers, key: str) -> Iterator[Any]:
    """What the lists of that key hold, shard by shard; an answer of another form has none."""
    for value in answers.values:
        found = value.get(key) if isinstance(value, dict) else None
        yield from found if isinstance(found, list) else ()
