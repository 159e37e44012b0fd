"""What tests of several rooms stand on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from postgres_server import Server, programs


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One throw-away PostgreSQL for all tests of the session that ask for it."""
    if programs() is None:
        pytest.skip("needs PostgreSQL and PostGIS (tests/prepare.sh)")
    server = Server()
    try:
        server.start()
        server.prepare()
        yield server
    finally:
        server.remove()


@pytest.fixture
def postgres_url(postgres: Server) -> Iterator[str]:
    """The address of a database of this test's own."""
    url = postgres.make_database()
    yield url
    postgres.drop_database(url)
