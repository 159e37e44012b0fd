"""Clients that others wrote do with a city what their documentation says, unchanged.

Their stories stand beside this file, `<client>_stories.py`, and run in the client's own environment (`prepare.sh`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
STORIES = [
    (path.stem.removesuffix("_stories"), story)
    for path in sorted(HERE.glob("*_stories.py"))
    for story in re.findall(r"^def (story_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
]


@pytest.mark.parametrize("access", ["accounts", "open"])
@pytest.mark.parametrize(("client", "story"), STORIES)
def test_a_clients_story(
    told: Callable[[str, str], dict[str, str | None]], client: str, story: str, access: str
) -> None:
    assert told(client, access)[story] is None, told(client, access)[story]
