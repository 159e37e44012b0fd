"""The broker's door to the network, `/ngsi-ld/v1`, as plain ASGI: this is the hot road, so nothing is made per request
that a request does not need.

`door` takes a call through its stations: route, actor, representation, @context, handler, reply. Source: clause 6.
"""

from rhinecloud.broker.http.application import Authenticate, BrokerApplication

__all__ = ["Authenticate", "BrokerApplication"]
