"""Reads the conditions of a subscription, q and geometry; each error names its member.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.9, 4.10 and 5.2.13.
"""

from __future__ import annotations

from urllib.parse import unquote

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.context import Context
from rhinecloud.ngsild.query import parse_q
from rhinecloud.subscriptions.matching.conditions import geo_query_of
from rhinecloud.subscriptions.model import GeoQ
from rhinecloud.subscriptions.parsing.members import SubscriptionMembers


def check_q(text: str, context: Context, place: str) -> str:
    """Return a query expression. Raise Invalid at `place` where it is none."""
    try:
        parse_q(unquote(text), context, links=True)
    except Invalid as error:
        raise Invalid(error.reason, field=place) from None
    return text


def read_geo(members: SubscriptionMembers, context: Context) -> GeoQ:
    """Return a `geoQ` with its geoproperty expanded. Raise Invalid naming the member."""
    members.check_known(("georel", "geometry", "coordinates", "geoproperty"))
    for name in ("georel", "geometry", "coordinates"):
        if name not in members:
            raise Invalid("is missing", field=members.place(name))
    found = GeoQ(
        georel=members.text("georel"),
        geometry=members.text("geometry"),
        coordinates=members.raw("coordinates"),
        geoproperty=members.text("geoproperty"),
    )
    try:
        query = geo_query_of(found, context)
    except Invalid as error:
        raise within(members, error) from None
    found.geoproperty = query.property if found.geoproperty else ""
    return found


def within(members: SubscriptionMembers, error: Invalid) -> Invalid:
    """Return an error with the path of the object in which it was found."""
    return Invalid(error.reason, field=members.place(error.field))
