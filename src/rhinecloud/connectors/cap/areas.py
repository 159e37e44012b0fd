"""Outlines of areas that warnings name by a code: `WARNCELLID`, `EMMA_ID`, `NUTS`, `AGS`, `ARS`, or a city's own.

Bundled are the districts and independent cities of North Rhine-Westphalia (areas-nrw.geojson: GeoBasis-DE / BKG 2019,
VG250, dl-de/by-2-0). A city's GeoJSON file of the same form adds others: each property of a feature is a code under the
property's name. From an `AGS` the codes of Germany that contain it are derived: `ARS`, and `WARNCELLID` (1 and 8 before
the AGS: district and municipality), the latter's municipality only for independent cities, which are both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from shapely import GEOSException
from shapely.geometry import shape

from rhinecloud.connectors.cap.shapes import Ring, rings_of
from rhinecloud.kernel.errors import Invalid

BUNDLED = Path(__file__).with_name("areas-nrw.geojson")
ALIASES = {"EMMA_ID": "NUTS", "NUTS3": "NUTS", "RS": "ARS", "SHN": "ARS", "GEMEINDESCHLUESSEL": "AGS"}
INDEPENDENT_CITY = "Kreisfreie Stadt"
ARS_DIGITS = 12


class AreaTable:
    """Finds outlines by a code; a later file's areas replace earlier ones of the same code."""

    def __init__(self, files: Iterable[Path] = (BUNDLED,)) -> None:
        self._files = tuple(files)
        self._rings: dict[tuple[str, str], list[Ring]] | None = None

    def find(self, name: str, value: str) -> list[Ring]:
        """Return the outlines of the area with a code; [] where it is not known. Raise Invalid for an unusable file.

        A code of twelve digits is looked up as an ARS, too: MoWaS sends it under the area's name.
        """
        rings = self.load()
        scheme, code = name.strip().upper(), value.strip().upper()
        found = rings.get((scheme, code)) or rings.get((ALIASES.get(scheme, scheme), code))
        if not found and len(code) == ARS_DIGITS and code.isdecimal():
            found = rings.get(("ARS", code))
        return found or []

    def load(self) -> Mapping[tuple[str, str], list[Ring]]:
        """Return all outlines by scheme and code, read at the first call; raise Invalid for an unusable file."""
        if self._rings is None:
            self._rings = {code: rings for path in self._files for code, rings in _read(path)}
        return self._rings


def _read(path: Path) -> Iterator[tuple[tuple[str, str], list[Ring]]]:
    try:
        document = orjson.loads(path.read_bytes())
        for feature in document["features"]:
            rings = rings_of(shape(feature["geometry"]))
            for code in _codes(feature["properties"]):
                yield code, rings
    except OSError as error:
        raise Invalid(f"cannot be read: {error.strerror}: {path}", field="code_areas") from None
    except (ValueError, KeyError, TypeError, AttributeError, GEOSException) as error:
        reason = f"{type(error).__name__}: {error}"
        raise Invalid(
            f"must be a GeoJSON FeatureCollection of polygons ({reason}): {path}", field="code_areas"
        ) from None


def _codes(properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the codes of one area, those that are derived first."""
    own = {
        str(name).upper(): str(value)
        for name, value in properties.items()
        if isinstance(value, str | int) and not isinstance(value, bool)
    }
    ags = own.get("AGS", "")
    if len(ags) == 5 and ags.isdecimal():
        yield ("ARS", f"{ags}0000000")
        yield ("WARNCELLID", f"1{ags}000")
        if own.get("KIND") == INDEPENDENT_CITY:
            yield ("AGS", f"{ags}000")
            yield ("WARNCELLID", f"8{ags}000")
    elif len(ags) == 8 and ags.isdecimal():
        yield ("WARNCELLID", f"8{ags}")
    for name, value in own.items():
        yield (ALIASES.get(name, name), value.upper())
