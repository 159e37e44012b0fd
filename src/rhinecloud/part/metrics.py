"""What the figures of all parts share: the prefix of their names, and histograms of durations."""

from __future__ import annotations

from prometheus_client.core import HistogramMetricFamily

from rhinecloud.kernel.response_stats import BOUNDS, ResponseStats

PREFIX = "rhinecloud_"


def add_histogram(family: HistogramMetricFamily, labels: list[str], stats: ResponseStats) -> None:
    """Add the durations that `stats` counted, in seconds."""
    buckets, sum_so_far = [], 0
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), stats.classes(), strict=True):
        sum_so_far += count
        buckets.append((bound, sum_so_far))
    family.add_metric(labels, buckets, stats.total_s())
