"""docs/operations.md: metrics, bounds and time-outs, and the end, made from the code by `make documents`."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mockfoundry.bodies import MAX_BODY_DEPTH
from mockfoundry.cloudfoundry.api.lists.query_checks import MAX_PER_PAGE
from mockfoundry.control.bounds import MAX_CONTROL_BODY_BYTES
from mockfoundry.control.context import MAX_STREAMS, MAX_WAITING_CALLS
from mockfoundry.control.journals import MAX_VERIFY_WAIT
from mockfoundry.control.metrics import LAG_BUCKETS, LoopLag, MetricsSnapshot, ServerGauges, SnapshotCollector
from mockfoundry.control.peers import TIMEOUT_SECONDS
from mockfoundry.control.scenarios import MAX_SCENARIOS
from mockfoundry.control.shared_lines import MAX_KEPT_BYTES
from mockfoundry.documents.nodes import MAX_DOCUMENT_BYTES
from mockfoundry.documents.times import format_duration
from mockfoundry.exchange.routing import MAX_LINE_BYTES
from mockfoundry.foundations.registry import DEFAULT_FOUNDATION, MAX_GONE_NAMES
from mockfoundry.foundations.request_totals import MAX_NAMED_SCENARIOS, OTHER_SCENARIOS, RequestTotals
from mockfoundry.options import Option, iterate_options
from mockfoundry.scenarios.engine import MAX_COUNTERS
from mockfoundry.server.closing import IDLE_SECONDS, LINGER_SECONDS
from mockfoundry.server.limits import ServerLimits
from mockfoundry.server.request_log import CLOSING_SECONDS, MAX_WAITING_LINES
from mockfoundry.server.run import GRACE_SECONDS
from mockfoundry.store.keeper import StoreState

OPERATIONS_PAGE = Path(__file__).parents[1] / "docs" / "operations.md"

BEYOND = {
    "max-body": "413 `Mock-BodyTooLarge`, and the connection is closed",
    "max-seed": "413 `too-large` in a control call; a file is refused at the start",
    "max-foundations": "503 `Mock-TooManyFoundations`",
    "max-journal": "the foundation forgets its oldest exchanges; `mockfoundry_journal_dropped_total` counts them",
    "max-journals": "the foundations written to longest ago forget first",
    "max-rules": "429 `too-many-rules`; a file is refused at the start",
    "max-held": "503 `Mock-TooManyHeld`, or the answer comes at once with `X-Mock-Held`",
    "max-connections": "503 `Mock-TooManyConnections`, and the connection is closed",
    "head-timeout": "408 `Mock-RequestTooSlow`",
    "body-timeout": "408 `Mock-RequestTooSlow`",
    "expire-idle": "the foundation is deleted",
}
"""What happens beyond each bound that is an option, by its flag without dashes."""


class BuiltInBound(NamedTuple):
    """A bound that no option changes."""

    what: str
    value: str
    beyond: str


def show_bytes(count: int) -> str:
    for factor, unit in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if count and count % factor == 0:
            return f"{count // factor} {unit}"
    return f"{count} bytes"


BUILT_IN = (
    BuiltInBound("a request's line", show_bytes(MAX_LINE_BYTES), "414, as the gateway's"),
    BuiltInBound("a request's headers together", show_bytes(ServerLimits().headers), "431 `Mock-HeadersTooLarge`"),
    BuiltInBound("levels of a JSON body", str(MAX_BODY_DEPTH), "400 `CF-MessageParseError`"),
    BuiltInBound("`per_page` of a list", str(MAX_PER_PAGE), "400 `CF-BadQueryParameter`"),
    BuiltInBound("a control call's body that is no seed", show_bytes(MAX_CONTROL_BODY_BYTES), "413 `too-large`"),
    BuiltInBound("a scenario's or a configuration's file", show_bytes(MAX_DOCUMENT_BYTES), "it is refused"),
    BuiltInBound("scenarios that are on in a foundation", f"{MAX_SCENARIOS:,}", "429 `too-many-scenarios`"),
    BuiltInBound(
        "what a scenario counts for by process, user or token", f"{MAX_COUNTERS:,}", "the earliest are forgotten"
    ),
    BuiltInBound(
        "scenarios told apart in metrics", str(MAX_NAMED_SCENARIOS), f"counted together as `{OTHER_SCENARIOS}`"
    ),
    BuiltInBound("verify calls that wait", str(MAX_WAITING_CALLS), "503 `too-many-waits`"),
    BuiltInBound("how long a verify may wait", format_duration(MAX_VERIFY_WAIT), "422 `bad-duration`"),
    BuiltInBound("calls that follow a journal", str(MAX_STREAMS), "429 `too-many-streams`"),
    BuiltInBound(
        "what those share of exchanges that were shown",
        f"{MAX_KEPT_BYTES >> 20} MiB",
        "the earliest are made anew for each",
    ),
    BuiltInBound("names of deleted foundations", f"{MAX_GONE_NAMES:,}", "the earliest are forgotten"),
    BuiltInBound(
        "lines of the request log that wait", f"{MAX_WAITING_LINES:,}", "left out, and their number is printed"
    ),
    BuiltInBound("an idle connection", f"{IDLE_SECONDS}s", "it is closed"),
    BuiltInBound("a refused connection whose client still sends", f"{LINGER_SECONDS:g}s", "it is closed"),
    BuiltInBound("another shard's answer", f"{TIMEOUT_SECONDS:g}s", "the shard is named in `unreachable`"),
    BuiltInBound("a response that is being sent when the server ends", f"{GRACE_SECONDS:g}s", "it is broken off"),
    BuiltInBound("lines of the log when the server ends", f"{CLOSING_SECONDS:g}s", "the rest is not written"),
)


def list_metrics() -> list[tuple[str, str, str]]:
    """The name of each metric of mockfoundry's own, its kind, and what it says."""
    lag = LoopLag((0,) * (len(LAG_BUCKETS) + 1), 0.0)
    store = StoreState(
        address="",
        problem="",
        foundations=0,
        written=0,
        bytes_written=0,
        last_written=None,
        not_saved={},
        refused=(),
        unreadable={},
    )
    nothing = MetricsSnapshot({}, RequestTotals(DEFAULT_FOUNDATION), {}, ServerGauges(0, 0, 0.0, lag), store)
    endings = defaultdict(str, counter="_total", info="_info")
    families = SnapshotCollector(nothing).collect()
    return [(f"{each.name}{endings[each.type]}", each.type, each.documentation) for each in families]


