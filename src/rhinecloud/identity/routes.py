"""The routes of identity in the people's API: `/session`, `/users`, `/tokens`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from rhinecloud.audit import AuditTrail
from rhinecloud.identity.credentials import SESSION_COOKIE, Credentials, read_credentials
from rhinecloud.identity.model import Account, NoSuchAccount, Token
from rhinecloud.identity.service import Identity
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import Unauthenticated

Dependency = Callable[[Request], Any]
ActionsOf = Callable[[Actor], list[str]]
DescribeCity = Callable[[Actor | None], Awaitable[dict[str, Any]]]


class ActorView(BaseModel):
    """The actor of the session."""

    id: str
    name: str
    roles: list[Role]
    agency: str


class SessionView(BaseModel):
    """The signed-in actor, its rights, and the description of the city."""

    actor: ActorView
    must_change_password: bool = Field(
        description="All other requests are rejected until the password is changed"
    )
    actions: list[str] = Field(
        description="Names of the actions that are permitted for at least one resource"
    )
    city: dict[str, Any]


class SignIn(BaseModel):
    """Name and password of an account."""

    name: str
    password: str


class PasswordChange(BaseModel):
    """The old and the new password."""

    old_password: str
    new_password: str


class UserView(BaseModel):
    """An account, without its secrets."""

    name: str
    full_name: str
    roles: list[Role]
    agency: str
    tenant: str
    must_change_password: bool
    locked: bool = Field(description="Whether sign-in with the account is disabled")
    created_at: str


class NewUser(BaseModel):
    """A new account; without a password it gets a one-time password."""

    name: str
    full_name: str = ""
    roles: list[Role]
    agency: str = ""
    tenant: str = ""
    password: str = ""


class UserChange(BaseModel):
    """Changes of an account; absent members are unchanged."""

    full_name: str | None = None
    roles: list[Role] | None = None
    agency: str | None = None
    locked: bool | None = Field(default=None, description="Locking ends the account's sessions immediately")


class UserMade(BaseModel):
    """An account and its one-time password, which is shown only once ('' where a password was sent)."""

    user: UserView
    one_time_password: str


class TokenView(BaseModel):
    """A token, without its secret."""

    name: str
    roles: list[Role]
    agency: str
    tenant: str
    created_at: str
    expires_at: str
    last_used_at: str
    purpose: str


class NewToken(BaseModel):
    """A new token; `expires_at` is ISO 8601, '' for never."""

    name: str
    roles: list[Role]
    agency: str = ""
    tenant: str = ""
    expires_at: str = ""
    purpose: str = Field(default="", description="The only purpose of its requests; empty: any")


class TokenMade(BaseModel):
    """A token and its secret, which is shown only once."""

    token: TokenView
    secret: str


def session_routes(
    identity: Identity, audit: AuditTrail, actions_of: ActionsOf, describe_city: DescribeCity, *, secure: bool
) -> APIRouter:
    """Return the routes of `/session`; `secure` restricts the cookie to HTTPS.

    `actions_of` returns the actions of an actor. Every sign-in, also a failed one, is recorded in the audit trail.
    """
    router = APIRouter(prefix="/session", tags=["session"])

    async def describe(credentials: Credentials) -> SessionView:
        if credentials.token or identity.settings.open:
            actor, must_change = identity.actor_of(credentials), False
        else:
            account = identity.account_of(credentials)
            actor, must_change = account.actor(), account.must_change_password
        return SessionView(
            actor=_actor_view(actor),
            must_change_password=must_change,
            actions=[] if must_change else actions_of(actor),
            city=await describe_city(None if must_change else actor),
        )

    @router.post("", summary="Sign in")
    async def sign_in(body: SignIn, request: Request, response: Response) -> SessionView:
        if identity.settings.open:
            return await describe(Credentials())
        address = request.client.host if request.client else ""
        name = body.name.strip().lower()
        try:
            session_id = await identity.sign_in(name, body.password, address)
        except Unauthenticated as error:
            audit.refuse(None, "sign_in", _account_named(identity, name), str(error))
            raise
        audit.record(identity.accounts.get(name).actor(), "sign_in")
        response.set_cookie(
            SESSION_COOKIE, session_id, httponly=True, samesite="strict", secure=secure, path="/"
        )
        return await describe(Credentials(session=session_id))

    @router.get("", summary="The present session")
    async def get_session(request: Request) -> SessionView:
        return await describe(read_credentials(request.scope["headers"]))

    @router.delete("", status_code=204, summary="Sign out")
    async def sign_out(request: Request, response: Response) -> None:
        await identity.sessions.end(read_credentials(request.scope["headers"]).session)
        response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict", secure=secure)

    @router.put("/password", status_code=204, summary="Change one's own password")
    async def change_password(body: PasswordChange, request: Request) -> None:
        credentials = read_credentials(request.scope["headers"])
        name = identity.account_of(Credentials(session=credentials.session)).name
        await identity.change_password(
            name, body.old_password, body.new_password, keep_session=credentials.session
        )
        audit.record(identity.accounts.get(name).actor(), "change_password")

    return router


def user_routes(identity: Identity, administrator: Dependency) -> APIRouter:
    """Return the routes of `/users`; `administrator` is the dependency that requires an administrator."""
    router = APIRouter(prefix="/users", tags=["users"], dependencies=[Depends(administrator)])

    @router.get("", summary="All accounts")
    async def list_users() -> list[UserView]:
        return [_user_view(account) for account in identity.accounts.list()]

    @router.post("", status_code=201, summary="Create an account")
    async def add_user(body: NewUser, request: Request) -> UserMade:
        request.state.subject = f"{body.name}: {', '.join(body.roles)}"
        account = Account(
            name=body.name.strip().lower(),
            password_hash="",
            roles=tuple(body.roles),
            full_name=body.full_name,
            agency=body.agency,
            tenant=body.tenant,
        )
        once = await identity.add_account(account, body.password)
        return UserMade(user=_user_view(identity.accounts.get(account.name)), one_time_password=once)

    @router.patch("/{name}", summary="Change an account")
    async def change_user(name: str, body: UserChange, request: Request) -> UserView:
        request.state.subject = _changes(body)
        account = identity.accounts.get(name)
        changed = msgspec.structs.replace(
            account,
            full_name=account.full_name if body.full_name is None else body.full_name,
            roles=account.roles if body.roles is None else tuple(body.roles),
            agency=account.agency if body.agency is None else body.agency,
            locked=account.locked if body.locked is None else body.locked,
        )
        return _user_view(await identity.change_account(changed))

    @router.post("/{name}/password", summary="Set a one-time password")
    async def reset_password(name: str) -> UserMade:
        once = await identity.reset_password(name)
        return UserMade(user=_user_view(identity.accounts.get(name)), one_time_password=once)

    @router.delete("/{name}", status_code=204, summary="Remove an account")
    async def remove_user(name: str) -> None:
        await identity.remove_account(name)

    return router


def token_routes(identity: Identity, administrator: Dependency) -> APIRouter:
    """Return the routes of `/tokens`; `administrator` is the dependency that requires an administrator."""
    router = APIRouter(prefix="/tokens", tags=["tokens"], dependencies=[Depends(administrator)])

    @router.get("", summary="All tokens")
    async def list_tokens() -> list[TokenView]:
        return [_token_view(token) for token in identity.tokens.list()]

    @router.post("", status_code=201, summary="Create a token")
    async def add_token(body: NewToken, request: Request) -> TokenMade:
        described = Token(
            name=body.name,
            digest="",
            roles=tuple(body.roles),
            agency=body.agency,
            tenant=body.tenant,
            expires_at=body.expires_at,
            purpose=body.purpose,
        )
        request.state.subject = f"{body.name}: {', '.join(body.roles)}"
        secret = await identity.add_token(described)
        kept = identity.tokens.find(body.name)
        if kept is None:
            raise NoSuchAccount(f"the token {body.name!r} was revoked at the same time")
        return TokenMade(token=_token_view(kept), secret=secret)

    @router.delete("/{name}", status_code=204, summary="Revoke a token")
    async def revoke_token(name: str) -> None:
        await identity.revoke_token(name)

    return router


def _account_named(identity: Identity, name: str) -> str:
    """Return the name of an account; another text is hidden, as it may be a password in the wrong field."""
    return name if identity.accounts.find(name) is not None else "(no such account)"


def _changes(body: UserChange) -> str:
    """Return the changes of an account for the audit trail."""
    changes = body.model_dump(exclude_none=True, mode="json")
    return ", ".join(f"{name}={value}" for name, value in changes.items())


def _actor_view(actor: Actor) -> ActorView:
    return ActorView(id=actor.id, name=actor.name, roles=sorted(actor.roles), agency=actor.agency)


def _user_view(account: Account) -> UserView:
    return UserView(
        name=account.name,
        full_name=account.full_name,
        roles=list(account.roles),
        agency=account.agency,
        tenant=account.tenant,
        must_change_password=account.must_change_password,
        locked=account.locked,
        created_at=account.created_at,
    )


def _token_view(token: Token) -> TokenView:
    return TokenView(
        name=token.name,
        roles=list(token.roles),
        agency=token.agency,
        tenant=token.tenant,
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
        purpose=token.purpose,
    )
