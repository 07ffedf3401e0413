"""docs/my-test-fails.md: by what a client's error says, what it was and what to do. Runs no client but a bare one.

The words are those that the clients were seen to say (`observed_failures.json`); the reasons are asked of a server.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx

from tests import plain_http
from tests.clients.failures import FAILURES, OPERATIONS, ClientFailure, read_observations
from tests.serving import WEB, serving

SYMPTOMS_PAGE = Path(__file__).parents[2] / "docs" / "my-test-fails.md"

CLIENT_NAMES = {
    "python": "cloudfoundry-client (Python)",
    "java": "cf-java-client",
    "go": "go-cfclient",
    "autoscaler": "go-cfclient over go-retryablehttp",
    "cf": "cf CLI",
}


class Symptom(NamedTuple):
    """What a client's user sees, and what it was.

    Attributes:
        title: as somebody would look for it.
        failures: the ends of the keys of the failures that are seen so.
        what: what it was, in a sentence or two.
        do: what to do.
        recipes: scenarios of the library that make it.
    """

    title: str
    failures: tuple[str, ...]
    what: str
    do: str
    recipes: tuple[str, ...]


SYMPTOMS = (
    Symptom(
        "409, CF-Conflict",
        ("409 once",),
        "Another change of the same process is under way.",
        "Read the process, decide again, and repeat a few times with longer waits.",
        ("conflict-then-ok", "conflict-storm", "cool-down"),
    ),
    Symptom(
        "422, app_instance_limit_exceeded or quota_exceeded",
        ("422, quota",),
        "A quota of the organization or of the space is used up. The world refused, and no scenario did.",
        "Show the detail to a person; do not repeat. If your test did not mean it: the quota is in the seed, or in a"
        " scenario's `given:`.",
        ("quota-instances", "quota-organization", "quota-space", "quota-instance-memory"),
    ),
    Symptom(
        "422, while a deployment is in flight",
        ("422, deployment in flight",),
        "The app has a deployment, and web processes can't be scaled until it is over.",
        "Wait for the deployment and read the process again: its guid may be another one.",
        ("deployment-in-flight",),
    ),
    Symptom(
        "429, Rate Limit Exceeded",
        ("429 once, Retry-After 1",),
        "The user has sent more requests than are allowed in the interval.",
        "Wait as long as `Retry-After` says, for all requests of that user.",
        ("rate-limited", "rate-limit-resets"),
    ),
    Symptom(
        "503, Service unavailable",
        (
            "503 twice, Retry-After 2",
            "503 once",
            "503 once, no Retry-After",
            "503 once, Retry-After 1",
            "503 once, before the change",
            "503 five times",
        ),
        "The Cloud Controller was away for a moment.",
        "Repeat, after `Retry-After` where there is one.",
        ("unavailable-then-ok", "unavailable", "maintenance-window", "brownout"),
    ),
    Symptom(
        "503, and the change was made",
        ("503 once, after the change",),
        "The change was kept, and an error was sent in place of the answer.",
        "Look at the world before you repeat: the end of an instance that is repeated ends another one.",
        ("unavailable-after-scales",),
    ),
    Symptom(
        "500, UnknownError",
        ("500 once",),
        "The Cloud Controller failed with an error that it does not handle.",
        "Treat the outcome as unknown: read first, then repeat a few times.",
        ("server-error", "flaky"),
    ),
    Symptom(
        "502 with HTML, or JSON that begins with <",
        ("502 once, HTML of a gateway",),
        "A gateway answered in place of the API.",
        "Look at the status and the content type before the body is parsed; repeat as after a 503.",
        ("html-from-gateway", "request-line-too-long"),
    ),
    Symptom(
        "401, Invalid Auth Token",
        ("401 once, code 1000", "401 for ever, code 1000"),
        "The token has expired, was revoked, or belongs to another foundation.",
        "Fetch a new token and repeat once. If your test did not mean it: a token is good in the foundation that minted"
        " it, and a clock that was advanced makes tokens expire.",
        ("token-expires", "unauthorized"),
    ),
    Symptom(
        "403, You are not authorized",
        ("403 once",),
        "The user may see the process, and not change it.",
        "Do not repeat. If your test did not mean it: look at the user's roles in the seed.",
        ("forbidden", "organization-suspended", "scaling-disabled"),
    ),
    Symptom(
        "connection reset by peer, and nothing has changed",
        ("reset before the change", "reset once"),
        "The connection was reset before the request was worked on.",
        "Read the process, and repeat on a new connection.",
        ("connection-reset",),
    ),
    Symptom(
        "connection reset by peer, and the change was made",
        ("answer lost: reset after the change",),
        "The change was kept, and its answer was lost. Most clients report an error here.",
        "Treat the outcome as unknown: read before you repeat. `foundation.retries(never_twice=True)` finds who does"
        " not.",
        ("lost-response", "lost-then-conflict"),
    ),
    Symptom(
        "EOF, or the connection was closed without an answer",
        ("answer lost: end of file after the change", "end of file once"),
        "The connection was closed without a byte of an answer; after a scale, the change was kept.",
        "Read before you repeat.",
        ("empty-reply",),
    ),
    Symptom(
        "unexpected EOF, IncompleteRead, half an answer",
        ("truncated after the change",),
        "The body broke off in the middle; the change was kept.",
        "Treat half an answer as none, and read the process.",
        ("truncated",),
    ),
    Symptom(
        "malformed HTTP, BadStatusLine, invalid version",
        ("garbage after the change",),
        "What came was not HTTP; the change was kept.",
        "Close the connection, and read the process on a new one. If your test did not mean it: http and https may be"
        " mixed up.",
        ("garbage",),
    ),
)

MOCK_REFUSALS = {
    "Mock-FoundationGone": "The foundation was deleted, and the client goes on. A client of an ended test was left"
    " behind: end it with its test. `begin()` or `PUT` makes the foundation again.",
    "Mock-WorldReplaced": "A request waited while its foundation was reset, or got another world.",
    "Mock-SnapshotUnreadable": "What the store has kept of the foundation can't be read; the detail says why."
    " `DELETE` of the foundation makes it anew ([Store](store.md)).",
    "Mock-OtherShard": "The request came to another process than the one that has its foundation"
    " ([Shards](shards.md)): ask through the proxy, and give it the shards in their order.",
    "Mock-UnknownScenario": "`X-Mock-Scenario` names a scenario that there is not; the detail lists near names.",
    "Mock-UnknownPreference": "`Prefer` asks for an answer that the contract does not document; the detail lists those"
    " that it does.",
    "Mock-BadFoundationName": "The name behind `/foundations/`, or that of `X-Mock-Foundation`, can't be one; or that "
    "header names two.",
    "Mock-TooManyFoundations": "Tests make foundations and delete none; or `--max-foundations` is too small.",
    "Mock-TooManyHeld": "More requests wait than `--max-held` allows: a test forgot to release a hold.",
    "Mock-TooManyConnections": "More connections are open than `--max-connections` allows: a client does not close its"
    " own.",
    "Mock-ClockNotAdvanced": "A request waited for a `virtual` delay, and no test advanced the clock.",
    "Mock-RequestTooSlow": "The head or the body of a request did not come in time (`--head-timeout`,"
    " `--body-timeout`).",
    "Mock-BodyTooLarge": "The body is larger than `--max-body`.",
    "Mock-HeadersTooLarge": "The head of the request is larger than the server reads.",
    "Mock-BadHost": "The request has no `Host`, or one that can't be a host's name.",
    "Mock-NotHttp": "What came was not HTTP; a client may speak https to a server without `--tls`.",
    "Mock-NoTls": "The client speaks http to a server with `--tls`: its address begins with `https://`.",
    "Mock-NoTunnel": "The client takes the server for a proxy: `HTTPS_PROXY` may be set.",
}
"""By title, why the mock itself refuses, and what to do."""

OTHERS = (
    (
        "connection refused",
        "No server listens there. `mockfoundry wait` waits until one does; `--port 0` takes a free port.",
    ),
    (
        "certificate verify failed, unknown authority",
        "The server runs with `--tls`, and the client does not trust its authority. The server prints at its start how"
        " each client does; in Python `Server(tls=True)` has its [`authority`](python.md#https). What else clients say"
        " of TLS: [their words](clients/tls.md).",
    ),
    (
        "the scenario tls-… is on, and the handshake goes well",
        "It is on in another foundation than the handshake's: that is the one of the host `NAME.localhost`, else"
        " `default`. Or the connection was open before: its handshake is behind it.",
    ),
    (
        "404, Unknown request",
        "This world does not have that part of the platform: [Not modelled](not-modelled.md). `X-Mock-Why` says what to"
        " do in its place.",
    ),
    (
        "202, and the number is the old one",
        "Reads are late ([stale-reads](recipes/stale-reads.md)), or somebody else has scaled; `mockfoundry log` shows"
        " who.",
    ),
    (
        "no answer at all",
        "A scenario holds or delays the request ([hang](recipes/hang.md), [slow](recipes/slow.md),"
        " [held-scale](recipes/held-scale.md)), or its delay is `virtual` and the clock is frozen. `mockfoundry log`"
        " says `still waits`.",
    ),
    (
        "the scenario is on, and nothing happens",
        "No rule of it matches. `mockfoundry log` shows the nearest rule, and what differs; `GET …/requests/{number}`"
        " has it condition by condition.",
    ),
)
"""What the clients at hand were not made to meet."""

_HEAD = """\
# My test fails with …

