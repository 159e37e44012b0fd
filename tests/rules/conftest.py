"""The files of the repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def listed(*patterns: str) -> list[Path]:
    """List the files that git knows or would take; all files where this is no checkout."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return [path for pattern in patterns for path in ROOT.glob(f"**/{pattern}") if path.is_file()]
    return [ROOT / line for line in done.stdout.splitlines() if (ROOT / line).is_file()]


@pytest.fixture(scope="session")
def sources() -> list[Path]:
    """Every Python file of the product."""
    return listed("src/*.py")
