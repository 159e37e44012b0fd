"""Of what a pack is made: the only room of the house that a pack may enter."""

from rhinecloud.pack.model import Mapping, Pack

__all__ = ["Mapping", "Pack"]
