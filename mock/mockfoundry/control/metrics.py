"""Metrics: what Prometheus is told of a server. Counts nothing: all of it is derived when it is asked for.

Requests are counted by the journals, so a request costs nothing here. prometheus-client is imported for the first call.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from mockfoundry.control.context import ControlAnswer, ControlCall, ControlContext, ControlWork, index_handlers
from mockfoundry.foundations.registry import DEFAULT_FOUNDATION, FoundationRegistry
from mockfoundry.foundations.request_totals import (
    FOUNDATION_CLASSES,
    FoundationClass,
    RequestTotals,
    class_of_foundation,
)
from mockfoundry.journal.entry import NO_STATUS
from mockfoundry.store.keeper import StoreState
from mockfoundry.version import __version__

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

LAG_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0)
"""Seconds up to which the loop's lags are counted together."""


class LoopLag(msgspec.Struct, frozen=True):
    """How late the server's loop was.

    Attributes:
        counts: of lags in each of LAG_BUCKETS, and beyond the last one.
        sum: of all lags, in seconds.
    """

    counts: tuple[int, ...]
    sum: float


class ServerGauges(msgspec.Struct, frozen=True):
    """What a server that listens knows of itself.

    Attributes:
        held: requests that scenarios hold.
        connections: open ones.
        uptime: seconds since it began to listen.
    """

    held: int
    connections: int
    uptime: float
    loop_lag: LoopLag


class JournalSize(msgspec.Struct):
    """What the journals of a class of foundations hold.

    Attributes:
        foundations: how many there are.
    """

    foundations: int = 0
    entries: int = 0
    bytes: int = 0


class MetricsSnapshot(msgspec.Struct, frozen=True):
    """Everything that metrics are made of, at one moment.

    Attributes:
        build: version, mode, contract and shard; the last is empty where there is one server alone.
        sizes: by class of foundation, each class once.
        gauges: None for a server that does not listen.
        store: None for a server that keeps nothing.
    """

    build: Mapping[str, str]
    totals: RequestTotals
    sizes: Mapping[FoundationClass, JournalSize]
    gauges: ServerGauges | None
    store: StoreState | None = None


def show_metrics(context: ControlContext, call: ControlCall) -> ControlWork:
    snapshot = take_snapshot(context)
    accepted = call.headers.get(b"accept", b"").decode("latin-1")
    return ControlWork(lambda: render_metrics(snapshot, accepted))


METRICS_HANDLERS = index_handlers(show_metrics)


def take_snapshot(context: ControlContext) -> MetricsSnapshot:
    """What there is now; to be called where exchanges are made."""
    service = context.service
    build = {
        "version": __version__,
        "mode": "stateful" if service.operations else "canned",
        "contract": f"{service.contract.title} {service.contract.version}",
        "shard": str(service.registry.shard or ""),
    }
    gauges = None if context.read_gauges is None else context.read_gauges()
    return MetricsSnapshot(
        build,
        service.registry.total_requests(),
        measure_journals(service.registry),
        gauges,
        None if service.keeper is None else service.keeper.describe(),
    )


def measure_journals(registry: FoundationRegistry) -> Mapping[FoundationClass, JournalSize]:
    """The sizes of all journals by class of foundation, each class once."""
    sizes = {kind: JournalSize() for kind in FOUNDATION_CLASSES}
    for foundation in registry:
        size = sizes[class_of_foundation(foundation.name, DEFAULT_FOUNDATION)]
        size.foundations += 1
        size.entries += len(foundation.journal)
        size.bytes += foundation.journal.size
    return sizes


def render_metrics(snapshot: MetricsSnapshot, accepted: str) -> ControlAnswer:
    """The text that Prometheus reads, or that of OpenMetrics.

    Args:
        accepted: the header Accept, which decides between them.
    """
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
    from prometheus_client.openmetrics.exposition import generate_latest as generate_open_metrics

    registry = CollectorRegistry()
    registry.register(SnapshotCollector(snapshot))
    ProcessCollector(registry=registry)
    # The library's own choice takes a client's version into the media type as it was sent.
    if OPEN_METRICS.partition(";")[0] in accepted.lower():
        return ControlAnswer(generate_open_metrics(registry).decode(), media_type=OPEN_METRICS)
    return ControlAnswer(generate_latest(registry).decode(), media_type=PROMETHEUS_TEXT)


