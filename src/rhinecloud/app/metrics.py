"""`/metrics` for Prometheus, made for each scrape.

Parts count in plain numbers; the metrics are named here. Source: the Prometheus text format 0.0.4 and OpenMetrics 1.0.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass

import orjson
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from rhinecloud.app.asgi import Headers, Receive, Scope, Send, header, reply
from rhinecloud.app.problem import MEDIA_TYPE, Problems
from rhinecloud.kernel.errors import RhineCloudError
from rhinecloud.kernel.response_stats import ResponseStats
from rhinecloud.kernel.settings import setting
from rhinecloud.part import ConsumerState
from rhinecloud.part.metrics import PREFIX, add_histogram


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """Section `[metrics]`: access to the metrics."""

    open_to_loopback: bool = setting(
        False,
        "Whether clients on this machine need no token for `/metrics`; not behind a proxy, where every client is one.",
    )


class MetricsSnapshot(Collector):
    """The metrics of one scrape."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        yield from self._metrics


def request_metrics(requests: Iterable[tuple[str, str, ResponseStats]]) -> Iterator[Metric]:
    """Yield the counts of responses by method and route."""
    answers = CounterMetricFamily(
        f"{PREFIX}http_requests",
        "Responses by method, route and status.",
        labels=["method", "route", "status"],
    )
    durations = HistogramMetricFamily(
        f"{PREFIX}http_request_duration_seconds",
        "Time until the response was sent.",
        labels=["method", "route"],
    )
    for method, route, stats in requests:
        counts = stats.counts()
        for status, count in counts.items():
            answers.add_metric([method, route, str(status)], count)
        if counts:
            add_histogram(durations, [method, route], stats)
    yield answers
    yield durations


def consumer_metrics(consumers: Iterable[ConsumerState]) -> Iterator[Metric]:
    """Yield the lag and the failures of each consumer."""
    lag = GaugeMetricFamily(
        f"{PREFIX}consumer_lag_changes", "Changes a consumer is behind.", labels=["consumer"]
    )
    failures = CounterMetricFamily(
        f"{PREFIX}consumer_failures", "Failures since the start.", labels=["consumer"]
    )
    for each in consumers:
        lag.add_metric([each.name], each.lag)
        failures.add_metric([each.name], each.failures)
    yield lag
    yield failures


def process_metrics(version: str, uptime_s: float) -> Iterator[Metric]:
    """Yield the version and the uptime."""
    yield GaugeMetricFamily(f"{PREFIX}uptime_seconds", "Time since the start.", uptime_s)
    info = GaugeMetricFamily(f"{PREFIX}info", "The running version.", labels=["version"])
    info.add_metric([version], 1)
    yield info


class Metrics:
    """The ASGI application of `/metrics`; it needs the right to see the status.

    `figures` returns the metrics of one scrape; `check` raises where the header fields do not permit it.
    """

    def __init__(
        self,
        figures: Callable[[], Awaitable[MetricsSnapshot]],
        check: Callable[[Headers], object],
        settings: MetricsSettings,
    ) -> None:
        self._figures = figures
        self._check = check
        self._open_to_loopback = settings.open_to_loopback
        self._process = (ProcessCollector(registry=None), PlatformCollector(registry=None))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one scrape."""
        try:
            if not (self._open_to_loopback and _is_loopback(scope)):
                self._check(scope["headers"])
        except RhineCloudError as error:
            document = Problems().of(error)
            await reply(
                send, document["status"], orjson.dumps(document), [(b"content-type", MEDIA_TYPE.encode())]
            )
            return
        registry = CollectorRegistry()
        for collector in (await self._figures(), *self._process):
            registry.register(collector)
        encode, media = exposition.choose_encoder(header(scope, b"accept").decode("latin-1"))
        await reply(
            send, 200, encode(registry), [(b"content-type", media.encode()), (b"cache-control", b"no-store")]
        )


def _is_loopback(scope: Scope) -> bool:
    client = scope.get("client")
    try:
        return client is not None and ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False
