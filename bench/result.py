"""The result of a benchmark: our figures and those of the peer from one run, their ratio, and the goal."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report; `ratio` is to be at least `goal`, or at most where `smaller_is_better`."""

    name: str
    ours: str
    peer: str
    ratio: float | None = None
    goal: float | None = None
    smaller_is_better: bool = False
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Return whether the goal is met; None where there is none."""
        if self.ratio is None or self.goal is None:
            return None
        return self.ratio <= self.goal if self.smaller_is_better else self.ratio >= self.goal


def median_ratio(ours: Sequence[float], peer: Sequence[float]) -> float:
    """Return the median of the ratios of runs that were made in turn, so that the machine's drift cancels out."""
    return statistics.median(a / b for a, b in zip(ours, peer, strict=True))


def table(figures: Sequence[Figure]) -> Table:
    """Draw the report."""
    report = Table(title="Rhine Cloud: promises about speed, measured in one run")
    for column in ("what", "ours", "peer", "ratio", "goal", ""):
        report.add_column(column, justify="left" if column in ("what", "") else "right")
    for each in figures:
        sign = "≤" if each.smaller_is_better else "≥"
        goal = f"{sign} {each.goal:g}" if each.goal is not None else ""
        mark = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[each.met]
        ratio = f"{each.ratio:.2f}" if each.ratio is not None else ""
        report.add_row(each.name, each.ours, each.peer, ratio, goal, f"{mark} {each.note}".strip())
    return report
