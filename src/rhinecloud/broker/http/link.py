"""Link header fields: the @context of a request or response, and the pages before and after.

Source: ETSI GS CIM 009 v1.9.1, clauses 6.3.5 and 6.3.10; RFC 8288.
"""

from __future__ import annotations

import re

from rhinecloud.kernel.errors import Invalid
from rhinecloud.ngsild.documents import CORE_URL

REL = "http://www.w3.org/ns/json-ld#context"

_TEXT = r"<([^>]*)>((?:\s*;\s*[\w*!#$&+.^`|~-]+\s*(?:=\s*(?:\"[^\"]*\"|[^\s\",;]+))?)*+)"
_LINK = re.compile(_TEXT)
_LINKS = re.compile(rf"[\s,]*+(?:{_TEXT}[\s;]*+(?:,[\s,]*+|$))++")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s\",;]+))", re.IGNORECASE)


def context_url(header: str) -> str | None:
    """Return the URL of the @context in a Link header field, None if it names none.

    A single link without `rel` is accepted too: clients of other brokers send it so. Raise Invalid for a field that is
    no list of links, and for more than one @context.
    """
    if not header.strip(" \t,"):
        return None
    if _LINKS.fullmatch(header) is None:
        raise Invalid(f'must be <URL>; rel="{REL}"; type="application/ld+json"', field="Link")
    links = _LINK.findall(header)
    urls = [url for url, parameters in links if REL in _relations(parameters)]
    if len(links) == 1 and not _relations(links[0][1]):
        urls = [links[0][0]]
    if len(urls) > 1:
        raise Invalid("must link only one @context", field="Link")
    return urls[0].strip() if urls else None


def context_link(url: str) -> bytes:
    """Return the Link header field that names an @context."""
    return f'<{url}>; rel="{REL}"; type="application/ld+json"'.encode()


CORE_LINK = context_link(CORE_URL)


def page_link(target: str, relation: str, media: str) -> bytes:
    """Return the link to another page; `relation` is `next` or `prev`."""
    return f'<{target}>;rel="{relation}";type="{media}"'.encode()


def _relations(parameters: str) -> list[str]:
    found = _REL.search(parameters)
    return (found[1] or found[2] or "").split() if found else []
