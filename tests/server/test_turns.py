"""No call keeps the clients of other foundations waiting: what takes long is done beside the exchanges."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from mockfoundry.control.api import ControlApi, build_control_api, handle_control_request
from mockfoundry.exchange.request import read_request
from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.exchange.run import Service, handle_request
from mockfoundry.server.waiting import RequestHolds
from tests.bench.long_calls import list_long_calls
from tests.serving import real_now, service_of

SIZE = 2_000
MOST_STEPS = 15_000
"""How many functions may be called, and return, between two turns: some milliseconds of work."""


class CountingCaller:
    """A client whose requests are taken as a door takes them, where everything between two turns is counted.

    Attributes:
        longest_turn: the most functions that were called between two turns.
    """

    def __init__(self, service: Service, api: ControlApi) -> None:
        self._service, self._api = service, api
        self.longest_turn = 0

    def __call__(self, method: str, path: str, body: Any = None, *, foundation: str = "", expects: int = 0) -> Response:
        content = b"" if body is None else json.dumps(body).encode()
        headers = [(b"authorization", b"bearer admin"), (b"content-type", b"application/json")]
        headers += [(b"x-mock-foundation", foundation.encode())] if foundation else []
        target, _, query = path.partition("?")
        request = read_request(method, target, query.encode(), headers, content, "http", real_now(), False)
        if target.startswith("/__mock/"):
            waiting = self._count(lambda: handle_control_request(self._api, request))
        else:
            waiting = self._count(lambda: handle_request(self._service, request))
        while isinstance(waiting, PendingRequest):
            pending, result = waiting, None if waiting.work is None else waiting.work()
            waiting = self._count(lambda: pending.resume(real_now(), result))  # noqa: B023 (called at once)
        good = waiting.status < 300 if not expects else waiting.status == expects
        assert good, f"{method} {path}: {waiting.status} {waiting.body[:500]!r}"
        return waiting

    def _count(self, turn: Callable[[], Response | PendingRequest]) -> Response | PendingRequest:
        steps = 0

        def count(*_: object) -> None:
            nonlocal steps
            steps += 1

        sys.setprofile(count)
        try:
            return turn()
        finally:
            sys.setprofile(None)
            self.longest_turn = max(self.longest_turn, steps)


@pytest.fixture(scope="module")
def service() -> Service:
    return service_of()


@pytest.fixture(scope="module")
def call(service: Service) -> CountingCaller:
    return CountingCaller(service, build_control_api(service, RequestHolds(1)))


STILL_LONG = frozenset({"PATCH state"})
"""What is not cut yet."""


def test_no_call_is_long_between_two_turns(call: CountingCaller) -> None:
    found: dict[str, int] = {}
    for each in list_long_calls(SIZE):
        if each.name in STILL_LONG:
            continue
        if each.prepare is not None:
            each.prepare(call)
        call.longest_turn = 0
        each.make(call)
        found[each.name] = call.longest_turn
    assert {name: steps for name, steps in found.items() if steps > MOST_STEPS} == {}
