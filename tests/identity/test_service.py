"""Who gets in, for how long, and who does not."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from identity.conftest import DictRecords, HandClock
from rhinecloud.identity import Account, Identity, IdentitySettings, Token
from rhinecloud.identity.model import (
    AccountExists,
    AccountLocked,
    LastAdmin,
    LockedOut,
    PasswordChangeNeeded,
    WeakPassword,
    WrongCredentials,
)
from rhinecloud.identity.service import OPEN_ACTOR
from rhinecloud.kernel.actor import Role
from rhinecloud.kernel.errors import Invalid, Unauthenticated, Unavailable
from rhinecloud.kernel.settings import read_section

PASSWORD = "a long enough one"


def cookie(session_id: str) -> list[tuple[bytes, bytes]]:
    return [(b"cookie", f"theme=dark; rhinecloud_session={session_id}".encode())]


def bearer(token: str) -> list[tuple[bytes, bytes]]:
    return [(b"accept", b"*/*"), (b"authorization", f"Bearer {token}".encode())]


async def add(identity: Identity, name: str = "meyer", *roles: Role, agency: str = "") -> None:
    account = Account(name=name, password_hash="", roles=roles or (Role.OPERATOR,), agency=agency)
    await identity.add_account(account, PASSWORD)


async def test_the_first_start_makes_an_admin_whose_password_works_once(
    records: DictRecords, clock: HandClock
) -> None:
    identity = Identity(records, IdentitySettings(), clock)
    once = await identity.open()
    session = await identity.sign_in("admin", once, "127.0.0.1")
    with pytest.raises(PasswordChangeNeeded):
        identity.authenticate(cookie(session))
    await identity.change_password("admin", once, PASSWORD, keep_session=session)
    assert identity.authenticate(cookie(session)).has(Role.ADMIN)
    with pytest.raises(WrongCredentials):
        await identity.sign_in("admin", once, "127.0.0.1")


async def test_starts_make_a_password_until_it_was_changed(records: DictRecords, clock: HandClock) -> None:
    unseen = await Identity(records, IdentitySettings(), clock).open()
    identity = Identity(records, IdentitySettings(), clock)
    once = await identity.open()
    assert once != unseen
    with pytest.raises(WrongCredentials):
        await identity.sign_in("admin", unseen, "127.0.0.1")
    await identity.change_password("admin", once, PASSWORD)
    assert await Identity(records, IdentitySettings(), clock).open() == ""


async def test_another_administrator_makes_the_first_one_needless(
    identity: Identity, records: DictRecords, clock: HandClock
) -> None:
    await identity.add_account(Account(name="boss", password_hash="", roles=(Role.ADMIN,)), PASSWORD)
    assert await Identity(records, IdentitySettings(), clock).open() == ""


@pytest.mark.parametrize("kind", ["account", "token", "session"])
async def test_a_broken_record_is_named(
    identity: Identity, records: DictRecords, clock: HandClock, kind: str
) -> None:
    records.kinds.setdefault(kind, {})["meyer"] = b"\xff\x00"
    with pytest.raises(Unavailable, match=f"the {kind} 'meyer' in the store is broken"):
        await Identity(records, IdentitySettings(), clock).open()


async def test_a_session_survives_a_restart(
    identity: Identity, records: DictRecords, clock: HandClock
) -> None:
    await add(identity)
    session = await identity.sign_in("meyer", PASSWORD, "")
    again = Identity(records, IdentitySettings(), clock)
    await again.open()
    assert again.authenticate(cookie(session)).id == "urn:rhinecloud:account:meyer"


async def test_a_session_ends_when_idle_and_when_old(identity: Identity, clock: HandClock) -> None:
    await add(identity)
    idle, busy = [await identity.sign_in("meyer", PASSWORD, "") for _ in range(2)]
    for _ in range(4):
        clock.forward(5 * 3600)
        identity.authenticate(cookie(busy))
        await identity.flush()
    with pytest.raises(WrongCredentials):
        identity.authenticate(cookie(idle))
    clock.forward(5 * 3600)
    with pytest.raises(WrongCredentials):
        identity.authenticate(cookie(busy))


async def test_signing_out_ends_the_session(identity: Identity) -> None:
    await add(identity)
    session = await identity.sign_in("meyer", PASSWORD, "")
    await identity.sessions.end(session)
    with pytest.raises(Unauthenticated):
        identity.authenticate(cookie(session))


async def test_no_secret_is_kept(identity: Identity, records: DictRecords) -> None:
    await add(identity)
    session = await identity.sign_in("meyer", PASSWORD, "")
    token = await identity.add_token(Token(name="crane", digest="", roles=(Role.DEVICE,)))
    kept = b"".join(body for kind in records.kinds.values() for body in kind.values())
    ids = "".join(record_id for kind in records.kinds.values() for record_id in kind)
    for secret in (PASSWORD, session, token):
        assert secret.encode() not in kept
        assert secret not in ids
    assert b"$argon2id$" in kept


async def test_failures_lock_a_name_for_longer_each_time(identity: Identity, clock: HandClock) -> None:
    await add(identity)
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            await identity.sign_in("meyer", "wrong", "10.0.0.1")
    with pytest.raises(LockedOut) as locked:
        await identity.sign_in("meyer", PASSWORD, "10.0.0.1")
    assert locked.value.retry_after_s == 60
    clock.forward(61)
    with pytest.raises(WrongCredentials):
        await identity.sign_in("meyer", "wrong", "10.0.0.1")
    with pytest.raises(LockedOut) as locked:
        await identity.sign_in("meyer", PASSWORD, "10.0.0.1")
    assert locked.value.retry_after_s == 120


async def test_a_stranger_elsewhere_does_not_lock_a_person_out(identity: Identity) -> None:
    await add(identity)
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            await identity.sign_in("meyer", "wrong", "10.0.0.1")
    assert await identity.sign_in("meyer", PASSWORD, "10.0.0.2")


@pytest.mark.slow
async def test_names_without_an_account_do_not_push_out_the_lock_of_one(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rhinecloud.identity.attempts.MOST", 20)
    await add(identity)
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            await identity.sign_in("meyer", "wrong", "10.0.0.1")
    for number in range(50):
        with pytest.raises(WrongCredentials):
            await identity.sign_in(f"nobody{number}", "wrong", "10.0.0.1")
    with pytest.raises(LockedOut):
        await identity.sign_in("meyer", PASSWORD, "10.0.0.1")


async def test_a_name_without_an_account_is_locked_like_any_other(identity: Identity) -> None:
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            await identity.sign_in("nobody", "wrong", "10.0.0.1")
    with pytest.raises(LockedOut):
        await identity.sign_in("nobody", "wrong", "10.0.0.1")


async def test_a_new_password_lifts_the_lock(identity: Identity) -> None:
    await add(identity)
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            await identity.sign_in("meyer", "wrong", "10.0.0.1")
    once = await identity.reset_password("meyer")
    assert await identity.sign_in("meyer", once, "10.0.0.1")


@pytest.mark.slow
async def test_too_many_sign_ins_at_once_are_refused_and_not_counted(identity: Identity) -> None:
    await add(identity)
    many = await asyncio.gather(
        *(identity.sign_in(f"nobody{number}", "wrong", "10.0.0.1") for number in range(150)),
        identity.sign_in("meyer", "wrong", "10.0.0.1"),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Unavailable) for each in many) == 51
    assert await identity.sign_in("meyer", PASSWORD, "10.0.0.1")


@pytest.mark.parametrize("name", ["a" * 64, "", "Meyer Anna", "meyer\n", "a" * 900_000])
async def test_what_can_be_no_name_is_refused_without_a_hash(identity: Identity, name: str) -> None:
    refused = [identity.sign_in(name, "wrong", "10.0.0.1") for _ in range(200)]
    answers = await asyncio.gather(*refused, return_exceptions=True)
    assert {type(each) for each in answers} == {WrongCredentials}  # neither locked nor too many at once


async def test_an_unknown_name_is_refused_in_the_same_words(identity: Identity) -> None:
    await add(identity)
    with pytest.raises(WrongCredentials) as unknown:
        await identity.sign_in("nobody", PASSWORD, "")
    with pytest.raises(WrongCredentials) as wrong:
        await identity.sign_in("meyer", "not the one", "")
    assert str(unknown.value) == str(wrong.value)


async def test_a_token_acts_until_it_expires_or_is_revoked(identity: Identity, clock: HandClock) -> None:
    token = Token(
        name="gtfs", digest="", roles=(Role.PARTNER,), tenant="moers", expires_at="2026-03-01T13:00:00Z"
    )
    secret = await identity.add_token(token)
    actor = identity.authenticate(bearer(secret))
    assert (actor.name, actor.roles, actor.tenant) == ("gtfs", {Role.PARTNER}, "moers")
    await identity.flush()
    assert identity.tokens.list()[0].last_used_at == "2026-03-01T12:00:00Z"
    clock.forward(3600)
    with pytest.raises(WrongCredentials, match="expired"):
        identity.authenticate(bearer(secret))
    other = await identity.add_token(Token(name="other", digest="", roles=(Role.READER,)))
    await identity.tokens.revoke("other")
    with pytest.raises(WrongCredentials):
        identity.authenticate(bearer(other))


async def test_a_request_states_its_purpose(identity: Identity) -> None:
    secret = await identity.add_token(Token(name="app", digest="", roles=(Role.PARTNER,)))
    assert identity.authenticate(bearer(secret)).purpose == ""
    stated = identity.authenticate([*bearer(secret), (b"data-purpose", b"dpv:ResearchAndDevelopment")])
    assert (stated.id, stated.purpose) == ("urn:rhinecloud:token:app", "dpv:ResearchAndDevelopment")
    for wrong in (b"", b"two words", b"x" * 101, "ü".encode()):
        with pytest.raises(Invalid, match="Data-Purpose: must be a word"):
            identity.authenticate([*bearer(secret), (b"data-purpose", wrong)])


async def test_a_wrong_token_is_refused_even_where_access_is_open(
    records: DictRecords, clock: HandClock
) -> None:
    identity = Identity(records, IdentitySettings(access="open"), clock)
    assert await identity.open() == ""
    assert identity.authenticate([]) == OPEN_ACTOR
    with pytest.raises(WrongCredentials):
        identity.authenticate(bearer("rct_guessed"))


async def test_another_systems_token_is_nothing_where_access_is_open(
    records: DictRecords, clock: HandClock
) -> None:
    identity = Identity(records, IdentitySettings(access="open"), clock)
    await identity.open()
    assert identity.authenticate(bearer("eyJhbGciOiJSUzI1NiJ9.e30.c2ln")) == OPEN_ACTOR


@pytest.mark.parametrize(
    "headers", [[], [(b"cookie", b"other=1")], [(b"authorization", b"Basic YTpi")], bearer("x"), cookie("y")]
)
async def test_who_brings_nothing_of_ours_is_not_known(
    identity: Identity, headers: list[tuple[bytes, bytes]]
) -> None:
    with pytest.raises(Unauthenticated):
        identity.authenticate(headers)


async def test_a_device_signs_in_with_its_token_as_password(identity: Identity) -> None:
    secret = await identity.add_token(Token(name="gauge", digest="", roles=(Role.DEVICE,)))
    assert (await identity.authenticate_device("anything", secret)).name == "gauge"
    with pytest.raises(Unauthenticated):
        await identity.authenticate_device("gauge", "guessed")


async def test_a_new_password_must_be_long_and_new(identity: Identity) -> None:
    await add(identity)
    for weak in ("short", PASSWORD, "x" * 1025):
        with pytest.raises(WeakPassword):
            await identity.change_password("meyer", PASSWORD, weak)


async def test_a_reset_ends_sessions_and_asks_for_a_change(identity: Identity) -> None:
    await add(identity)
    session = await identity.sign_in("meyer", PASSWORD, "")
    once = await identity.reset_password("meyer")
    with pytest.raises(Unauthenticated):
        identity.authenticate(cookie(session))
    with pytest.raises(PasswordChangeNeeded):
        identity.authenticate(cookie(await identity.sign_in("meyer", once, "")))


async def test_the_last_administrator_stays(identity: Identity) -> None:
    with pytest.raises(LastAdmin):
        await identity.remove_account("admin")
    admin = identity.accounts.get("admin")
    with pytest.raises(LastAdmin):
        await identity.accounts.change(admin.name, roles=(Role.READER,))
    await add(identity, "second", Role.ADMIN)
    await identity.remove_account("admin")


async def test_a_locked_account_is_shown_out_and_lets_nobody_in(identity: Identity) -> None:
    await add(identity, "meyer", Role.OPERATOR)
    session = await identity.sign_in("meyer", PASSWORD, "here")
    shown_out: list[str] = []
    identity.on_rights_ended(shown_out.append)

    account = identity.accounts.get("meyer")
    await identity.change_account(msgspec.structs.replace(account, locked=True))
    assert shown_out == [account.actor().id]
    assert account.actor().id not in identity.active_actor_ids()
    with pytest.raises(WrongCredentials):
        identity.authenticate(cookie(session))
    with pytest.raises(AccountLocked):
        await identity.sign_in("meyer", PASSWORD, "here")

    await identity.change_account(msgspec.structs.replace(account, locked=False))
    assert identity.authenticate(cookie(await identity.sign_in("meyer", PASSWORD, "here"))) == account.actor()


async def test_a_locked_administrator_is_none(identity: Identity) -> None:
    await add(identity, "boss", Role.ADMIN)
    boss, first = identity.accounts.get("boss"), identity.accounts.get("admin")
    await identity.change_account(msgspec.structs.replace(boss, locked=True))
    with pytest.raises(LastAdmin):
        await identity.change_account(msgspec.structs.replace(first, locked=True))
    with pytest.raises(LastAdmin):
        await identity.remove_account("admin")


@pytest.mark.parametrize(
    ("name", "roles", "agency"),
    [("Ä", (Role.READER,), ""), ("fire", (Role.AGENCY,), ""), ("x", (), ""), ("x", (Role.DEVICE,), "")],
)
async def test_an_account_that_makes_no_sense_is_refused(
    identity: Identity, name: str, roles: tuple[Role, ...], agency: str
) -> None:
    with pytest.raises(Invalid):
        await identity.add_account(Account(name=name, password_hash="", roles=roles, agency=agency))


async def test_a_name_is_given_once(identity: Identity) -> None:
    await add(identity)
    with pytest.raises(AccountExists):
        await add(identity)
    await identity.add_token(Token(name="one", digest="", roles=(Role.READER,)))
    with pytest.raises(AccountExists):
        await identity.add_token(Token(name="one", digest="", roles=(Role.READER,)))


async def test_an_unknown_kind_of_access_is_refused() -> None:
    with pytest.raises(Invalid, match=r"identity\.access"):
        read_section("identity", IdentitySettings, {"access": "closed"}, {})


class SlowRecords(DictRecords):
    """Records that take a moment, one after the other, as a store does: others act in between."""

    async def put(self, kind: str, record_id: str, body: bytes) -> None:
        await asyncio.sleep(0)
        await super().put(kind, record_id, body)

    async def delete(self, kind: str, record_id: str) -> bool:
        await asyncio.sleep(0)
        return await super().delete(kind, record_id)


@pytest.fixture
async def slow(clock: HandClock) -> Identity:
    identity = Identity(SlowRecords(), IdentitySettings(), clock)
    await identity.open()
    return identity


async def test_two_administrators_who_go_at_once_do_not_leave_the_city_without_one(slow: Identity) -> None:
    await add(slow, "meyer", Role.ADMIN)
    outcomes = await asyncio.gather(
        slow.remove_account("admin"), slow.remove_account("meyer"), return_exceptions=True
    )
    assert [type(each) for each in outcomes].count(LastAdmin) == 1
    assert len(slow.accounts.list()) == 1


async def test_of_two_accounts_or_tokens_of_one_name_made_at_once_the_second_is_refused(
    slow: Identity,
) -> None:
    token = Token(name="box", digest="", roles=(Role.DEVICE,))
    outcomes = await asyncio.gather(slow.add_token(token), slow.add_token(token), return_exceptions=True)
    assert [isinstance(each, AccountExists) for each in outcomes] == [False, True]
    account = Account(name="meyer", password_hash="", roles=(Role.OPERATOR,))
    made = await asyncio.gather(slow.add_account(account), slow.add_account(account), return_exceptions=True)
    assert sorted(isinstance(each, AccountExists) for each in made) == [False, True]


async def test_a_token_that_is_revoked_while_its_last_use_is_written_stays_revoked(slow: Identity) -> None:
    secret = await slow.add_token(Token(name="box", digest="", roles=(Role.DEVICE,)))
    slow.authenticate(bearer(secret))
    await asyncio.gather(slow.revoke_token("box"), slow.flush())
    await slow.read()
    with pytest.raises(WrongCredentials):
        slow.authenticate(bearer(secret))


async def test_an_account_that_is_locked_while_its_password_changes_stays_locked(slow: Identity) -> None:
    await add(slow)
    changing = asyncio.create_task(slow.change_password("meyer", PASSWORD, "another long one"))
    await asyncio.sleep(0)
    await slow.change_account(msgspec.structs.replace(slow.accounts.get("meyer"), locked=True))
    await changing
    assert slow.accounts.get("meyer").locked
