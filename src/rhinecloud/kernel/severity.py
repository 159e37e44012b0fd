"""Severity: one scale for alerts and incidents."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """The severities of Smart Data Models' alerts (dataModel.Alert), from the least to the greatest."""

    INFORMATIONAL = "informational"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Return the position in the order, 0 for the least."""
        return list(Severity).index(self)