class SnapshotCollector:
    """Gives prometheus-client the metrics of a snapshot.

    Args:
        snapshot: that they are made of.
    """

    def __init__(self, snapshot: MetricsSnapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> "Iterator[Metric]":
        yield from collect_requests(self._snapshot.totals)
        yield from collect_journals(self._snapshot)
        if self._snapshot.gauges is not None:
            yield from collect_gauges(self._snapshot.gauges)
        if self._snapshot.store is not None:
            yield from collect_store(self._snapshot.store)
        yield from collect_build(self._snapshot.build)


def status_label(status: int) -> str:
    """A status as a label; empty where nothing was sent."""
    return "" if status == NO_STATUS else str(status)


def collect_requests(totals: RequestTotals) -> "Iterator[Metric]":
    from prometheus_client.metrics_core import CounterMetricFamily

    requests = CounterMetricFamily(
        "mockfoundry_requests",
        "Requests that are over, deleted foundations included. An empty status: nothing was sent.",
        labels=("foundation", "operation", "status", "fault"),
    )
    for (kind, operation, status, fault), times in sorted(totals.requests.items()):
        if times:
            requests.add_metric((kind, operation, status_label(status), fault), times)
    yield requests
    by_scenario = CounterMetricFamily(
        "mockfoundry_scenario_requests",
        "The part of them that a scenario's rule took.",
        labels=("foundation", "operation", "status", "fault", "scenario"),
    )
    for (kind, operation, status, fault, scenario), times in sorted(totals.by_scenario.items()):
        if times:
            by_scenario.add_metric((kind, operation, status_label(status), fault, scenario), times)
    yield by_scenario


def collect_journals(snapshot: MetricsSnapshot) -> "Iterator[Metric]":
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

    labels = ("foundation",)
    foundations = GaugeMetricFamily("mockfoundry_foundations", "Foundations that there are.", labels=labels)
    entries = GaugeMetricFamily("mockfoundry_journal_entries", "Exchanges that journals hold.", labels=labels)
    held_bytes = GaugeMetricFamily("mockfoundry_journal_bytes", "Bytes that journals hold.", labels=labels)
    dropped = CounterMetricFamily(
        "mockfoundry_journal_dropped",
        "Exchanges that journals forgot for lack of room (--max-journal, --max-journals).",
        labels=labels,
    )
    for kind, size in snapshot.sizes.items():
        foundations.add_metric((kind,), size.foundations)
        entries.add_metric((kind,), size.entries)
        held_bytes.add_metric((kind,), size.bytes)
        dropped.add_metric((kind,), snapshot.totals.dropped[kind])
    yield from (foundations, entries, held_bytes, dropped)


def collect_gauges(gauges: ServerGauges) -> "Iterator[Metric]":
    from prometheus_client.metrics_core import GaugeMetricFamily, HistogramMetricFamily

    yield GaugeMetricFamily("mockfoundry_held_requests", "Requests that scenarios hold (--max-held).", gauges.held)
    yield GaugeMetricFamily(
        "mockfoundry_connections", "Connections that are open (--max-connections).", gauges.connections
    )
    yield GaugeMetricFamily("mockfoundry_uptime_seconds", "Since the server began to listen.", gauges.uptime)
    lag = HistogramMetricFamily(
        "mockfoundry_loop_lag_seconds",
        "How late the server's loop ran what was due. Measured while metrics are asked for.",
    )
    lag.add_metric((), list(cumulate(gauges.loop_lag.counts)), gauges.loop_lag.sum)
    yield lag


def cumulate(counts: Iterable[int]) -> Iterator[tuple[str, float]]:
    """The buckets of a histogram, each with all that is below it."""
    total = 0
    for bound, count in zip((*map(str, LAG_BUCKETS), "+Inf"), counts, strict=True):
        total += count
        yield bound, total


def collect_store(store: StoreState) -> "Iterator[Metric]":
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

    yield GaugeMetricFamily("mockfoundry_store_reachable", "1 where the store answers, else 0.", not store.problem)
    yield GaugeMetricFamily(
        "mockfoundry_store_not_saved", "Foundations that could not be saved the last time.", len(store.not_saved)
    )
    yield GaugeMetricFamily(
        "mockfoundry_store_unreadable", "Foundations whose snapshots can't be read.", len(store.unreadable)
    )
    yield CounterMetricFamily("mockfoundry_store_snapshots", "Snapshots that were written.", store.written)
    yield CounterMetricFamily("mockfoundry_store_bytes", "Their bytes.", store.bytes_written)


def collect_build(build: Mapping[str, str]) -> "Iterator[Metric]":
    from prometheus_client.metrics_core import InfoMetricFamily

    yield InfoMetricFamily("mockfoundry_build", "What runs.", dict(build))
