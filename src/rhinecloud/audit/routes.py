"""The audit trail over HTTP: `/audit`, for administrators."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from rhinecloud.audit.model import AuditEntry, Outcome
from rhinecloud.audit.reading import AuditFilter, read_page
from rhinecloud.kernel.time import format_time, parse_time


class AuditEntryView(BaseModel):
    """Who did what to what, when, from where, and what became of it."""

    time: str
    actor: str = Field(description="The actor's id; empty for a caller who is not signed in")
    name: str
    roles: list[str]
    action: str
    resource: str
    outcome: Outcome
    reason: str = Field(
        description="What went wrong, or the policies that forbid it; empty where none permits it"
    )
    request_id: str
    address: str = Field(description="Where the request came from")
    count: int = Field(description="For how many equal refusals or failures the entry stands")
    until: str = Field(description="When the last of them was; empty for one")


class AuditPageView(BaseModel):
    """A page of the audit trail, the newest entry first."""

    entries: list[AuditEntryView]
    next: str = Field(description="The `cursor` of the next page; empty on the last")


def audit_routes(folder: Path, administrator: Any) -> APIRouter:
    """Build `/audit` over the files in `folder`."""
    router = APIRouter(tags=["audit"], dependencies=[Depends(administrator)])

    @router.get("/audit", summary="The audit trail, the newest entry first")
    async def get_audit(
        actor: Annotated[str, Query(description="Id or name")] = "",
        action: str = "",
        outcome: Annotated[Outcome | None, Query()] = None,
        since: Annotated[str, Query(description="ISO 8601; from this moment on")] = "",
        until: Annotated[str, Query(description="ISO 8601; before this moment")] = "",
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
        cursor: Annotated[str, Query(description="The `next` of the page before")] = "",
    ) -> AuditPageView:
        wanted = AuditFilter(actor, action, outcome or "", _moment(since, "since"), _moment(until, "until"))
        page = await asyncio.to_thread(read_page, folder, wanted, limit, cursor)
        return AuditPageView(entries=[_view(each) for each in page.entries], next=page.next)

    return router


def _moment(text: str, field: str) -> str:
    """Read a moment as entries are compared: without `Z`, which sorts behind a fraction of a second."""
    return format_time(parse_time(text, field=field))[:-1] if text else ""


def _view(entry: AuditEntry) -> AuditEntryView:
    return AuditEntryView(
        time=entry.time,
        actor=entry.actor,
        name=entry.name,
        roles=list(entry.roles),
        action=entry.action,
        resource=entry.resource,
        outcome=entry.outcome,
        reason=entry.reason,
        request_id=entry.request_id,
        address=entry.address,
        count=entry.count,
        until=entry.until,
    )
