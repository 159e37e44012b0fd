"""The @context documents of the package: ETSI's core contexts and the core's own vocabulary.

They are never fetched, so that a city starts and understands NGSI-LD without a network.
Source: ETSI GS CIM 009 v1.9.1, annex B; see `contexts/SOURCE.md`.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

CORE_URL = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
"""The address under which v1.9.1 of the specification publishes the core @context."""

_CORE = re.compile(r"https?://uri\.etsi\.org/ngsi-ld/v1/ngsi-ld-core-context(?:-v1\.([0-9]))?\.jsonld")
_BUNDLED_MINORS = ("0", "3", "4", "6", "7", "8", "9")


def is_core_url(url: str) -> bool:
    """Return whether `url` is one of the known addresses of ETSI's core @context; similar addresses are not."""
    return _CORE.fullmatch(url) is not None


def core_document(url: str = CORE_URL) -> dict[str, Any]:
    """Return the core @context document for a core URL, or the next later bundled version; raise KeyError."""
    match = _CORE.fullmatch(url)
    if match is None:
        raise KeyError(url)
    asked = match[1] or "9"
    minor = next(each for each in _BUNDLED_MINORS if each >= asked)
    return _read(f"ngsi-ld-core-context-v1.{minor}.jsonld")


def core_vocabulary() -> dict[str, Any]:
    """Return the core's own vocabulary of alerts, incidents, tasks and agencies."""
    return _read("rhinecloud.jsonld")


@cache
def _read(name: str) -> dict[str, Any]:
    text = files("rhinecloud.ngsild").joinpath("contexts", name).read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document
