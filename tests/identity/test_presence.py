"""Who an actor is today: accounts and tokens that changed, ended or are gone."""

from __future__ import annotations

from identity.conftest import DictRecords, HandClock
from rhinecloud.identity import Account, Identity, IdentitySettings, Token
from rhinecloud.identity.presence import CLI_ACTOR, Presence
from rhinecloud.identity.service import OPEN_ACTOR
from rhinecloud.kernel.actor import Role, part
from rhinecloud.kernel.time import format_time


async def test_an_account_has_the_roles_of_today_and_none_when_it_is_gone(
    identity: Identity, clock: HandClock
) -> None:
    presence = Presence(identity, clock)
    account = Account(name="meyer", password_hash="", roles=(Role.OPERATOR,))
    await identity.add_account(account, "a long enough one")
    before = account.actor()
    assert presence.of(before) == before
    await identity.accounts.change("meyer", roles=(Role.READER,))
    now = presence.of(before)
    assert now is not None
    assert now.roles == {Role.READER}
    await identity.remove_account("meyer")
    assert presence.of(before) is None


async def test_a_token_ends_when_it_is_revoked_or_expires(identity: Identity, clock: HandClock) -> None:
    presence = Presence(identity, clock)
    clock.forward(60)
    end = format_time(clock())
    clock.forward(-60)
    for name, expires_at in (("lasting", ""), ("brief", end)):
        await identity.add_token(Token(name=name, digest="", roles=(Role.PARTNER,), expires_at=expires_at))
    lasting, brief = (
        Token(name=each, digest="", roles=(Role.PARTNER,)).actor() for each in ("lasting", "brief")
    )
    assert (presence.of(lasting), presence.of(brief)) == (lasting, brief)
    clock.forward(60)
    assert (presence.of(lasting), presence.of(brief)) == (lasting, None)
    await identity.revoke_token("lasting")
    assert presence.of(lasting) is None


async def test_parts_of_the_house_and_its_command_line_stay(
    identity: Identity, records: DictRecords, clock: HandClock
) -> None:
    presence = Presence(identity, clock)
    assert presence.of(part("risk")) == part("risk")
    assert presence.of(CLI_ACTOR) == CLI_ACTOR
    assert presence.of(OPEN_ACTOR) is None
    opened = Identity(records, IdentitySettings(access="open"), clock)
    assert Presence(opened, clock).of(OPEN_ACTOR) == OPEN_ACTOR
