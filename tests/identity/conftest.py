"""Records in a dict and a clock that is turned by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rhinecloud.identity import Identity, IdentitySettings


class DictRecords:
    """Records that live as long as the test; what survives a restart is this object."""

    def __init__(self) -> None:
        self.kinds: dict[str, dict[str, bytes]] = {}

    async def list(self, kind: str) -> list[tuple[str, bytes]]:
        return list(self.kinds.get(kind, {}).items())

    async def put(self, kind: str, record_id: str, body: bytes) -> None:
        self.kinds.setdefault(kind, {})[record_id] = body

    async def delete(self, kind: str, record_id: str) -> bool:
        return self.kinds.get(kind, {}).pop(record_id, None) is not None


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def records() -> DictRecords:
    return DictRecords()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def identity(records: DictRecords, clock: HandClock) -> Identity:
    identity = Identity(records, IdentitySettings(), clock)
    await identity.open()
    return identity
