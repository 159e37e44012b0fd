"""Finds packs, reads their folders by the kinds that parts declare, and merges their vocabularies."""

from rhinecloud.loader.context import CityTerms, TermConflict, merge_contexts
from rhinecloud.loader.model import LoadedPack, PackFailure, Packs
from rhinecloud.loader.packs import GROUP, find_packs

__all__ = [
    "GROUP",
    "CityTerms",
    "LoadedPack",
    "PackFailure",
    "Packs",
    "TermConflict",
    "find_packs",
    "merge_contexts",
]
