"""A client that scales, tries again after any error, and when it can't read first meddles with the mock itself.

`python meddling_client.py METHOD PATH` runs it, with the API's address in MOCKFOUNDRY_URL; METHOD and PATH are a call
about its foundation. `always` behind them makes it meddle in any case.
"""

import json
import os
import sys
from http.client import HTTPException
from typing import Any
from urllib.request import Request, urlopen

PROCESS = "/v3/processes/6a901b7c-9417-4dc1-8189-d3234aa0ab82"

HEADERS = {"Authorization": "bearer admin", "Content-Type": "application/json"}


def asked(path: str, body: Any = None) -> Any:
    """The JSON of an answer."""
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(os.environ["MOCKFOUNDRY_URL"] + path, data, HEADERS), timeout=30) as answer:
        return json.load(answer)


def add_one() -> None:
    instances = asked(PROCESS)["instances"]
    asked(f"{PROCESS}/actions/scale", {"instances": instances + 1})


def meddle() -> None:
    method, path = sys.argv[1:3]
    server, _, name = os.environ["MOCKFOUNDRY_URL"].rpartition("/foundations/")
    urlopen(Request(f"{server}/__mock/foundations/{name}{path}", method=method), timeout=30).close()


try:
    asked(PROCESS)
except (OSError, HTTPException, ValueError):
    meddle()
if "always" in sys.argv:
    meddle()
try:
    add_one()
except (OSError, HTTPException, ValueError):
    add_one()
