"""How grave something is: one scale for alerts, incidents and whoever compares them."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """Smart Data Models' words for alerts (dataModel.Alert), from the least to the gravest."""

    INFORMATIONAL = "informational"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Give its place in the order, 0 for the least."""
        return list(Severity).index(self)
