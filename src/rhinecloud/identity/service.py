"""Identity: from the credentials of a request to its actor, and everything about sign-in.

`authenticate` is called for every request: one SHA-256 and two dict look-ups.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec

from rhinecloud.identity.accounts import NAME, Accounts
from rhinecloud.identity.attempts import Attempts
from rhinecloud.identity.credentials import Credentials, RawHeaders, read_credentials
from rhinecloud.identity.model import (
    ACCOUNT_URN,
    TOKEN_PREFIX,
    TOKEN_URN,
    Account,
    AccountLocked,
    OtherPurpose,
    PasswordChangeNeeded,
    Token,
    WeakPassword,
    WrongCredentials,
)
from rhinecloud.identity.passwords import LONGEST, Passwords, one_time_password
from rhinecloud.identity.records import RecordStore
from rhinecloud.identity.sessions import Sessions
from rhinecloud.identity.settings import IdentitySettings
from rhinecloud.identity.tokens import Tokens
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import Unauthenticated
from rhinecloud.kernel.time import Clock, format_time

OPEN_ACTOR = Actor(id="urn:rhinecloud:account:open", name="open", roles=frozenset({Role.ADMIN}))
"""The actor of every request where `access = "open"`."""

FIRST_ADMIN = "admin"
WRONG = "name or password is wrong"


class Identity:
    """Accounts, sessions and tokens of one city."""

    def __init__(self, records: RecordStore, settings: IdentitySettings, clock: Clock) -> None:
        self.settings = settings
        self.accounts = Accounts(records)
        self.tokens = Tokens(records)
        self.sessions = Sessions(records, settings.session_idle_s, settings.session_absolute_s)
        self.passwords = Passwords(settings.password_length)
        self._attempts = Attempts(settings.attempts, settings.lockout_s)
        self._attempts_of_unknown_names = Attempts(settings.attempts, settings.lockout_s)
        """Names without an account are counted separately, so that they cannot push accounts out of the list."""
        self._clock = clock
        self._listeners: list[Callable[[str], None]] = []

    async def open(self) -> str:
        """Load everything. Until an administrator has set a password, return a one-time password of `admin`, else ''.

        Each start creates a new one, because that of an earlier start may not have been seen.
        """
        await self.read()
        if self.settings.open:
            return ""
        admins = [each for each in self.accounts.list() if Role.ADMIN in each.roles]
        if not admins and self.accounts.find(FIRST_ADMIN) is None:
            return await self.add_account(Account(name=FIRST_ADMIN, password_hash="", roles=(Role.ADMIN,)))
        if [(each.name, each.must_change_password) for each in admins] == [(FIRST_ADMIN, True)]:
            return await self.reset_password(FIRST_ADMIN)
        return ""

    async def read(self) -> None:
        """Load everything, also again where another process changed it."""
        await self.accounts.open()
        await self.tokens.open()
        await self.sessions.open()

    def authenticate(self, headers: RawHeaders) -> Actor:
        """Return the actor of a request's raw headers (ASGI); raise Unauthenticated."""
        return self.actor_of(read_credentials(headers))

    def actor_of(self, credentials: Credentials) -> Actor:
        """Return the actor of credentials, with the purpose of the request.

        Raise Unauthenticated, PasswordChangeNeeded, or OtherPurpose.
        """
        actor, purpose = self._find_actor(credentials), credentials.purpose
        if not purpose or purpose == actor.purpose:
            return actor
        if actor.purpose:
            raise OtherPurpose(f"the token {actor.name!r} must be used for the purpose {actor.purpose!r}")
        return replace(actor, purpose=purpose)

    def _find_actor(self, credentials: Credentials) -> Actor:
        token = credentials.token
        if token and (token.startswith(TOKEN_PREFIX) or not self.settings.open):
            return self.tokens.actor(token, self._clock())
        if self.settings.open:  # tokens of other systems are ignored
            return OPEN_ACTOR
        account = self.account_of(credentials)
        if account.must_change_password:
            raise PasswordChangeNeeded("the one-time password must be changed first")
        actor = self.accounts.actor(account.name)
        assert actor is not None
        return actor

    def account_of(self, credentials: Credentials) -> Account:
        """Return the signed-in account, also while its password must be changed; raise Unauthenticated."""
        if not credentials.session:
            raise Unauthenticated("sign in, or send a token")
        name = self.sessions.account(credentials.session, self._clock().timestamp())
        account = self.accounts.find(name)
        if account is None:
            raise WrongCredentials("this account was removed")
        return _require_open(account)

    async def authenticate_device(self, name: str, secret: str) -> Actor:
        """Return the actor of a device that signs in to the stream with a user name and a password.

        The password is a token; an account's name and password are valid as well, for devices that cannot send long
        passwords. Raise WrongCredentials, LockedOut or PasswordChangeNeeded.
        """
        if secret.startswith(TOKEN_PREFIX):
            return self.tokens.actor(secret, self._clock())
        if name.startswith(TOKEN_PREFIX):
            return self.tokens.actor(name, self._clock())
        if self.settings.open:
            return OPEN_ACTOR
        account = await self._verify(name, secret, "stream")
        if account.must_change_password:
            raise PasswordChangeNeeded("the one-time password must be changed first")
        return account.actor()

    async def sign_in(self, name: str, password: str, address: str) -> str:
        """Check a name and password, start a session, and return its id. Raise WrongCredentials or LockedOut."""
        account = await self._verify(name, password, address)
        return await self.sessions.start(account.name, self._clock().timestamp())

    async def change_password(self, name: str, old: str, new: str, *, keep_session: str = "") -> None:
        """Replace a person's own password, and end the other sessions. Raise WrongCredentials or WeakPassword."""
        account = await self._verify(name, old, "password change")
        self.passwords.require_good(new, field="new_password")
        if new == old:
            raise WeakPassword("must not be the old password", field="new_password")
        await self._set_password(account, new, once=False, keep_session=keep_session)

    async def add_account(self, account: Account, password: str = "") -> str:
        """Store a new account. Without a password it gets a one-time password, which is returned, else ''."""
        chosen = password or one_time_password()
        self.passwords.require_good(chosen)
        described = msgspec.structs.replace(
            account,
            password_hash=await self.passwords.hash(chosen),
            must_change_password=not password,
            created_at=format_time(self._clock()),
        )
        await self.accounts.add(described)
        return "" if password else chosen

    async def reset_password(self, name: str, password: str = "") -> str:
        """Set a password, or without one a one-time password, which is returned, else ''; end all sessions."""
        account = self.accounts.get(name)
        chosen = password or one_time_password()
        self.passwords.require_good(chosen)
        await self._set_password(account, chosen, once=not password)
        self._attempts.forget(name)
        return "" if password else chosen

    async def change_account(self, account: Account) -> Account:
        """Replace all of an account except its password, and return it; connections with changed rights are closed.

        Raise Invalid, NoSuchAccount or LastAdmin.
        """
        before = self.accounts.get(account.name).actor()
        changed = await self.accounts.change(
            account.name,
            roles=account.roles,
            full_name=account.full_name,
            agency=account.agency,
            tenant=account.tenant,
            locked=account.locked,
        )
        if changed.locked:
            await self.sessions.end_all(changed.name)
        if changed.locked or changed.actor() != before:
            self._end(before.id)
        return changed

    async def remove_account(self, name: str) -> None:
        """Remove an account and end its sessions; raise NoSuchAccount or LastAdmin."""
        await self.accounts.remove(name)
        await self.sessions.end_all(name)
        self._end(f"{ACCOUNT_URN}{name}")

    async def revoke_token(self, name: str) -> None:
        """Remove a token, and close its connections; raise NoSuchAccount."""
        await self.tokens.revoke(name)
        self._end(f"{TOKEN_URN}{name}")

    def active_actor_ids(self) -> frozenset[str]:
        """Return the ids of all actors with a valid account or token."""
        people = [each.actor().id for each in self.accounts.list() if not each.locked]
        opened = [OPEN_ACTOR.id] if self.settings.open else []
        return frozenset([*people, *opened, *self.tokens.active_actor_ids(self._clock())])

    def on_rights_ended(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the id of each actor whose rights end or change."""
        self._listeners.append(listener)

    def _end(self, actor_id: str) -> None:
        for listener in self._listeners:
            listener(actor_id)

    async def add_token(self, token: Token) -> str:
        """Store a new token, and return its secret, which is never shown again."""
        return await self.tokens.create(msgspec.structs.replace(token, created_at=format_time(self._clock())))

    async def flush(self) -> None:
        """Store the last uses, and drop ended sessions; called at intervals and at the end."""
        await self.sessions.flush(self._clock().timestamp())
        await self.tokens.flush()

    async def _verify(self, name: str, password: str, address: str) -> Account:
        """Return the account; raise WrongCredentials, LockedOut, or Unavailable while too many others wait.

        A name or password that cannot be an account's is rejected before anything of it is stored.
        """
        if not NAME.fullmatch(name) or len(password) > LONGEST:
            raise WrongCredentials(WRONG)
        self.passwords.require_capacity()
        account = self.accounts.find(name)
        attempts = self._attempts if account is not None else self._attempts_of_unknown_names
        attempts.begin(name, address, self._clock().timestamp())
        kept = account.password_hash if account is not None else None
        if not await self.passwords.verify(kept, password) or account is None:
            raise WrongCredentials(WRONG)
        attempts.succeeded(name, address)
        return _require_open(account)

    async def _set_password(
        self, account: Account, password: str, *, once: bool, keep_session: str = ""
    ) -> None:
        password_hash = await self.passwords.hash(password)
        await self.accounts.change(account.name, password_hash=password_hash, must_change_password=once)
        await self.sessions.end_all(account.name, but=keep_session)
        self._end(f"{ACCOUNT_URN}{account.name}")


def _require_open(account: Account) -> Account:
    if account.locked:
        raise AccountLocked("this account is locked; contact an administrator")
    return account
