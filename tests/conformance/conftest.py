"""Brokers with nothing in them, for the promises of the standard's clauses: one alone, one that notifies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from broker.assembly import House, open_house
from broker.notifying import QUICK, Office, open_office, open_stream
from broker.receiving import Receiver, open_receiver


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with open_stream(tmp_path / "stream") as stream:
        async with open_office(tmp_path, stream, settings=replace(QUICK, entities=1)) as opened:
            yield opened


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as opened:
        yield opened
