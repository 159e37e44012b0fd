"""The benchmarks fit the program: what they measure by name is still called so."""

from __future__ import annotations

import os
import subprocess
import sys

from rules.conftest import ROOT


def test_what_the_traced_city_notes_is_still_there() -> None:
    """The names are looked up when tracing begins; one that was renamed stops the benchmark."""
    done = subprocess.run(
        [sys.executable, "-c", "from bench import traced; traced._trace()"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
