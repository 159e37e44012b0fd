"""Of what a pack is made: the only room of the house that a pack may enter."""

from rhinecloud.pack.model import EntityFragment, Mapping, Message, Pack
from rhinecloud.pack.time import utc

__all__ = ["EntityFragment", "Mapping", "Message", "Pack", "utc"]
