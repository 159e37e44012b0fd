"""The nats-server beside the city: it starts, says why when it cannot, comes back when it falls, and goes."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rhinecloud.kernel.errors import Invalid, Unavailable
from rhinecloud.stream import jetstream
from rhinecloud.stream.callout import JwtIssuer
from rhinecloud.stream.configuration import ServerSecrets
from rhinecloud.stream.server import NatsServer, PortTaken
from rhinecloud.stream.settings import StreamSettings
from stream.running import USER, frame, free_port, running

CHILD = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, "tests")
from stream.running import running

async def main():
    async with running(Path(sys.argv[1])) as it:
        print(it.server.pid, it.server.port, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def server(folder: Path, **settings: object) -> NatsServer:
    return NatsServer(
        StreamSettings(**{"mqtt_port": 0, **settings}), folder, ServerSecrets(*USER, JwtIssuer().public)
    )  # type: ignore[arg-type]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").split()[2] != "Z"
    except FileNotFoundError:
        return False


async def until_dead(pid: int) -> None:
    async with asyncio.timeout(60):
        while is_alive(pid):
            await asyncio.sleep(0.01)


async def test_it_stops_and_leaves_no_process(tmp_path: Path) -> None:
    it = server(tmp_path)
    await it.start()
    pid = it.pid
    assert pid is not None
    assert is_alive(pid)
    await it.stop()
    assert not is_alive(pid)
    assert it.pid is None


async def test_only_its_owner_reads_its_password(tmp_path: Path) -> None:
    async with running(tmp_path):
        [configuration] = tmp_path.glob("*.json")
        assert configuration.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("setting", ["port", "mqtt_port"])
async def test_a_taken_port_is_named(tmp_path: Path, setting: str) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(PortTaken, match=f"stream.{setting}: .*{port}"):
            await server(tmp_path, **{setting: port}).start()


async def test_half_a_tls_setting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="certificate"):
        await server(tmp_path, mqtt_port=free_port(), mqtt_certificate=tmp_path / "c.pem").start()


async def test_what_the_server_complains_of_is_told(tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    with pytest.raises(Unavailable, match=r"missing\.pem"):
        await server(tmp_path, mqtt_port=free_port(), mqtt_certificate=missing, mqtt_key=missing).start()


async def test_strangers_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jetstream, "OPEN_S", 1.0)
    async with running(tmp_path) as it:
        stranger = it.connect()
        stranger._sign_in = {}
        with pytest.raises(Unavailable, match=r"does not answer: .+"):
            await stranger.open()


@pytest.mark.fault
async def test_a_killed_server_comes_back_with_what_it_held(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        for seq in range(1, 4):
            await it.stream.publish(frame(seq))
        assert it.server.pid
        os.kill(it.server.pid, signal.SIGKILL)
        async with asyncio.timeout(60):
            while True:
                try:
                    assert await it.stream.last() == 3
                    await it.stream.publish(frame(4))
                    break
                except Unavailable:
                    await asyncio.sleep(0.02)
        assert it.server.restarts == 1
        assert await it.stream.last() == 4


@pytest.mark.fault
async def test_it_dies_with_a_city_that_is_killed(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, tmp_path], stdout=subprocess.PIPE)
    assert child.stdout is not None
    pid, _port = map(int, child.stdout.readline().split())
    assert is_alive(pid)
    child.kill()
    child.wait()
    child.stdout.close()
    await until_dead(pid)


@pytest.mark.fault
async def test_an_orphan_of_an_earlier_run_is_ended(tmp_path: Path) -> None:
    first = server(tmp_path)
    await first.start()
    orphan = first.pid
    assert orphan is not None
    assert first._watching is not None
    first._watching.cancel()
    async with running(tmp_path) as it:
        await it.stream.publish(frame(1))
        await until_dead(orphan)
