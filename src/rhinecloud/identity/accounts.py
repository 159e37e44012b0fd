"""Accounts of people, stored as records and held in memory by name."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import msgspec

from rhinecloud.identity.model import ACCOUNT_URN, Account, AccountExists, LastAdmin, NoSuchAccount
from rhinecloud.identity.records import RecordStore, read_records
from rhinecloud.kernel.actor import Actor, Role
from rhinecloud.kernel.errors import Invalid

KIND = "account"
NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,62}")
PEOPLE_ROLES = frozenset({Role.ADMIN, Role.OPERATOR, Role.AGENCY, Role.READER, Role.PARTNER})

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Account)


class Accounts:
    """The accounts of a city. A change is durable before it takes effect; changes are made one after the other."""

    def __init__(self, records: RecordStore) -> None:
        self._records = records
        self._lock = asyncio.Lock()
        self._accounts: dict[str, Account] = {}
        self._actors: dict[str, Actor] = {}

    async def open(self) -> None:
        """Load every account."""
        kept = await read_records(self._records, KIND, _decoder)
        self._accounts.clear()
        self._actors.clear()
        for _, account in kept:
            self._remember(account)

    def find(self, name: str) -> Account | None:
        """Return an account, None where there is none."""
        return self._accounts.get(name)

    def get(self, name: str) -> Account:
        """Return an account; raise NoSuchAccount."""
        account = self._accounts.get(name)
        if account is None:
            raise NoSuchAccount(f"there is no account {name!r}")
        return account

    def actor(self, name: str) -> Actor | None:
        """Return the actor of an account, None where there is none."""
        return self._actors.get(name)

    def name_of(self, actor_id: str) -> str:
        """Return the name of an account's actor by its id, and any other text unchanged."""
        actor = self._actors.get(actor_id.removeprefix(ACCOUNT_URN))
        return actor.name if actor is not None and actor.id == actor_id else actor_id

    def list(self) -> list[Account]:
        """Return all accounts, ordered by name."""
        return sorted(self._accounts.values(), key=lambda each: each.name)

    async def add(self, account: Account) -> Account:
        """Store a new account; raise Invalid or AccountExists."""
        require_account(account)
        async with self._lock:
            if account.name in self._accounts:
                raise AccountExists(f"the account {account.name!r} exists already")
            return await self._keep(account)

    async def change(self, name: str, **fields: Any) -> Account:
        """Change some fields of an account, and return it; the others keep their present values.

        Raise Invalid, NoSuchAccount or LastAdmin.
        """
        async with self._lock:
            present = self.get(name)
            account = msgspec.structs.replace(present, **fields)
            require_account(account)
            if Role.ADMIN not in account.roles or account.locked:
                self._require_other_admin(present)
            return await self._keep(account)

    async def remove(self, name: str) -> None:
        """Remove an account; raise NoSuchAccount or LastAdmin."""
        async with self._lock:
            self._require_other_admin(self.get(name))
            await self._records.delete(KIND, name)
            del self._accounts[name], self._actors[name]

    def _require_other_admin(self, account: Account) -> None:
        able = (each for each in self._accounts.values() if not each.locked)
        admins = {each.name for each in able if Role.ADMIN in each.roles}
        if admins == {account.name}:
            raise LastAdmin(f"{account.name!r} must stay an administrator: there is no other one")

    async def _keep(self, account: Account) -> Account:
        await self._records.put(KIND, account.name, _encoder.encode(account))
        self._remember(account)
        return account

    def _remember(self, account: Account) -> None:
        self._accounts[account.name] = account
        self._actors[account.name] = account.actor()


def require_account(account: Account) -> None:
    """Raise Invalid unless name, roles and agency of an account are valid."""
    if not NAME.fullmatch(account.name):
        raise Invalid(
            "must be 1 to 63 of a-z, 0-9, '.', '_', '@', '-', and begin with a letter or digit", field="name"
        )
    unknown = set(account.roles) - PEOPLE_ROLES
    if unknown or not account.roles:
        raise Invalid(f"must be one or more of {', '.join(sorted(PEOPLE_ROLES))}", field="roles")
    require_agency(account.roles, account.agency)


def require_agency(roles: tuple[Role, ...], agency: str) -> None:
    """Raise Invalid where the role `agency` comes without an agency."""
    if Role.AGENCY in roles and not agency:
        raise Invalid("must be the id of an agency for the role `agency`", field="agency")