Look for the words of the error here: below them stands what it was, what decided it, and what to do.

The words are those of [five real clients](clients/failures.md), unmodified. `X-Mock-Why` is a header of each answer;
where the answer was lost, `mockfoundry log` has it, and so has the report of a test that failed. In it, the name is
that of *your* scenario. This page is made by `make documents` from what the clients were seen to do.
"""


def list_failures(symptom: Symptom) -> list[ClientFailure]:
    return [failure for failure in FAILURES if failure.name in symptom.failures]


def render_symptoms() -> str:
    """The whole page."""
    reasons = ask_reasons()
    parts = [_HEAD]
    for symptom in SYMPTOMS:
        found = list_failures(symptom)
        why = list(dict.fromkeys(reasons[failure.key] for failure in found))
        parts.append(f"## {symptom.title}\n")
        parts.append(f"**What it was.** {symptom.what}\n")
        parts.append(f"**What X-Mock-Why said.** {', '.join(f'`{each}`' for each in why)}\n")
        parts.append(f"**What to do.** {symptom.do}\n")
        links = " · ".join(f"[{name}](recipes/{name}.md)" for name in symptom.recipes)
        parts.append(f"**To meet it in a test.** {links}\n")
        rows = "\n".join(render_words(found))
        parts.append(f"| client | what it says |\n|---|---|\n{rows}\n")
    parts.append("## The mock itself refuses\n\nIts own errors have a title that begins with `Mock-`.\n")
    parts.append("| title | what it was, and what to do |\n|---|---|")
    parts += [f"| `{title}` | {text} |" for title, text in MOCK_REFUSALS.items()]
    parts.append("\n## Something else\n\n| what you see | what it is |\n|---|---|")
    parts += [f"| {seen} | {text} |" for seen, text in OTHERS]
    return "\n".join(parts) + "\n"


def render_words(found: list[ClientFailure]) -> Iterator[str]:
    """A row for each client and each text; the whole words, since they are what is looked for."""
    for client, seen in read_observations().items():
        words = dict.fromkeys(seen[failure.key].words for failure in found)
        for text in filter(None, words):
            escaped = text.replace("|", "\\|")
            yield f"| {CLIENT_NAMES[client]} | `{escaped}` |"


def ask_reasons() -> dict[str, str]:
    """By the keys of the failures, what decided the answer."""
    reasons: dict[str, str] = {}
    with serving() as server:
        for failure in FAILURES:
            name, scenario = f"for-{len(reasons)}", failure.scenario()
            playing = f"/__mock/foundations/{name}/scenarios/{scenario['scenario']}"
            server.client.put(playing, json=scenario).raise_for_status()
            ask_once(f"{server.url}/foundations/{name}", failure.call)
            listed = server.client.get(f"/__mock/foundations/{name}/requests").json()["requests"]
            (entry,) = (each for each in listed if each["operation"] in OPERATIONS[failure.call])
            reasons[failure.key] = entry["why"]
    return reasons


def ask_once(url: str, call: str) -> None:
    """Sends the request that a failure is about; its answer may be lost."""
    process = f"{url}/v3/processes/{WEB}"
    method, path, body = {
        "scale": ("POST", f"{process}/actions/scale", {"instances": 3}),
        "stats": ("GET", f"{process}/stats", None),
        "terminate": ("DELETE", f"{process}/instances/0", None),
        "update": ("PATCH", process, {"health_check": {"type": "process"}}),
    }[call]
    try:
        plain_http.request(method, path, json=body, headers={"Authorization": "bearer admin"})
    except httpx.TransportError:
        return
