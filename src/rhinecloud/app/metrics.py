"""`/metrics`: the city's figures for a Prometheus that watches it, made when it asks and not before.

What is counted is counted elsewhere in plain numbers; this gives them their names. Source: the Prometheus text format
0.0.4 and OpenMetrics 1.0.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from rhinecloud.app.asgi import Headers, Receive, Scope, Send, header, reply
from rhinecloud.app.problem import MEDIA_TYPE, problem_of
from rhinecloud.kernel.errors import RhineCloudError
from rhinecloud.kernel.response_stats import BOUNDS, ResponseStats
from rhinecloud.kernel.settings import setting

PREFIX = "rhinecloud_"


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """Section `[metrics]`: who may read the figures."""

    open_to_loopback: bool = setting(
        False,
        "Whether `/metrics` needs no token on this machine; not behind a proxy, through which all the world comes.",
    )


@dataclass(frozen=True, slots=True)
class RouteMetrics:
    """What was counted of one method of one route."""

    method: str
    route: str
    tally: ResponseStats


class MetricsSnapshot(Collector):
    """Gives the figures of one scrape: `status` as `Status.collect` has it, what doors counted, entities by tenant, and
    what `Gathering` found `inside`.
    """

    def __init__(
        self,
        status: Mapping[str, Any],
        served: Iterable[RouteMetrics],
        entities: Mapping[str, int],
        inside: Mapping[str, Any],
    ) -> None:
        self._status = status
        self._served = served
        self._entities = entities
        self._inside = inside

    def collect(self) -> Iterator[Metric]:
        """Name the figures."""
        yield from self._requests()
        yield from self._commits()
        yield from self._city()
        yield from self._consumers()
        yield from self._feeds()
        yield from self._caches()

    def _requests(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            f"{PREFIX}http_requests",
            "Answers by method, route and status.",
            labels=["method", "route", "status"],
        )
        durations = HistogramMetricFamily(
            f"{PREFIX}http_request_duration_seconds",
            "Time until the answer was handed over.",
            labels=["method", "route"],
        )
        for each in self._served:
            counts = each.tally.counts()
            for status, count in counts.items():
                requests.add_metric([each.method, each.route, str(status)], count)
            if counts:
                _add_histogram(durations, [each.method, each.route], each.tally)
        yield requests
        yield durations

    def _commits(self) -> Iterator[Metric]:
        effort = self._inside["commits"]
        durations = HistogramMetricFamily(
            f"{PREFIX}store_commit_duration_seconds", "Time of a commit: what waits for the disk."
        )
        _add_histogram(durations, [], effort.commits)
        yield durations
        yield CounterMetricFamily(
            f"{PREFIX}store_committed_edits", "Edits that were committed.", effort.edits
        )
        yield GaugeMetricFamily(
            f"{PREFIX}store_commit_group_edits", "Edits in the last group.", effort.last_edits
        )
        yield GaugeMetricFamily(
            f"{PREFIX}store_last_change", "Number of the newest change.", self._inside["last_change"]
        )

    def _city(self) -> Iterator[Metric]:
        entities = GaugeMetricFamily(f"{PREFIX}entities", "Entities by tenant.", labels=["tenant"])
        for tenant, count in self._entities.items():
            entities.add_metric([tenant], count)
        yield entities
        status = self._status
        for name, words in (
            ("subscriptions", "Subscriptions."),
            ("browsers", "Browsers on the live feed."),
            ("incidents_open", "Incidents that are not closed."),
            ("alerts_active", "Alerts that are active."),
        ):
            yield GaugeMetricFamily(PREFIX + name, words, status[name])
        yield GaugeMetricFamily(f"{PREFIX}uptime_seconds", "Time since the start.", status["uptime_s"])
        info = GaugeMetricFamily(f"{PREFIX}info", "The version that runs.", labels=["version"])
        info.add_metric([status["version"]], 1)
        yield info

    def _consumers(self) -> Iterator[Metric]:
        stream = self._status["stream"]
        yield GaugeMetricFamily(
            f"{PREFIX}stream_connected", "1 while the stream is there.", stream["state"] == "connected"
        )
        yield GaugeMetricFamily(
            f"{PREFIX}relay_lag_changes", "Changes that are not in the stream yet.", stream["lag"]
        )
        kept = GaugeMetricFamily(
            f"{PREFIX}mqtt_kept_bytes", "What the server keeps for MQTT clients.", labels=["store"]
        )
        limit = GaugeMetricFamily(
            f"{PREFIX}mqtt_limit_bytes", "From here on it takes nothing new.", labels=["store"]
        )
        full = GaugeMetricFamily(f"{PREFIX}mqtt_full", "1 while it takes nothing new.", labels=["store"])
        for each in stream["mqtt"]:
            kept.add_metric([each["name"]], each["bytes"])
            limit.add_metric([each["name"]], each["limit_bytes"])
            full.add_metric([each["name"]], each["full"])
        yield from (kept, limit, full)
        relay = self._inside["relay"]
        yield CounterMetricFamily(
            f"{PREFIX}relay_frames", "Frames that the stream acknowledged.", relay.frames
        )
        yield CounterMetricFamily(
            f"{PREFIX}relay_changes", "Changes that the stream acknowledged.", relay.changes
        )
        yield CounterMetricFamily(
            f"{PREFIX}relay_failures", "Times that the stream took no frame.", relay.failures
        )
        lag = GaugeMetricFamily(
            f"{PREFIX}consumer_lag_changes", "Changes a consumer is behind.", labels=["consumer"]
        )
        failures = CounterMetricFamily(
            f"{PREFIX}consumer_failures", "Failures since the start.", labels=["consumer"]
        )
        for each in self._status["consumers"]:
            lag.add_metric([each["name"]], each["lag"])
            failures.add_metric([each["name"]], each["failures"])
        yield lag
        yield failures
        told = CounterMetricFamily(
            f"{PREFIX}notifications",
            "Notifications by outcome; `retried` are attempts after one that failed.",
            labels=["outcome"],
        )
        for outcome, count in self._inside["notifications"].items():
            told.add_metric([outcome], count)
        yield told

    def _feeds(self) -> Iterator[Metric]:
        outcomes = ("received", "accepted", "unchanged", "ignored", "dead", "dropped")
        messages = CounterMetricFamily(
            f"{PREFIX}feed_messages", "Messages of a feed by what became of them.", labels=["feed", "outcome"]
        )
        live = GaugeMetricFamily(
            f"{PREFIX}feed_state", "1 for the state that a feed is in.", labels=["feed", "state"]
        )
        read = CounterMetricFamily(f"{PREFIX}feed_received_bytes", "Bytes received.", labels=["feed"])
        again = CounterMetricFamily(f"{PREFIX}feed_reconnects", "New connections.", labels=["feed"])
        waiting = GaugeMetricFamily(f"{PREFIX}feed_waiting", "Parcels that wait.", labels=["feed"])
        for feed in self._status["feeds"]:
            for outcome in outcomes:
                messages.add_metric([feed["name"], outcome], feed[outcome])
            live.add_metric([feed["name"], str(feed["state"])], 1)
            read.add_metric([feed["name"]], feed["received_bytes"])
            again.add_metric([feed["name"]], feed["reconnects"])
            waiting.add_metric([feed["name"]], feed["waiting"])
        yield from (messages, live, read, again, waiting)

    def _caches(self) -> Iterator[Metric]:
        looked = CounterMetricFamily(
            f"{PREFIX}cache_lookups", "Look-ups by cache and outcome.", labels=["cache", "outcome"]
        )
        for name, (hits, misses) in self._inside["caches"].items():
            looked.add_metric([name, "hit"], hits)
            looked.add_metric([name, "miss"], misses)
        yield looked


def _add_histogram(family: HistogramMetricFamily, labels: list[str], tally: ResponseStats) -> None:
    buckets, sum_so_far = [], 0
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), tally.classes(), strict=True):
        sum_so_far += count
        buckets.append((bound, sum_so_far))
    family.add_metric(labels, buckets, tally.total_s())


class Metrics:
    """The ASGI application behind `/metrics`; whoever may see the status may read it.

    `figures` makes the figures of one scrape, `check` raises where the header fields bring no right to them.
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
        """Answer one scrape."""
        try:
            if not (self._open_to_loopback and _is_loopback(scope)):
                self._check(scope["headers"])
        except RhineCloudError as error:
            document = problem_of(error)
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
