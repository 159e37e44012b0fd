"""What others publish about themselves: other machines, other loads, other durability; a scale, not a race."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Published:
    """One figure of another product: `per_core` is ours, worked out from the machine they name, '' where it cannot."""

    product: str
    load: str
    figure: str
    per_core: str
    source: str


PUBLISHED = (
    Published(
        "coraine 0.3 (corDB, in memory)", "query by type, limit 20, of 100 entities, 50 connections",
        "5,930/s on 1 core, 42,560/s on 8", "5,930/s", "coraine, README; no write figures are published",
    ),
    Published(
        "Orion-LD “mid”, MongoDB", "update of 2 attributes", "12,000/s (mean of the run 6,833/s) with 8 + 30 CPU",
        "316/s", "FIWARE/load-tests, testReports, 2023-01",
    ),
    Published(
        "Orion-LD “tiny”, MongoDB", "GET entity; query by type", "2,340/s; 1,953/s with 1 + 8 CPU", "260/s; 217/s",
        "FIWARE/load-tests, testReports, 2023-01",
    ),
    Published(
        "Orion-LD “tiny”, MongoDB", "batch update of 250", "4.26 requests/s = 1,064 entities/s", "118/s",
        "FIWARE/load-tests, testReports, 2023-01",
    ),
    Published(
        "Stellio, PostgreSQL, Kafka", "create; partial update; query by type and property",
        "241/s; 417/s; 32/s of 100,000 with 8 vCPU", "30/s; 52/s; 4/s", "Stellio, docs/admin/performance.md, 2024-09",
    ),
    Published(
        "Scorpio", "20,000 creates at once; list of 1,000 of 20,000", "61.8 s = 324/s; 430 ms", "",
        "Open-IoT-Service-Platform/platform-launcher, issue 726, 2023",
    ),
)  # fmt: skip


def published() -> Table:
    """Draw them."""
    report = Table(title="What others publish: their machines, their loads, their words")
    for column in ("product", "load", "figure", "per core, database included", "source"):
        report.add_column(column)
    for each in PUBLISHED:
        report.add_row(each.product, each.load, each.figure, each.per_core, each.source)
    return report