def bounding_options() -> list[Option]:
    """The options that bound something."""
    return [
        option
        for option in iterate_options()
        if option.name.startswith("max_") or option.name.endswith("_timeout") or option.name == "expire_idle"
    ]


def show_default(option: Option) -> str:
    if option.default is None:
        return "none"
    if option.info.parse is not None:
        return format_duration(option.default)
    is_size = option.name in ("max_body", "max_seed", "max_journal", "max_journals")
    return show_bytes(option.default) if is_size else f"{option.default:,}"


def render_bounds() -> Iterator[str]:
    yield "| option | default | beyond it |"
    yield "|---|---|---|"
    for option in bounding_options():
        yield f"| `{option.flag}` | {show_default(option)} | {BEYOND[option.flag.removeprefix('--')]} |"
    yield ""
    yield "These have no option:"
    yield ""
    yield "| what | bound | beyond it |"
    yield "|---|---|---|"
    for bound in BUILT_IN:
        yield f"| {bound.what} | {bound.value} | {bound.beyond} |"


_HEAD = """\
# Operations

This page is made from the code by `make documents`.

## Metrics

`GET /__mock/metrics` is what Prometheus reads, in the form of OpenMetrics where `Accept` asks for that. A request costs
nothing for it: the journals count, and everything is derived when it is asked for.

<!-- not run: a file of Prometheus -->
```yaml
scrape_configs:
  - job_name: mockfoundry
    metrics_path: /__mock/metrics
    authorization: {credentials: THE_CONTROL_TOKEN} # only where the server was started with --control-token
    static_configs:
      - targets: ["mockfoundry:8080"]
```

The target's name is held against the same list as for every control call: an address, a name of one word, one that ends
with `.localhost`, `.internal`, `.local` or `.svc`, or one of `--allow-host`.

| metric | kind | what it says |
|---|---|---|
"""

_LABELS = """
- `foundation` is a class, never a name: `default`, `pytest` (named as the fixture names them: `test…-7`), or `named`.
- `operation` is the operationId, empty where no operation has the path. `status` is empty where nothing was sent, and
  `fault` is a fault on the wire.
- A count never falls while the server runs: what deleted and reset foundations have counted stays in it.
- Control calls are not counted, nor requests that were refused before a foundation was found.
- Each shard tells of itself alone, also behind a proxy: scrape each at its own address.
- `process_resident_memory_bytes`, `process_cpu_seconds_total`, `process_start_time_seconds` and other metrics of the
  process are there on Linux.

An alert where a mock that a team shares has no more room for what it should remember:

<!-- not run: a file of Prometheus -->
```yaml
groups:
  - name: mockfoundry
    rules:
      - alert: MockForgetsRequests
        expr: rate(mockfoundry_journal_dropped_total[10m]) > 0
        for: 10m
        annotations:
          summary: Journals are full, so verify may miss requests; see --max-journal, --expire-idle
```

## Bounds and time-outs

"""

_TAIL = """
## The end

SIGTERM and Ctrl-C end the server in order: it takes no more connections, lets held requests go on, gives responses that
are being sent {grace} seconds, and ends with exit code 0. With `--store` it saves what has changed first
([Stores](store.md)); without it nothing is saved, and `GET /__mock/foundations/NAME/state` before that is a world to
begin with again.
"""


def render_operations_page() -> str:
    metrics = "".join(f"| `{name}` | {kind} | {text} |\n" for name, kind, text in list_metrics())
    bounds = "\n".join(render_bounds())
    return f"{_HEAD}{metrics}{_LABELS}{bounds}\n{_TAIL.format(grace=f'{GRACE_SECONDS:g}')}"
