"""The audit trail: who did which administrative act, and whom the policy refused what; on disk, apart from the log."""

from rhinecloud.audit.model import AuditEntry, Outcome
from rhinecloud.audit.settings import AuditSettings
from rhinecloud.audit.trail import AuditTrail

__all__ = ["AuditEntry", "AuditSettings", "AuditTrail", "Outcome"]
