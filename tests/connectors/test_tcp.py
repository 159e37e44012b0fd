"""TCP and UDP: lines arrive in the city; endless lines, slow senders, floods and broken connections do no harm."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from connectors.city import FIXTURES, City, status, until
from connectors.servers import free_port, tcp_server
from connectors.test_ais import tagged
from rhinecloud.connectors.feeds import Feeds
from rhinecloud.connectors.model import FeedState
from rhinecloud.connectors.tcp.lines import Lines

LOG = (FIXTURES / "ais" / "type6-fid55-2018.log").read_bytes()
VESSEL = b"!AIVDM,1,1,,A,13aGD3PP00PN?5DMRh878wwn0>`<,0*59\r\n"


def sender(body: bytes, hold: bool = True) -> Callable[..., Any]:
    """Send a body to everyone who connects; `hold` keeps the connection open."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(body)
        await writer.drain()
        if hold:
            await asyncio.sleep(3600)

    return serve


async def ais(city: City, url: str, limits: dict[str, Any] | None = None, **table: Any) -> Feeds:
    return await city.feed(limits, connector="ais", mapping="ais", url=url, **table)


async def test_a_recorded_log_over_tcp_becomes_vessels(city: City) -> None:
    async with tcp_server(sender(LOG)) as port:
        feeds = await ais(city, f"tcp://127.0.0.1:{port}")
        await until(lambda: status(feeds).accepted + status(feeds).unchanged == 1242)
        now = status(feeds)
        assert (now.state, now.received, now.dead, now.received_bytes) == (FeedState.LIVE, 1326, 0, len(LOG))
        vessels = await city.entities("Vessel")
        assert len(vessels) == 1007
        ship = vessels["urn:ngsi-ld:Vessel:mmsi:244050235"]
        assert (ship["eni"], ship["length"], ship["loaded"]) == ("07001747", 106.0, False)


async def test_a_connection_that_breaks_is_made_again_and_counted(city: City) -> None:
    async with tcp_server(sender(VESSEL, hold=False)) as port:
        feeds = await ais(city, f"tcp://127.0.0.1:{port}")
        await until(lambda: status(feeds).received >= 3)
        assert status(feeds).reconnects >= 2
        assert "closed the connection" in status(feeds).last_error


async def test_a_server_that_comes_later_is_found(city: City) -> None:
    port = free_port()
    feeds = await ais(city, f"tcp://127.0.0.1:{port}")
    await until(lambda: status(feeds).state is FeedState.FAILING)
    assert "no connection" in status(feeds).error
    async with tcp_server(sender(VESSEL), port):
        await until(lambda: status(feeds).state is FeedState.LIVE)


async def test_a_connection_without_any_byte_is_made_anew(city: City) -> None:
    async with tcp_server(sender(b"")) as port:
        feeds = await ais(city, f"tcp://127.0.0.1:{port}", {"idle_s": 0.05})
        await until(lambda: status(feeds).reconnects >= 2)
        assert "no byte came for 0.05 s" in status(feeds).last_error


async def test_a_line_without_end_is_given_up_and_the_next_one_is_read(city: City) -> None:
    async with tcp_server(sender(b"x" * 3_000_000 + b"\n" + VESSEL)) as port:
        feeds = await ais(city, f"tcp://127.0.0.1:{port}")
        await until(lambda: status(feeds).received == 1)
        assert status(feeds).dead == 1
        [letter] = (await feeds.deadletters.list()).items
        assert "longer than" in letter.reason
        assert letter.size == 8192


async def test_a_byte_at_a_time_still_makes_lines(city: City) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in VESSEL:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.001)
        await asyncio.sleep(3600)

    async with tcp_server(drip) as port:
        feeds = await ais(city, f"tcp://127.0.0.1:{port}")
        await until(lambda: status(feeds).received == 1)
        assert status(feeds).dead == 0


async def test_garbage_becomes_dead_letters_with_the_line_and_the_feed_is_failing(city: City) -> None:
    async with tcp_server(sender(b"GET / HTTP/1.1\r\n!AIVDM,garbage\r\n\xff\xfe\x00\r\n")) as port:
        feeds = await ais(city, f"tcp://127.0.0.1:{port}")
        await until(lambda: status(feeds).dead == 3)
        assert status(feeds).state is FeedState.FAILING
        bodies = {
            (await feeds.deadletters.show(each.id)).body() for each in (await feeds.deadletters.list()).items
        }
        assert bodies == {b"GET / HTTP/1.1", b"!AIVDM,garbage", b"\xff\xfe"}


