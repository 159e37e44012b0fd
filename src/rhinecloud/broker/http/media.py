"""The representation of a response: chosen by the Accept header from those that a route offers.

Source: ETSI GS CIM 009 v1.9.1, clause 6.3.4; RFC 9110, section 12.5.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from rhinecloud.broker.errors import NotAcceptable


class Media(StrEnum):
    """The representations of documents, in the order of clause 6.3.4."""

    JSON = "application/json"
    LD = "application/ld+json"
    GEO = "application/geo+json"

    __hash__ = str.__hash__  # faster than that of an Enum: each request is looked up by its media


DOCUMENT = (Media.JSON, Media.LD)
"""Offered by each route with a document."""

SPATIAL = (Media.JSON, Media.LD, Media.GEO)
"""Offered by routes that retrieve or query entities."""


def choose(accept: str, offers: tuple[Media, ...]) -> Media:
    """Return the offer with the greatest weight, the earlier of two equals. Raise NotAcceptable if there is none."""
    if not accept.strip():
        return offers[0]
    ranges = list(_ranges(accept))
    weighed = [(_weight(offer, ranges), -place, offer) for place, offer in enumerate(offers)]
    weight, _, offer = max(weighed)
    if weight <= 0:
        raise NotAcceptable(accept, offers)
    return offer


def _ranges(accept: str) -> Iterable[tuple[str, float]]:
    for part in accept.split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "q":
                weight = _number(value)
        yield media.lower(), weight


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0  # a malformed weight is ignored


def _weight(offer: Media, ranges: list[tuple[str, float]]) -> float:
    """Return the weight of the most specific range that covers the offer, 0 if none does."""
    for pattern in (offer.value, f"{offer.value.partition('/')[0]}/*", "*/*"):
        weights = [weight for media, weight in ranges if media == pattern]
        if weights:
            return max(weights)
    return 0.0
