"""Sessions of people: a random id in a cookie, its digest here; ended after inactivity, by age, or by sign-out."""

from __future__ import annotations

import secrets

import msgspec

from rhinecloud.identity.model import Session, WrongCredentials, digest_of
from rhinecloud.identity.records import RecordStore, read_records

KIND = "session"

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Session)


class Sessions:
    """The present sessions. Times are seconds since 1970."""

    def __init__(self, records: RecordStore, idle_s: float, absolute_s: float) -> None:
        self._records = records
        self._idle_s = idle_s
        self._absolute_s = absolute_s
        self._sessions: dict[str, Session] = {}
        self._seen: dict[str, float] = {}

    async def open(self) -> None:
        """Load every session, so that sessions survive a restart."""
        self._sessions = dict(await read_records(self._records, KIND, _decoder))

    def account(self, session_id: str, now: float) -> str:
        """Return the name of the signed-in account; raise WrongCredentials."""
        digest = digest_of(session_id)
        session = self._sessions.get(digest)
        if session is None or not self._alive(session, now):
            raise WrongCredentials("the session has ended; sign in again")
        self._seen[digest] = now
        return session.account

    async def start(self, account: str, now: float) -> str:
        """Start a session, and return its id, which is not stored."""
        session_id = secrets.token_urlsafe(32)
        session = Session(digest=digest_of(session_id), account=account, started=now, seen=now)
        await self._records.put(KIND, session.digest, _encoder.encode(session))
        self._sessions[session.digest] = session
        return session_id

    async def end(self, session_id: str) -> None:
        """End a session, where it exists."""
        await self._forget(digest_of(session_id))

    async def end_all(self, account: str, *, but: str = "") -> None:
        """End every session of an account except the one with the id `but`."""
        kept = digest_of(but) if but else ""
        for session in [each for each in self._sessions.values() if each.account == account]:
            if session.digest != kept:
                await self._forget(session.digest)

    async def flush(self, now: float) -> None:
        """Store the last use of each session, and drop ended ones; called at intervals."""
        for ended in [each.digest for each in self._sessions.values() if not self._alive(each, now)]:
            await self._forget(ended)
        seen, self._seen = self._seen, {}
        for digest, moment in seen.items():
            session = self._sessions.get(digest)
            if session is not None:
                kept = self._sessions[digest] = msgspec.structs.replace(session, seen=moment)
                await self._records.put(KIND, digest, _encoder.encode(kept))

    def _alive(self, session: Session, now: float) -> bool:
        seen = self._seen.get(session.digest, session.seen)
        return now - seen < self._idle_s and now - session.started < self._absolute_s

    async def _forget(self, digest: str) -> None:
        self._seen.pop(digest, None)
        if self._sessions.pop(digest, None) is not None:
            await self._records.delete(KIND, digest)
