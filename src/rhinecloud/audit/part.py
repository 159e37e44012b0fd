"""What audit contributes: `/audit`, and the worker that keeps, counts out and deletes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rhinecloud.audit.routes import audit_routes
from rhinecloud.audit.settings import AuditSettings
from rhinecloud.audit.trail import AuditTrail
from rhinecloud.part import Mode, OpenPart, Part, PartContext


@asynccontextmanager
async def open_audit(context: PartContext) -> AsyncIterator[OpenPart]:
    """Open the routes and the worker over the audit trail of this space."""
    trail = context.services.get(AuditTrail)
    router = audit_routes(trail.folder, context.access.may("administer"))
    yield OpenPart(routers=[router], workers={"audit": trail.run})


PART = Part(
    name="audit",
    summary="Who did which administrative act, and whom the policy refused what.",
    open=open_audit,
    settings={"audit": AuditSettings},
    modes=frozenset(Mode),
)
