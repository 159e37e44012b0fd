"""The Prefer header: an earlier version of NGSI-LD, or GeoJSON without an @context inside.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.3.6.8 and 6.3.6; RFC 7240.
"""

from __future__ import annotations

import re

from rhinecloud.ngsild.versions import Version

_VERSION = re.compile(r"(\d)\.(\d{1,2})")


def preferences(header: str) -> dict[str, str]:
    """Return the preferences of a Prefer field by name in lower case, without their parameters."""
    found: dict[str, str] = {}
    for part in header.split(","):
        name, _, value = part.partition(";")[0].partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found


def preferred_version(header: str) -> Version | None:
    """Return the version of NGSI-LD that a client prefers."""
    match = _VERSION.fullmatch(preferences(header).get("ngsi-ld", "")) if header else None
    return (int(match[1]), int(match[2])) if match else None


def version_text(version: Version) -> str:
    """Return a version as it is written in the Preference-Applied field."""
    return f"ngsi-ld={version[0]}.{version[1]}"
