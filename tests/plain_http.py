"""httpx without TLS, which no server of the tests speaks: it reads all certificates for each client that it makes."""

from contextlib import AbstractContextManager
from typing import Any

import httpx

from tests.waiting import DEADLINE_SECONDS


def client(**options: Any) -> httpx.Client:
    """A client as httpx has it; options are `httpx.Client`'s."""
    return httpx.Client(**{"verify": False, "timeout": DEADLINE_SECONDS, **options})


def request(method: str, url: str, **options: Any) -> httpx.Response:
    """One request on a connection of its own; options are `httpx.request`'s."""
    return httpx.request(method, url, **{"verify": False, "timeout": DEADLINE_SECONDS, **options})


def get(url: str, **options: Any) -> httpx.Response:
    return request("GET", url, **options)


def post(url: str, **options: Any) -> httpx.Response:
    return request("POST", url, **options)


def stream(method: str, url: str, **options: Any) -> AbstractContextManager[httpx.Response]:
    """An answer that is read as it comes."""
    return httpx.stream(method, url, **{"verify": False, "timeout": DEADLINE_SECONDS, **options})
