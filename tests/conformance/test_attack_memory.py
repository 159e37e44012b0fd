"""What strangers send to fill a city's memory: large bodies, many at once, and some that never end.

Source: ETSI GS CIM 009 v1.9.1, clause 6.3.2 (what is too large is refused); the bounds are our own.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from conformance.attacked import SOON_S, Attacked, attacked_city, watched

MB = 1_000_000


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """A city of its own: memory that others took before would hide what these take."""
    with attacked_city(tmp_path_factory.mktemp("memory")) as city:
        yield city


@contextmanager
def growing_by_at_most(city: Attacked, most_mb: int) -> Iterator[None]:
    """Fail where the city's process came to take more memory than that at any moment while the block ran."""
    status = Path(f"/proc/{city.process.pid}")
    if not (status / "clear_refs").exists():
        pytest.skip("the greatest memory that a process took is read from /proc")
    (status / "clear_refs").write_text("5")
    before = psutil.Process(city.process.pid).memory_info().rss
    yield
    lines = (status / "status").read_text().splitlines()
    peak = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    assert peak - before < most_mb * MB, f"{(peak - before) / MB:.0f} MB more than {before / MB:.0f}"


def batch(name: str, entities: int, attributes: int) -> bytes:
    values = {f"a{number}": {"type": "Property", "value": number} for number in range(attributes)}
    return json.dumps(
        [{"id": f"urn:x:{name}:{number}", "type": "Thing", **values} for number in range(entities)]
    ).encode()


def upsert(city: Attacked, body: bytes) -> int:
    return city.call("POST", "/entityOperations/upsert", body, wait_s=120).status


@contextmanager
def unfinished_body(city: Attacked, announced: int, sent: int) -> Iterator[socket.socket]:
    """Send the beginning of a batch and no more, as far as the city takes it."""
    address = urlsplit(city.url)
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port or 80)) as connection:
        head = (
            "POST /ngsi-ld/v1/entityOperations/upsert HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: application/json\r\nContent-Length: {announced}\r\n\r\n"
        )
        connection.sendall(head.encode())
        connection.settimeout(0.5)
        try:
            for _ in range(sent // 65_536):
                connection.sendall(b" " * 65_536)
        except TimeoutError:
            pass
        yield connection


@pytest.mark.slow
def test_large_batches_at_once_take_no_more_memory_than_a_few(fresh: Attacked) -> None:
    bodies = [batch(f"large{number}", 250, 200) for number in range(16)]
    assert 1.5 * MB < len(bodies[0]) < 3 * MB
    assert upsert(fresh, batch("warm", 250, 200)) == 201
    with growing_by_at_most(fresh, 250), ThreadPoolExecutor(16) as clients:
        statuses = list(clients.map(lambda body: upsert(fresh, body), bodies))
    assert statuses == [201] * 16


@pytest.mark.slow
def test_endless_bodies_fill_no_memory_and_block_no_other_request(fresh: Attacked) -> None:
    with growing_by_at_most(fresh, 120), ExitStack() as attackers:
        stalled = [attackers.enter_context(unfinished_body(fresh, 12 * MB, 11 * MB)) for _ in range(24)]
        with watched(fresh, SOON_S):
            assert upsert(fresh, batch("small", 20, 2)) == 201, "small bodies wait for nobody"
        stalled[0].settimeout(60)
        answer = http.client.HTTPResponse(stalled[0])
        answer.begin()
        assert answer.status == 408
        assert json.loads(answer.read())["title"]
        for each in stalled:
            each.close()
        assert upsert(fresh, batch("later", 250, 200)) == 201
