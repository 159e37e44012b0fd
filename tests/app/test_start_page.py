"""The page that a newcomer follows: its city of one's own passes the check and does what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp
import aiomqtt
import pytest

from app.conftest import free_port
from app.test_city import bearer, eventually
from rhinecloud.app.checks import check_city
from rhinecloud.app.city import RunningCity
from rhinecloud.app.sections import read_city
from rhinecloud.identity import Token
from rhinecloud.kernel.actor import Role

PAGE = Path(__file__).parents[2] / "docs" / "operators" / "start.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A city of one's own as the page writes it, on free ports."""
    text = PAGE.read_text(encoding="utf-8").partition("## A feed and a rule of your own")[2]
    blocks = re.findall(r"```(yaml|toml|json)\n(.*?)```", text, re.DOTALL)
    ports = f"[server]\nport = 0\n[stream]\nmqtt_port = {free_port()}\n"
    mapping, feed, rule, layer = (written for _, written in blocks)
    files = {
        "mappings/parking.yaml": mapping,
        "city.toml": ports + feed,
        "rules/parking.yaml": rule,
        "layers/parking.json": layer,
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def test_the_city_of_the_page_passes_the_check(folder: Path) -> None:
    assert [each.problem for each in check_city(folder) if each.problem] == []


async def test_a_message_of_the_car_park_raises_its_alert_and_its_layer_is_there(folder: Path) -> None:
    city = RunningCity(read_city(folder))
    await city.start()
    try:
        token = Token(name="parking", digest="", roles=(Role.DEVICE,))
        secret = await city.foundation.identity.add_token(token)
        port = int(re.findall(r"mqtt_port = (\d+)", (folder / "city.toml").read_text())[0])
        [(topic, message)] = re.findall(r"-t (\S+) .*?-m '(.*?)'", PAGE.read_text(), re.DOTALL)
        async with aiomqtt.Client("127.0.0.1", port, username="parking", password=secret) as device:
            await device.publish(topic, message, qos=1)
        async with aiohttp.ClientSession(city.url, headers=bearer(city)) as http:

            async def alerts() -> list[str]:
                async with http.get("/api/v1/alerts") as answer:
                    return [each["rule"] for each in (await answer.json())["items"]]

            assert await eventually(alerts, bool) == ["parking-full"]
            async with http.get("/api/v1/city") as answer:
                assert "parking" in [layer["id"] for layer in (await answer.json())["layers"]]
    finally:
        await city.stop()
