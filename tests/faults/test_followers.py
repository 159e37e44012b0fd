"""Consumers of a city that is killed again and again handle every change, and count each once where they must."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rhinecloud.store.engine import StoreSettings

CITY = Path(__file__).with_name("following_city.py")

pytestmark = pytest.mark.fault


@pytest.mark.slow
def test_consumers_that_are_killed_handle_every_change_in_order(
    tmp_path: Path, either_store: StoreSettings
) -> None:
    chance, city = random.Random(8), [sys.executable, str(CITY), str(tmp_path), either_store.url]
    for _ in range(5):
        child = subprocess.Popen([*city, "0"], stdout=subprocess.PIPE)
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        time.sleep(chance.uniform(0.05, 0.6))
        child.kill()
        child.wait()
        child.stdout.close()
    subprocess.run([*city, "0.3"], check=True, timeout=60, stdout=subprocess.DEVNULL)
    acknowledged = {int(line) for line in (tmp_path / "acknowledged").read_text().split()}
    for consumer in ("marked", "shared"):
        handled = [int(line) for line in (tmp_path / consumer).read_text().split()]
        assert acknowledged <= set(handled)
        assert_no_change_is_overtaken(handled)
    counted, last = (tmp_path / "counted").read_text().split(" of ")
    assert counted == last


def assert_no_change_is_overtaken(handled: list[int]) -> None:
    """Numbers may come again, but none is left out on the way."""
    done = 0
    for seq in handled:
        assert seq <= done + 1, f"{done} and then {seq}"
        done = max(done, seq)
