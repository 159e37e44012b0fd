"""Cities in temporary folders, on free ports."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from rhinecloud.app.city import RunningCity
from rhinecloud.app.sections import read_city
from rhinecloud.loader import Packs

TOML = """
[city]
name = "Testingen"
bbox = [6.6, 51.3, 6.9, 51.6]

[server]
port = 0

[stream]
mqtt_port = {mqtt_port}

[[agencies]]
id = "fire"
name = "Feuerwehr"
"""

MakeCity = Callable[..., RunningCity]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def write_city(folder: Path, more: str = "", *, mqtt: bool = False) -> Path:
    """Write a small city's settings; no MQTT port unless asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    text = TOML.format(mqtt_port=free_port() if mqtt else 0)
    (folder / "city.toml").write_text(text + more, encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_city(tmp_path / "city")


@pytest.fixture
async def city(folder: Path) -> AsyncIterator[RunningCity]:
    """A running city without packs."""
    city = RunningCity(read_city(folder), packs=Packs())
    await city.start()
    try:
        yield city
    finally:
        await city.stop()
