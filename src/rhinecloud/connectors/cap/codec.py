"""CAP 1.2 (and 1.1) to messages: single alerts, zips and wrappers of them, and their JSON form.

A message is one alert: `identifier`, `sender`, `sent`, `status` (`Actual`, `Exercise`, `Test` …), `msg_type`
(`Alert`, `Update`, `Cancel` …), `scope`, `source`, `note`, `incidents`, `references` (list of `sender`, `identifier`,
`sent`, and `parts` where the alert was received) and `infos`, one an info block. An info has `part` (blocks that are
translations of each other share it; the alert's `parts` counts them), `language`, `category` and `response_type`
(lists), `event`, `urgency`, `severity`, `certainty`, `audience`, `event_code` and `parameter` (by name, each a list of
texts), `effective`, `onset`, `expires` (with `expires_assumed` where the alert names none), `sender_name`, `headline`,
`description`, `instruction`, `web`, `contact` and `areas`. An area has `area_desc`, `polygons` (closed rings of
`[longitude, latitude]`; without any, those of its codes, see `areas`), `circles` (`centre` as `[longitude, latitude]`,
`radius_km`, 0 for a point), `geocode` (by name, each a list), `altitude_ft`, `ceiling_ft`. Times are ISO 8601 as they
were sent; what is absent is left out. `faults` are the parts of the alert that cannot be used (`place`, `reason`). An
alert that arrives after the one that updates or cancels it (as happens with polled lists and broken connections) has
`replaced_at`: when the other one was sent.

Source: OASIS Common Alerting Protocol 1.2, clause 3.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from rhinecloud.connectors.bounded import ZIP_MAGIC, BoundedArchive
from rhinecloud.connectors.cap.alert import AlertReader
from rhinecloud.connectors.cap.document import (
    find_alerts,
    linked_documents,
    longitude_comes_first,
    read_document,
)
from rhinecloud.connectors.times import find_latest_moment
from rhinecloud.kernel.moments import find_moment
from rhinecloud.pack.codec import DecodeError, DecodeFault, Framing, Ignored, Message, Parcel

REMEMBERED = 10_000
"""Identifiers that a codec keeps: of replaced alerts, and of those received with the number of their parts."""
SENT = frozenset({"sent"})
NOT_FETCHED = "an index names a warning, which only a feed over HTTP fetches"


class CapCodec:
    """Decodes warnings; a zip, as the Deutscher Wetterdienst sends it, may have `most_bytes` unpacked.

    `follows` says that the feed's link fetches the documents which an index names.
    """

    framing = Framing.FILE
    time_members = frozenset({"sent", "effective", "onset", "expires"})

    def __init__(self, most_bytes: int, reader: AlertReader | None = None, *, follows: bool = False) -> None:
        self._most_bytes = most_bytes
        self._reader = reader or AlertReader()
        self._follows = follows
        self._replaced: dict[str, datetime] = {}
        self._parts: dict[str, int] = {}

    def decode(self, parcel: Parcel) -> Iterator[Message | DecodeFault | Ignored]:
        """Yield a message for each alert in its order, with a DecodeFault for each that cannot be decoded.

        Raise DecodeError where the parcel is one document without an alert, or a broken zip.
        """
        for item in self._read(parcel):
            if isinstance(item, dict):
                self._remember(item, parcel.shift or timedelta())
                yield from (Ignored(note["reason"], note["sample"]) for note in item.pop("notes"))
            yield item

    def _remember(self, alert: dict[str, Any], shift: timedelta) -> None:
        """Keep the identifiers that an alert replaces, and mark an alert that was replaced before it arrived."""
        sent = _moved(find_moment(alert["sent"]), shift)
        if alert["status"] != "Actual" or sent is None:
            return
        replaced = self._replaced.get(alert["identifier"])
        if replaced is not None and sent <= replaced:  # a recording that is played again is newer
            alert["replaced_at"] = replaced.isoformat()
        if alert["msg_type"] in ("Update", "Cancel"):
            for reference in alert["references"]:
                if reference["identifier"] != alert["identifier"]:
                    self._replaced[reference["identifier"]] = sent
        for reference in alert["references"]:
            if reference["identifier"] in self._parts:
                reference["parts"] = self._parts[reference["identifier"]]
        self._parts[alert["identifier"]] = max(alert["parts"], self._parts.get(alert["identifier"], 1))
        for memory in (self._replaced, self._parts):
            while len(memory) > REMEMBERED:
                del memory[next(iter(memory))]

    def _read(self, parcel: Parcel) -> Iterator[dict[str, Any] | DecodeFault | Ignored]:
        if not parcel.body.startswith(ZIP_MAGIC):
            yield from self._alerts(parcel.body, parcel.origin)
            return
        archive = BoundedArchive(parcel.body, self._most_bytes)
        for name in archive.names():
            body = b""
            try:
                body = archive.read(name)
                yield from self._alerts(body, parcel.origin)
            except DecodeError as error:
                yield DecodeFault(body, f"{name}: {error}")

    def _alerts(self, body: bytes, origin: str) -> Iterator[dict[str, Any] | DecodeFault | Ignored]:
        """Yield the alerts of a document; one that is alone and broken raises DecodeError."""
        document = read_document(body)
        alerts = find_alerts(document)
        for number, alert in enumerate(alerts, start=1):
            try:
                yield self._reader.read(
                    alert, longitude_first=_is_json(body) and longitude_comes_first(alert)
                )
            except DecodeError as error:
                if len(alerts) == 1:
                    raise
                yield DecodeFault(body, f"alert {number} of {len(alerts)}: {error}", origin=origin)
        if not self._follows:
            yield from (Ignored(NOT_FETCHED, link) for link in linked_documents(document, origin))

    def recorded_at(self, unit: bytes) -> datetime | None:
        """Return when a recorded alert was sent."""
        try:
            items = list(self._read(Parcel(unit, datetime.min.replace(tzinfo=UTC))))
        except DecodeError:
            return None
        return find_latest_moment(
            [{"sent": item.get("sent")} for item in items if isinstance(item, dict)], SENT
        )


def read_alert(body: bytes) -> dict[str, Any]:
    """Return the message of a document's first alert; raise DecodeError."""
    for alert in find_alerts(read_document(body)):
        return AlertReader().read(alert)
    raise DecodeError("no CAP alert: the document holds none")


def _is_json(body: bytes) -> bool:
    return not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _moved(moment: datetime | None, shift: timedelta) -> datetime | None:
    try:
        return None if moment is None else moment + shift
    except OverflowError:
        return None
