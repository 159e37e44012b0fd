"""The @contexts that the broker uses: bundled, fetched, hosted for users, or created because a notification needs one.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.13 and 6.3.5.
"""

from rhinecloud.broker.contexts.model import CompiledContext, ContextKind, StoredContext
from rhinecloud.broker.contexts.service import CITY, Contexts

__all__ = ["CITY", "CompiledContext", "ContextKind", "Contexts", "StoredContext"]
