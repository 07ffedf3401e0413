"""Records what clients send when something fails, and commands whose first recording was not whole. Plays none.

`make clients-recorded CF=/path/to/cf GO_CFCLIENT=/path/to/checkout`: each flow here takes the place of the one of its
name. The other flows were recorded once, with programs of their own, and stay; so do those of clients not at hand.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from mockfoundry.client.foundation import Foundation
from mockfoundry.client.server import Server
from mockfoundry.client.values import Exchange
from tests.clients.at_hand import NotAtHandError, open_client
from tests.clients.cf_driver import CfDriver
from tests.clients.driving import ClientDriver, ClientFailureError
from tests.clients.recorded import Learned, RecordedRequest, read_flows, write_flows

RATE = 30
"""So much faster the clock runs for cf, which waits by itself."""

CF_FLOWS = (
    *("restart --strategy rolling --no-wait", "restart --strategy canary", "continue-deployment", "cancel-deployment"),
    *("env", "tasks", "revisions", "get-health-check", "set-health-check process", "packages", "droplets"),
    *("feature-flags", "org-users acme", "space-users acme dev", "quotas", "services", "routes", "delete -f"),
    *("scale -i 3 with conflict-then-ok", "scale -i 3 with lost-response", "scale -i 3 with token-expires"),
    *("scale -i 3 with quota-instances", "scale -i 3 with deployment-in-flight", "app with metrics-unavailable"),
)
"""Commands; behind `with`, the scenario that is played meanwhile."""

WITHOUT_APP = frozenset({"feature-flags", "org-users", "space-users", "quotas", "services", "routes"})
"""Commands that take no app; all others take it first."""

CANARY = ("restart", "dora", "--strategy", "canary")
BEFORE = {"continue-deployment": CANARY, "cancel-deployment": CANARY}
"""What is done before a command, and is not recorded."""


def scale_flow(client: ClientDriver, foundation: Foundation) -> None:
    client.log_in(foundation.url)
    for _ in range(2):
        with suppress(ClientFailureError):
            client.scale("dora", instances=3)


PROGRAM_FLOWS: dict[str, Callable[[ClientDriver, Foundation], None]] = {
    "scale with conflict-then-ok": scale_flow,
    "scale with lost-response": scale_flow,
    "scale with unavailable-then-ok": scale_flow,
    "scale with token-expires": scale_flow,
    "scale with quota-instances": scale_flow,
}


def record_command(cf: CfDriver, foundation: Foundation, command: str) -> int:
    """Runs a command of cf, and says how many requests came before it."""
    cf.log_in(foundation.url)
    foundation.clock.rate(RATE)
    words, _, scenario = command.partition(" with ")
    verb, *arguments = words.split()
    if verb in BEFORE:
        cf.run(*BEFORE[verb])
    before = len(foundation.requests())
    if scenario:
        foundation.play(scenario)
    cf.run(verb, *([] if verb in WITHOUT_APP else ["dora"]), *arguments)
    return before


def record_client(name: str, client: ClientDriver, server: Server) -> Iterator[RecordedRequest]:
    """All flows of one client, each in a foundation of its own."""
    if isinstance(client, CfDriver):
        for command in CF_FLOWS:
            foundation = server.foundation()
            before = record_command(client, foundation, command)
            yield from named_requests(f"cf {command}", foundation.requests(), before)
        return
    for flow, run in PROGRAM_FLOWS.items():
        foundation = server.foundation()
        foundation.clock.freeze()
        foundation.play(flow.partition(" with ")[2])
        run(client, foundation)
        yield from named_requests(f"{name}: {flow}", foundation.requests(), 0)


def named_requests(flow: str, exchanges: list[Exchange], seen: int) -> list[RecordedRequest]:
    """The requests of exchanges, with names for what earlier answers said; those before `seen` only teach."""
    learned = Learned()
    recorded = []
    for number, exchange in enumerate(exchanges):
        if number >= seen:
            recorded.append(named_request(flow, exchange, learned))
        if exchange.status is not None and exchange.status < 300:
            location = exchange.answer_headers.get("location", "")
            learned.learn(exchange.method, exchange.path, exchange.answer, location)
    return recorded


def named_request(flow: str, exchange: Exchange, learned: Learned) -> RecordedRequest:
    path = re.sub(r"^/foundations/[^/]+", "", exchange.path) or "/"
    query = urlencode({name: ",".join(values) for name, values in exchange.query.items()}, safe=",")
    headers = {
        name: re.sub(r"^(\w+) \[redacted.*", lambda found: authorization(found.group(1)), value)
        for name, value in exchange.headers.items()
        if name not in {"host", "connection", "content-length", "transfer-encoding", "x-b3-spanid"}
    }
    body: Any = exchange.body
    if path == "/oauth/token":
        body = {name: SECRETS.get(name, value) for name, value in parse_qsl(body, True)}
    elif body is not None:
        body = learned.name(body if isinstance(body, str) else msgspec.json.encode(body).decode())
    return RecordedRequest(
        flow=flow,
        method=exchange.method,
        path=learned.name(path + (f"?{query}" if query else "")),
        headers=headers,
        body=body,
        status=exchange.status if exchange.fault is None else None,
    )


SECRETS = {"password": "{password}", "refresh_token": "{refresh token}"}
"""Fields of a form that the journal does not tell, and the names of what is put in."""


def authorization(scheme: str) -> str:
    return "Basic Y2Y6" if scheme == "Basic" else scheme + " {token}"


def record_anew() -> None:
    """Writes the flows of the clients at hand anew."""
    flows = read_flows()
    with Server() as server, ExitStack() as stack:
        for name in ("python", "go", "java", "cf"):
            try:
                client = stack.enter_context(open_client(name, Path(stack.enter_context(TemporaryDirectory()))))
            except NotAtHandError as error:
                sys.stderr.write(f"{error}\n")
                continue
            for flow, requests in groupby(record_client(name, client, server), key=lambda each: each.flow):
                flows[flow] = list(requests)
    write_flows([request for requests in flows.values() for request in requests])


if __name__ == "__main__":
    record_anew()
