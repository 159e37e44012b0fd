"""The OpenAPI 3.1 document of the API, made from the table of routes, so that the two cannot differ.

A route names its parameters and the schemas of its bodies; `parameters.yaml` and `schemas.yaml` define these names. The
application refuses parameters that the route does not name, and the document lists those that it does.
"""

from rhinecloud.broker.openapi.document import describe, parameter_names

__all__ = ["describe", "parameter_names"]
