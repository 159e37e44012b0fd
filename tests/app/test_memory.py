"""Memory that nobody uses any more goes back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import os
from rhinecloud.app.memory import trim_memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

blocks = [bytes(5_000) for _ in range(10_000)]
blocks = blocks[::50] + [bytes(5_000)]
before = resident()
trim_memory()
print((before - resident()) // 1_000_000)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be asked")
def test_what_is_free_amid_what_is_in_use_goes_back_to_the_system() -> None:
    printed = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(printed.stdout) >= 10
