"""What each rule did since the city started, shown to people, so that the failures of a rule are visible."""

from __future__ import annotations

from dataclasses import dataclass

from rhinecloud.risk.model import OutcomeKind, RuleOutcome


@dataclass(slots=True)
class RuleCounters:
    """`late`: readings older than the one before; `weak`: bad quality or too old; times are ISO 8601."""

    evaluated: int = 0
    fired: int = 0
    resolved: int = 0
    late: int = 0
    weak: int = 0
    errors: int = 0
    last_error: str = ""
    last_error_at: str = ""
    last_fired_at: str = ""

    def fail(self, reason: str, at: str) -> None:
        """Count an error and keep its reason."""
        self.errors += 1
        self.last_error, self.last_error_at = reason, at

    def count(self, outcome: RuleOutcome) -> None:
        """Count an outcome."""
        if outcome.kind is OutcomeKind.RAISED:
            self.fired += 1
            self.last_fired_at = outcome.at
        elif outcome.kind is OutcomeKind.RESOLVED:
            self.resolved += 1
