"""PEGELONLINE REST v2 to messages.

A message is one station as the service writes it: `uuid`, `number`, `shortname`, `longname`, `km`, `longitude`,
`latitude`, `water` and `timeseries`, a list of `shortname` (`W` level, `Q` discharge …), `unit`, `currentMeasurement`
(`timestamp`, `value`, `stateMnwMhw`, `stateNswHsw`), `gaugeZero` and `characteristicValues`. Responses about one time
series (`…/stations/<uuid>/W/currentmeasurement.json`, `measurements.json`) are converted to the same form, with the
names from the URL; there `uuid` is the station's name in the URL, and `unit` is missing (`…/W.json` has it).

Source: PEGELONLINE REST v2 (Wasserstraßen- und Schifffahrtsverwaltung des Bundes).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import orjson

from rhinecloud.connectors.times import find_latest_moment
from rhinecloud.pack.codec import DecodeError, DecodeFault, Framing, Message, Parcel

SERIES_URL = re.compile(
    r"/stations/(?P<station>[^/]+)/(?P<series>[^/.]+)(?:/(?:current)?measurements?)?\.json"
)


class PegelonlineCodec:
    """Decodes the JSON responses of the service."""

    framing = Framing.FILE
    time_members = frozenset({"timestamp"})

    def decode(self, parcel: Parcel) -> Iterator[Message | DecodeFault]:
        """Yield a message for each station; raise DecodeError for anything else, with the service's own message."""
        try:
            document = orjson.loads(parcel.body)
        except orjson.JSONDecodeError as error:
            raise DecodeError(f"broken JSON: {error}") from None
        if isinstance(document, dict) and "message" in document and "uuid" not in document:
            raise DecodeError(f"the service returned: {str(document['message'])[:300]}")
        for item in document if isinstance(document, list) else [document]:
            message = _station(item, parcel.origin)
            yield (
                message
                if message
                else DecodeFault(orjson.dumps(item), "no station and no measurement", origin=parcel.origin)
            )

    def recorded_at(self, unit: bytes) -> datetime | None:
        """Return the newest measurement's time in a recorded response."""
        try:
            return find_latest_moment(orjson.loads(unit), self.time_members)
        except orjson.JSONDecodeError:
            return None


def _station(item: Any, url: str) -> dict[str, Any] | None:
    if not isinstance(item, dict):
        return None
    if isinstance(item.get("uuid"), str):
        series = item.get("timeseries", [])
        shaped = isinstance(series, list) and all(isinstance(each, dict) for each in series)
        return item if shaped else None
    named = SERIES_URL.search(url)
    if named is not None and isinstance(item.get("currentMeasurement"), dict):
        return {"uuid": unquote(named["station"]), "timeseries": [item]}
    if named is None or "timestamp" not in item or "value" not in item:
        return None
    measured = {"shortname": unquote(named["series"]), "currentMeasurement": item}
    return {"uuid": unquote(named["station"]), "timeseries": [measured]}
