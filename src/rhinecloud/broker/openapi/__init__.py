"""The door described for machines: an OpenAPI 3.1 document made from the table of routes, so that it cannot lag behind.

A route's row names its parameters and what travels in its bodies; `parameters.yaml` and `schemas.yaml` say what these
names mean. The door refuses what the rows do not name, and the document lists what they do.
"""

from rhinecloud.broker.openapi.document import describe, parameter_names

__all__ = ["describe", "parameter_names"]
