"""The broker's HTTP API, `/ngsi-ld/v1`, as plain ASGI: this is the hot path, so no object is made that a request does
not need.

`application` finds route, actor, representation and @context of a request, and calls the handler. Source: clause 6.
"""

from rhinecloud.broker.http.application import Authenticate, BrokerApplication

__all__ = ["Authenticate", "BrokerApplication"]
