"""A retained message never looks as if it was measured now, and says nothing that the city knows better."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.city import City, open_city, status, until
from connectors.servers import free_port, nats
from connectors.test_mqtt import air, reading, send
from rhinecloud.connectors.mapping.declared import parse_mapping
from rhinecloud.connectors.retained import keep_news, without_receipt
from rhinecloud.pack import Ignored

S1 = "urn:ngsi-ld:AirQualityObserved:s1"


async def pm10(city: City) -> tuple[Any, str]:
    instance = await city.instance(S1, "pm10")
    return instance.value, instance.observed_at


async def test_a_retained_message_has_no_time_and_leaves_that_of_a_reading_in_place(tmp_path: Path) -> None:
    port = free_port()
    async with nats(tmp_path / "server", port):
        await send(port, [reading("s1", 5)], retain=True)
        async with open_city(tmp_path) as city:
            feeds = await air(city, port)
            await until(lambda: status(feeds).accepted == 1)
            assert await pm10(city) == (5, "")
            await send(port, [reading("s1", 6)], retain=True)
            await until(lambda: status(feeds).accepted == 2)
            value, measured_at = await pm10(city)
            assert (value, bool(measured_at)) == (6, True)
        async with open_city(tmp_path) as city:
            feeds = await air(city, port)
            await until(lambda: status(feeds).unchanged == 1)
            assert (await pm10(city), status(feeds).accepted) == ((6, measured_at), 0)


async def test_a_retained_message_with_a_time_of_its_own_has_that(tmp_path: Path) -> None:
    port = free_port()
    body = b'{"station": "s1", "pm10": 5, "time": "2026-03-01T12:00:00Z"}'
    async with nats(tmp_path / "server", port), open_city(tmp_path) as city:
        await send(port, [("air/s1", body)], retain=True)
        feeds = await air(city, port)
        await until(lambda: status(feeds).accepted == 1)
        assert await pm10(city) == (5, "2026-03-01T12:00:00Z")


def test_only_the_moment_of_receipt_is_taken_away() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    fragment = {
        "id": "urn:x:1",
        "a": {"value": 1, "observedAt": "2026-03-01T12:00:00Z"},
        "b": [{"value": 1, "observedAt": "2026-03-01T11:00:00Z"}],
    }
    assert without_receipt(fragment, noon) == {**fragment, "a": {"value": 1}}


@pytest.mark.parametrize(
    ("written", "held", "kept"),
    [
        ({"value": 1}, 1, False),
        ({"value": 1}, True, True),
        ({"value": 2}, 1, True),
        ("x", "x", False),
        ({"type": "Relationship", "object": "urn:x:2"}, "urn:x:2", False),
        ({"value": 1, "observedAt": "2026-03-01T12:00:00Z"}, 1, True),
    ],
)
async def test_what_the_city_holds_is_not_written_again(written: Any, held: Any, kept: bool) -> None:
    async def find_values(entity_id: str) -> dict[str, Any]:
        return {"v": held}

    fragment = {"id": "urn:x:1", "type": "T", "v": written}
    assert await keep_news(fragment, find_values) == (fragment if kept else None)


def test_a_mapping_ignores_retained_messages_or_asks_for_them() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    rule = "id: 'urn:x:{a}'\ntype: T\nattributes: { v: b }\n"
    message = {"a": 1, "b": 2, "retained": True}
    ignoring = parse_mapping(f"{rule}retained: ignore\n".encode(), "m.yaml")
    assert list(ignoring(message, noon)) == [Ignored("a retained message")]
    assert isinstance(next(ignoring({"a": 1, "b": 2}, noon)), dict)
    asking = parse_mapping(f"{rule}when: {{ retained: true }}\n".encode(), "m.yaml")
    assert isinstance(next(asking(message, noon)), dict)
    assert isinstance(next(asking({"a": 1, "b": 2}, noon)), Ignored)
