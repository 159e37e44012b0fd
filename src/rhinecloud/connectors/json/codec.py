"""JSON documents to messages: payloads of MQTT devices, responses of HTTP services.

An object is one message with its own members; of a list, each item is one. `items` is the path of the list within a
document (`data.stations`). A value that is not an object becomes `value`. `topic` is the MQTT topic (or the URL). Text
that is not JSON is one message with the text as `value`; so is a bare number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson

from rhinecloud.connectors.nodata import NoDataWords
from rhinecloud.connectors.times import USUAL_TIME_MEMBERS, find_latest_moment
from rhinecloud.kernel.errors import Invalid
from rhinecloud.kernel.numbers import read_number
from rhinecloud.pack.codec import DecodeError, DecodeFault, Framing, Message, Parcel
from rhinecloud.pack.text import decode_text, find_encoding


class JsonCodec:
    """`items` is a path of member names joined by dots, `time_field` the member with the time of a message, `no_data`
    the values that mean that there is none. `names` are the members that the mapping reads, none where that is not
    known: where `value` is not among them, what is no object is refused."""

    framing = Framing.FILE

    def __init__(
        self,
        items: str = "",
        time_field: str = "",
        no_data: Sequence[str] = (),
        names: frozenset[str] = frozenset(),
    ) -> None:
        self._needs_object = bool(names) and "value" not in names
        self._no_data = NoDataWords(no_data)
        self._items = [name for name in items.split(".") if name]
        self.time_members = frozenset({time_field}) if time_field else USUAL_TIME_MEMBERS

    def decode(self, parcel: Parcel) -> Iterator[Message | DecodeFault]:
        """Yield a message for each item; raise DecodeError for broken JSON, and where the list does not exist."""
        document = read_json(parcel.body)
        for name in self._items:
            if not isinstance(document, dict) or name not in document:
                raise DecodeError(f"there is no list at {'.'.join(self._items)}")
            document = document[name]
        for item in document if isinstance(document, list) else [document]:
            if self._needs_object and not isinstance(item, dict):
                yield DecodeFault(_written(item), f"must be a JSON object, not {str(item)[:60]!r}")
                continue
            message = self._no_data.without(item if isinstance(item, dict) else {"value": item})
            if parcel.origin:
                message["topic"] = parcel.origin
            yield message

    def recorded_at(self, unit: bytes) -> datetime | None:
        """Return the latest time in a recorded document."""
        try:
            return find_latest_moment(read_json(unit), self.time_members)
        except DecodeError:
            return None


def _written(item: Any) -> bytes:
    return item.encode() if isinstance(item, str) else orjson.dumps(item)


def read_json(body: bytes) -> Any:
    """Return a JSON value, or for other text a number or the text; raise DecodeError. A byte order mark is heeded."""
    if find_encoding(body)[1]:
        body = decode_text(body).encode()
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        text = body.strip()
        if not text or text[:1] in (b"{", b"[", b'"'):
            raise DecodeError(f"broken JSON: {error}" if text else "empty") from None
        if text[:1] == b"<":
            raise DecodeError(
                f"HTML or XML instead of JSON: {text[:100].decode('utf-8', 'replace')}"
            ) from None
    try:
        return _plain(decode_text(text))
    except DecodeError as error:
        raise DecodeError(f"neither JSON nor text: {error}") from None


def _plain(text: str) -> float | str:
    """Return a text as a number where it is one, also in forms that JSON does not allow (`.5`, `+3`)."""
    try:
        return float(read_number(text))
    except Invalid:
        return text
