"""What identity contributes: sign-in, accounts and tokens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pydantic import BaseModel, Field

from rhinecloud.audit import AuditTrail
from rhinecloud.identity.model import AccountLocked, LockedOut, PasswordChangeNeeded
from rhinecloud.identity.routes import session_routes, token_routes, user_routes
from rhinecloud.identity.service import Identity
from rhinecloud.identity.settings import IdentitySettings
from rhinecloud.part import ErrorRow, Mode, OpenPart, Part, PartContext, ProblemFact

FLUSH_S = 60.0


class IdentityStatus(BaseModel):
    """The access to the city."""

    access: str = Field(description="`accounts`, or `open`: every client is an administrator")


@asynccontextmanager
async def open_identity(context: PartContext) -> AsyncIterator[OpenPart]:
    """Open the routes and the worker of this space's identity."""
    identity = context.services.get(Identity)
    administrator = context.access.may("administer")

    async def flush() -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            await identity.flush()

    async def describe(actor: Any) -> dict[str, object]:
        return dict(await context.describe(actor))

    async def status() -> dict[str, str]:
        return {"access": identity.settings.access}

    yield OpenPart(
        routers=[
            session_routes(
                identity,
                context.services.get(AuditTrail),
                context.access.actions_of,
                describe,
                secure=context.addresses.https,
            ),
            user_routes(identity, administrator),
            token_routes(identity, administrator),
        ],
        workers={"sessions": flush},
        status=status,
        refresh=identity.read,
    )


RETRY_AFTER = ProblemFact("retry_after_s", "number", "How long to wait before another sign-in")

PART = Part(
    name="identity",
    summary="Who acts: people with accounts and sessions, machines with tokens.",
    open=open_identity,
    settings={"identity": IdentitySettings},
    records={
        "account": "A person's account.",
        "token": "A machine's token, as a digest.",
        "session": "A person who is signed in.",
    },
    cached=frozenset({"account", "token", "session"}),
    errors=(
        ErrorRow(LockedOut, 429, "locked-out", "Too many failed sign-ins", facts=(RETRY_AFTER,)),
        ErrorRow(AccountLocked, 401, "account-locked", "Account locked"),
        ErrorRow(PasswordChangeNeeded, 403, "password-change-needed", "Password change needed"),
    ),
    status=IdentityStatus,
    modes=frozenset(Mode),
)
