"""Finds the alerts of a document: CAP itself, or within EDXL-DE, IPAWS, Atom, RSS; or as JSON (NINA, Meteoalarm).

XML is read without entities and external references. An Atom or RSS entry without an alert of its own names a document,
which a feed over HTTP fetches (`linked_documents`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urljoin
from xml.etree.ElementTree import Element, ParseError

import orjson
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from rhinecloud.connectors.bounded import ZIP_MAGIC
from rhinecloud.connectors.cap.alert import Members
from rhinecloud.pack.codec import DecodeError

NAMESPACES = ("urn:oasis:names:tc:emergency:cap:1.2", "urn:oasis:names:tc:emergency:cap:1.1")
ALERT_TAGS = frozenset(f"{{{namespace}}}alert" for namespace in NAMESPACES)
ATOM = "{http://www.w3.org/2005/Atom}"
CAP_MEDIA_TYPE = "application/cap+xml"
WRAPPERS = ("feed", "rss", "RDF", "alerts", "EDXLDistribution", "Envelope")
"""Documents that may hold no alert at all without being wrong: an index of warnings while there is none."""
LARGEST_DOCUMENT = 32 * 1024 * 1024
"""Bytes; the largest warning seen has 0.4 million."""
DEEPEST = 40


def read_document(body: bytes) -> Any:
    """Return a document's root element, or its JSON value; raise DecodeError."""
    if len(body) > LARGEST_DOCUMENT:
        raise DecodeError(f"larger than {LARGEST_DOCUMENT} bytes")
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        try:
            return orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
        except orjson.JSONDecodeError as error:
            raise DecodeError(f"no readable JSON: {error}") from None
    try:
        return fromstring(body.lstrip(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise DecodeError(f"no readable XML: {str(error)[:200]}") from None


def find_alerts(document: Any) -> list[Members]:
    """Return the alerts of a document that was read; raise DecodeError where it is of another kind."""
    if not isinstance(document, Element):
        alerts = list(_json_alerts(document, DEEPEST))
        if not alerts and not _may_be_empty(document):
            raise DecodeError("no CAP alert: the JSON has no object with identifier and msgType")
        return alerts
    elements = [each for each in document.iter() if each.tag in ALERT_TAGS]
    if not elements and _name(document) not in WRAPPERS:
        raise DecodeError(f"no CAP alert: the document is {document.tag[:100]}")
    alerts = [_members(each, each.tag.removesuffix("alert")) for each in elements]
    status = (
        document.findtext("{*}distributionStatus") or "Actual"
    ).strip()  # EDXL-DE's, of all that it holds
    return [alert if status == "Actual" else {**alert, "status": status} for alert in alerts]


def linked_documents(document: Any, base: str) -> list[str]:
    """Return the addresses of the warnings that an index only names: Atom, RSS, or the lists of NINA's API.

    When an entry was updated stands behind `#`, so that an entry that changes has another address.
    """
    if not isinstance(document, Element):
        ids = _nina_ids(document).items()
        return [urljoin(base, f"../warnings/{name}.json") + version for name, version in ids]
    entries = [*document.iter(f"{ATOM}entry"), *document.iter("item")]
    lacking = (each for each in entries if not any(inner.tag in ALERT_TAGS for inner in each.iter()))
    return [urljoin(base, link) + _updated(each) for each in lacking if (link := _link(each))]


def linked_warnings(body: bytes, url: str) -> list[str]:
    """Return the addresses of the warnings that a document from `url` only names; [] where it is no index."""
    try:
        return [] if body.startswith(ZIP_MAGIC) else linked_documents(read_document(body), url)
    except DecodeError:
        return []


def longitude_comes_first(alert: Members) -> bool:
    """Return whether the JSON form of an alert writes `longitude,latitude`, as NINA does against CAP's order.

    NINA's warnings are of Germany, whose longitudes (5 to 16) and latitudes (47 to 56) cannot be confused.
    """
    texts = [
        text
        for info in _dicts(alert.get("info"))
        for area in _dicts(info.get("area"))
        for name in ("polygon", "circle")
        for text in _strings(area.get(name))
    ]
    first = [pair for text in texts if len(pair := text.split()[:1]) == 1]
    return bool(first) and all(_is_german(pair[0]) for pair in first)


def _is_german(pair: str) -> bool:
    x, _, y = pair.partition(",")
    try:
        return 5 <= float(x) <= 16 and 47 <= float(y) <= 56
    except ValueError:
        return False


def _json_alerts(value: Any, depth: int) -> Iterator[Members]:
    if isinstance(value, Mapping):
        if "identifier" in value and "msgType" in value:
            yield value
        elif depth:
            for each in value.values():
                yield from _json_alerts(each, depth - 1)
    elif isinstance(value, list) and depth:
        for each in value:
            yield from _json_alerts(each, depth - 1)


def _nina_ids(document: Any) -> dict[str, str]:
    """Return the ids of a list of NINA's (`dashboard/…`, `…/mapData.json`), each with its version."""
    entries = document if isinstance(document, list) else []
    named = [each for each in entries if isinstance(each, Mapping) and isinstance(each.get("id"), str)]
    return {
        quote(each["id"], safe=":"): _version(
            each.get("sent") or each.get("startDate") or each.get("version")
        )
        for each in named
        if "msgType" not in each
    }


def _may_be_empty(document: Any) -> bool:
    """Return whether a JSON document without an alert is a list of warnings all the same."""
    if isinstance(document, list):
        return not document or bool(_nina_ids(document))
    return isinstance(document, Mapping) and any(isinstance(each, list) for each in document.values())


def _members(element: Element, prefix: str) -> dict[str, Any]:
    """Return an element's children of one namespace by name, each as a list."""
    found: dict[str, Any] = {}
    for child in element:
        if not isinstance(child.tag, str) or not child.tag.startswith(prefix):
            continue
        value = _members(child, prefix) if len(child) else (child.text or "")
        found.setdefault(child.tag.removeprefix(prefix), []).append(value)
    return found


def _link(entry: Element) -> str:
    """Return the link of an entry: the one that says it is CAP, else the first that is no page."""
    links = [each for each in entry.iter(f"{ATOM}link") if each.get("href")]
    ordered = sorted(links, key=lambda each: each.get("type") != CAP_MEDIA_TYPE)
    usable = [each.get("href", "") for each in ordered if each.get("type") != "text/html"]
    return usable[0] if usable else (entry.findtext("link") or "").strip()


def _updated(entry: Element) -> str:
    return _version(entry.findtext(f"{ATOM}updated") or entry.findtext("pubDate"))


def _version(value: Any) -> str:
    return f"#{quote(str(value), safe=':')}" if value else ""


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _dicts(value: Any) -> list[Mapping[str, Any]]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, Mapping)]


def _strings(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str)]
