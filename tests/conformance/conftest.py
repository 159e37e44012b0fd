"""Brokers with nothing in them, for the promises of the standard's clauses: one alone, one that notifies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from broker.assembly import BrokerApi, open_broker
from broker.notifying import QUICK, NotifyingBroker, open_notifying_broker, open_stream
from broker.receiving import Receiver, open_receiver
from conformance.attacked import Attacked, attacked_city
from postgres_server import Server
from rhinecloud.store.engine import StoreSettings


@pytest_asyncio.fixture
async def api(tmp_path: Path, store_settings: StoreSettings) -> AsyncIterator[BrokerApi]:
    async with open_broker(tmp_path, kept=store_settings) as opened:
        yield opened


@pytest.fixture
async def notifying(tmp_path: Path, store_settings: StoreSettings) -> AsyncIterator[NotifyingBroker]:
    async with open_stream(tmp_path / "stream") as stream:
        quick = replace(QUICK, entities=1)
        async with open_notifying_broker(tmp_path, stream, settings=quick, kept=store_settings) as opened:
            yield opened


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as opened:
        yield opened


@pytest.fixture(scope="module")
def city(
    tmp_path_factory: pytest.TempPathFactory, engine: str, request: pytest.FixtureRequest
) -> Iterator[Attacked]:
    """A running city that a module's tests share."""
    folder = tmp_path_factory.mktemp("attacked") / "city"
    if engine == "sqlite":
        with attacked_city(folder) as running:
            yield running
        return
    server: Server = request.getfixturevalue("postgres")
    url = server.make_database()
    with attacked_city(folder, "--store", url) as running:
        yield running
    server.drop_database(url)
