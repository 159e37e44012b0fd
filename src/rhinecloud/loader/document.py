"""Reads one JSON file of a pack or a city."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rhinecloud.loader.model import BrokenPack


def read_object(path: Path, place: str = "") -> dict[str, Any]:
    """Read a JSON object, called `place` in what is said of it, else by its name; raises BrokenPack."""
    place = place or path.name
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BrokenPack(f"cannot be read: {error.strerror}", field=place) from None
    except ValueError as error:
        raise BrokenPack(f"is not JSON: {error}", field=place) from None
    if not isinstance(content, dict):
        raise BrokenPack("is not a JSON object", field=place)
    return content
