"""The representations of entities: reading (`parsing`) and showing them (`rendering`), in one module."""

from rhinecloud.ngsild.parsing import ABSENT, parse_attribute, parse_entity, parse_fragment
from rhinecloud.ngsild.rendering import (
    Options,
    parse_lang,
    parse_names,
    render,
    render_attribute,
    render_collection,
    render_instance,
)

__all__ = [
    "ABSENT",
    "Options",
    "parse_attribute",
    "parse_entity",
    "parse_fragment",
    "parse_lang",
    "parse_names",
    "render",
    "render_attribute",
    "render_collection",
    "render_instance",
]
