"""Mappings in YAML: a file defines the entities of a feed's messages."""

from rhinecloud.connectors.mapping.declared import DeclaredMapping, load_mapping, load_mappings, names_read

__all__ = ["DeclaredMapping", "load_mapping", "load_mappings", "names_read"]
