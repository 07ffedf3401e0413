"""Bounds: how large a control call may be, how many Hosts it has, and what is said beyond. Never reads a body."""

import json
import re

from mockfoundry.control.context import ControlProblem, response_from_problem
from mockfoundry.exchange.request import CONTROL_PATH
from mockfoundry.exchange.response import Response

MAX_CONTROL_BODY_BYTES = 8 * 1024 * 1024
"""Bytes that a body may have that is no seed and no state."""

SEED_PATH = re.compile(re.escape(CONTROL_PATH) + r"/foundations/[^/]+(/state)?/?")
"""The calls that take a seed or a state."""


REFUSAL_KINDS = {"Mock-HeadersTooLarge": "headers-too-large", "Mock-RequestTooSlow": "too-slow"}
"""The kinds of the problems that are made of the server's refusals, by the titles of these."""


def find_body_bound(path: str, most_of_seed: int) -> int:
    """How many bytes the body of a call may have.

    Args:
        most_of_seed: bytes that a seed or a state may have.
    """
    return most_of_seed if SEED_PATH.fullmatch(path) else MAX_CONTROL_BODY_BYTES


def too_large_response(path: str, most: int) -> Response:
    """The answer to a body of more bytes than are allowed; what is left of it is not read."""
    mend = "start the server with a larger --max-seed" if SEED_PATH.fullmatch(path) else "send less"
    problem = ControlProblem(
        413,
        "too-large",
        f"body: more than {most} bytes, the most that is read; {mend}",
        ((b"connection", b"close"),),
    )
    return response_from_problem(problem, path)


def host_count_response(path: str, hosts: list[bytes]) -> Response | None:
    """The answer to a call with these Host headers; None where there is exactly one, which may still be a strange one.

    Of two, a proxy before this server may have looked at the other one.
    """
    if len(hosts) == 1:
        return None
    found = f"there are {len(hosts)}" if hosts else "there is none"
    problem = ControlProblem(400, "bad-host", f"header Host: {found}; send exactly one", ((b"connection", b"close"),))
    return response_from_problem(problem, path)


def problem_from_limit(refusal: Response, path: str) -> Response:
    """The same refusal of a request that is beyond a limit, as a control call is refused.

    Args:
        refusal: with the Cloud Controller's envelope.
    """
    (error,) = json.loads(refusal.body)["errors"]
    kind = REFUSAL_KINDS[error["title"]]
    return response_from_problem(
        ControlProblem(refusal.status, kind, error["detail"], ((b"connection", b"close"),)), path
    )
