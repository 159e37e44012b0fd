"""Records in the audit trail what became of an act: one line for each, whatever the act raised."""

from __future__ import annotations

from asyncio import CancelledError

from rhinecloud.audit import AuditTrail
from rhinecloud.kernel.actor import Actor
from rhinecloud.kernel.errors import Forbidden, RhineCloudError
from rhinecloud.policy import Denied


def record_act(
    trail: AuditTrail, actor: Actor, action: str, resource: str, error: BaseException | None
) -> None:
    """Record an act as done, denied or failed. The policy's own denial of this action is recorded already."""
    if isinstance(error, Denied) and error.action == action:
        return
    if isinstance(error, Forbidden) and not isinstance(error, Denied):
        trail.refuse(actor, action, resource, str(error))
        return
    trail.record(actor, action, resource, "" if error is None else _reason(error))


def _reason(error: BaseException) -> str:
    """Return what went wrong: of an error that was not raised on purpose the kind, for its text may be personal."""
    if isinstance(error, RhineCloudError):
        return str(error) or type(error).__name__
    if isinstance(error, CancelledError):
        return "cancelled: whether it was done is not known"
    return f"{type(error).__name__}: see the log"
