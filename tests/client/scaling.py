"""A client under test: it scales the process that every foundation has, with nothing but the standard library."""

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from mockfoundry.client.foundation import Foundation
from tests.serving import WEB
from tests.waiting import DEADLINE_SECONDS

PATH = f"/v3/processes/{WEB}/actions/scale"


def scale(foundation: Foundation, instances: int, bearer: str = "admin") -> int:
    """The status of the answer."""
    return scaled(foundation.url, instances, bearer)


def scaled(url: str, instances: int, bearer: str = "admin") -> int:
    headers = {"Authorization": f"bearer {bearer}", "Content-Type": "application/json"}
    request = Request(url + PATH, json.dumps({"instances": instances}).encode(), headers)
    try:
        with urlopen(request, timeout=DEADLINE_SECONDS) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


def seed_of(app: str, **process: Any) -> dict[str, Any]:
    """A seed with one web process."""
    apps = [{"name": app, "processes": [{"type": "web", **process}]}]
    return {"organizations": [{"name": "o", "spaces": [{"name": "s", "apps": apps}]}]}