async def test_a_feed_without_messages_turns_silent(city: City) -> None:
    async with tcp_server(sender(VESSEL)) as port:
        feeds = await ais(city, f"tcp://127.0.0.1:{port}", silent_after_s=0.2)
        await until(lambda: status(feeds).state is FeedState.LIVE)
        await until(lambda: status(feeds).state is FeedState.SILENT)


async def test_a_sender_has_to_wait_while_the_queue_is_full(city: City) -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        for _ in range(20_000):
            writer.write(VESSEL * 100)
            await writer.drain()
            sent += 100
        await asyncio.sleep(3600)

    async with tcp_server(flood) as port:
        feeds = await ais(city, f"tcp://127.0.0.1:{port}", {"queue_bytes": 50_000})
        await until(lambda: status(feeds).received > 2000)
        waiting = status(feeds).received_bytes - status(feeds).received * len(VESSEL)
        assert waiting < 200_000
        await feeds.stop()


async def test_stopping_does_not_wait_for_a_connection_that_never_stands(city: City) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        feeds = await ais(city, f"tcp://127.0.0.1:{deaf.getsockname()[1]}")
        await asyncio.sleep(0.05)
        await feeds.stop()
        assert status(feeds).state is FeedState.STOPPED


async def test_a_simulated_feed_and_a_simulated_source_mark_their_vessels(city: City) -> None:
    async with tcp_server(sender(VESSEL)) as port:
        feeds = await ais(city, f"tcp://127.0.0.1:{port}", simulated=True)
        await until(lambda: status(feeds).accepted == 1)
        assert [each["simulated"] for each in (await city.entities("Vessel")).values()] == [True]


async def test_a_feed_whose_messages_say_that_they_are_simulated_shows_the_mark(city: City) -> None:
    async with tcp_server(sender(VESSEL)) as port:
        feeds = await ais(city, f"tcp://127.0.0.1:{port}")
        await until(lambda: status(feeds).accepted == 1)
        assert not status(feeds).simulated
        await feeds.stop()
    async with tcp_server(sender(tagged(b"s:sim-1", VESSEL))) as port:
        feeds = await ais(city, f"tcp://127.0.0.1:{port}")
        await until(lambda: status(feeds).received == 1)
        assert status(feeds).simulated


async def test_datagrams_become_vessels(city: City) -> None:
    port = free_port()
    feeds = await ais(city, f"udp://127.0.0.1:{port}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        await asyncio.sleep(0.1)
        for _ in range(3):
            out.sendto(VESSEL, ("127.0.0.1", port))
        await until(lambda: status(feeds).accepted + status(feeds).unchanged == 3)
    assert len(await city.entities("Vessel")) == 1


async def test_datagrams_that_find_the_queue_full_are_counted_as_dropped(city: City) -> None:
    port = free_port()
    feeds = await ais(city, f"udp://127.0.0.1:{port}", {"queue_parcels": 1})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        await asyncio.sleep(0.1)
        for _ in range(200):
            out.sendto(VESSEL, ("127.0.0.1", port))
        await until(lambda: status(feeds).received + status(feeds).dropped == 200)
    assert status(feeds).dropped > 0


async def test_an_address_that_is_taken_is_said(city: City) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        feeds = await ais(city, f"udp://127.0.0.1:{other.getsockname()[1]}")
        await until(lambda: status(feeds).state is FeedState.FAILING)
        assert "cannot listen" in status(feeds).error


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_lines_are_whole_however_they_were_cut(size: int) -> None:
    body = b"one\ntwo\n\nthree\nleft"
    lines = Lines(50)
    pieces = [lines.feed(body[at : at + size]) for at in range(0, len(body), size)]
    assert b"".join(whole for whole, _ in pieces) == b"one\ntwo\n\nthree\n"
    assert not any(given_up for _, given_up in pieces)
    assert lines.feed(b" over\n") == (b"left over\n", b"")


async def test_a_last_line_without_its_end_is_read_when_the_connection_closes(city: City) -> None:
    cut = VESSEL[:30]
    async with tcp_server(sender(VESSEL.rstrip(), hold=False)) as port:
        feeds = await ais(city, f"tcp://127.0.0.1:{port}")
        await until(lambda: status(feeds).accepted >= 1)
    async with tcp_server(sender(VESSEL + cut, hold=False)) as port:
        feeds = await ais(city, f"tcp://127.0.0.1:{port}")
        await until(lambda: status(feeds).dead >= 1)
        letters = (await feeds.deadletters.list()).items
        assert {each.size for each in letters} == {len(cut)}
