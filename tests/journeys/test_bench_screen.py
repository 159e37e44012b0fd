"""The benchmark of the screen runs: what it reads in the page is still there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, sys
from pathlib import Path
from bench import __main__, screen
figures = screen.measure(Path(sys.argv[1]), 0, 1, entities=2_000)
print(json.dumps({each.name: each.ours for each in figures}))
"""


def test_the_benchmark_of_the_screen_measures_a_small_city(tmp_path: Path) -> None:
    # In a process of its own: Playwright keeps one event loop a process.
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["entities in the browser"] == "2,000"
    assert figures["first screen, 2,000 entities"].endswith(" s")
    assert "first entities" in figures["of it: until"]
    assert figures["one picture of the base map"].endswith(" ms")
