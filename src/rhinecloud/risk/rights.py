"""What risk contributes to the policy: its actions, and the types that it alone writes."""

from __future__ import annotations

from importlib.resources import files

from rhinecloud.part import ActionRight, ProtectedType, Rights
from rhinecloud.risk.actions import SILENCE_SUMMARIES, SUMMARIES
from rhinecloud.risk.engine import ALERT
from rhinecloud.risk.silences import CREATE, EXPIRE, SILENCE


def risk_rights() -> Rights:
    """Return the rights of risk."""
    acts = ", ".join(act.action for act in SUMMARIES)
    return Rights(
        actions=(
            *(ActionRight(act.action, text) for act, text in SUMMARIES.items()),
            *(ActionRight(name, text) for name, text in SILENCE_SUMMARIES.items()),
        ),
        protected=(
            ProtectedType(ALERT, create="a rule", update=acts),
            ProtectedType(SILENCE, create=CREATE, update=EXPIRE),
        ),
        policy=files("rhinecloud.risk").joinpath("risk.cedar").read_text(encoding="utf-8"),
    )
