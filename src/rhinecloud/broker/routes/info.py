"""`/info/sourceIdentity`: the identity of this broker, for other brokers (clauses 5.15.1 and 6.33)."""

from __future__ import annotations

from rhinecloud.broker.http.request import Request
from rhinecloud.broker.http.response import Response, document
from rhinecloud.broker.http.route import HandlerContext, Route
from rhinecloud.kernel.ids import derived_urn
from rhinecloud.kernel.time import format_time


async def identity(parts: HandlerContext, request: Request) -> Response:
    """Retrieve Context Source Identity Information; each tenant is a source of its own (clause 6.33.3.1)."""
    alias = parts.settings.source_alias
    if request.tenant:
        alias = f"{alias}.{request.tenant}"
    now = parts.clock()
    uptime = max(0, int((now - parts.started_at).total_seconds()))
    return document(
        request,
        {
            "id": derived_urn("ContextSource", alias),
            "type": "ContextSourceIdentity",
            "contextSourceAlias": alias,
            "contextSourceUptime": f"PT{uptime}S",
            "contextSourceTimeAt": format_time(now),
        },
    )


ROUTES = (
    Route(
        "GET",
        "/info/sourceIdentity",
        identity,
        "retrieveContextSourceIdentity",
        answers=((200, "ContextSourceIdentity"),),
    ),
)
