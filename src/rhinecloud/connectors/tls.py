"""TLS for links: the system's authorities or the operator's own, and a client certificate where one is set."""

from __future__ import annotations

import ssl

from rhinecloud.connectors.settings import FeedSettings
from rhinecloud.kernel.errors import Invalid


def client_context(feed: FeedSettings) -> ssl.SSLContext:
    """Return the TLS context of a feed; raise Invalid where a file cannot be read."""
    try:
        context = ssl.create_default_context(cafile=feed.tls_ca or None)
    except (OSError, ssl.SSLError) as error:
        raise Invalid(f"cannot read {feed.tls_ca}: {error}", field="tls_ca") from None
    if feed.tls_certificate:
        try:
            context.load_cert_chain(feed.tls_certificate)
        except (OSError, ssl.SSLError) as error:
            raise Invalid(f"cannot read {feed.tls_certificate}: {error}", field="tls_certificate") from None
    return context
