"""Mappings in YAML: a file defines the entities of a feed's messages."""

from rhinecloud.connectors.mapping.declared import DeclaredMapping, load_mapping, load_mappings

__all__ = ["DeclaredMapping", "load_mapping", "load_mappings"]
