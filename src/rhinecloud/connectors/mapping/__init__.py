"""Mappings that need no Python: a YAML file says what a message means."""

from rhinecloud.connectors.mapping.declared import DeclaredMapping, load_mapping, load_mappings

__all__ = ["DeclaredMapping", "load_mapping", "load_mappings"]
