"""What tests of several rooms stand on."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from postgres_server import Server, programs, running
from rhinecloud.store.engine import StoreSettings

settings.register_profile("house", deadline=None)  # a busy machine is no fault; `timeout` ends what hangs
settings.load_profile("house")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start a PostgreSQL, so that `make quick` leaves them out."""
    for item in items:
        needs = {*getattr(item, "fixturenames", ())} & {"postgres", "postgres_url", "mortal"}
        call = getattr(item, "callspec", None)
        if needs or (call is not None and "postgresql" in call.params.values()):
            item.add_marker(pytest.mark.database)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One throw-away PostgreSQL for all tests of the session that ask for it."""
    if programs() is None:
        pytest.skip("needs PostgreSQL and PostGIS (tests/prepare.sh)")
    with running(Server()) as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Server) -> Iterator[str]:
    """The address of a database of this test's own."""
    url = postgres.make_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def either_store(request: pytest.FixtureRequest) -> StoreSettings:
    """Where each engine in turn keeps its state, for promises that every engine makes."""
    if request.param == "sqlite":
        return StoreSettings()
    return StoreSettings(url=request.getfixturevalue("postgres_url"))


@pytest.fixture(scope="session")
def engine() -> str:
    """The engine that `RHINECLOUD_TEST_STORE` names for tests that run on any one: sqlite or postgresql."""
    named = os.environ.get("RHINECLOUD_TEST_STORE", "sqlite")
    assert named in ("sqlite", "postgresql"), f"RHINECLOUD_TEST_STORE={named!r} is no engine"
    return named


@pytest.fixture
def store_settings(engine: str, request: pytest.FixtureRequest) -> StoreSettings:
    """Where this test's city keeps its state."""
    return (
        StoreSettings() if engine == "sqlite" else StoreSettings(url=request.getfixturevalue("postgres_url"))
    )
