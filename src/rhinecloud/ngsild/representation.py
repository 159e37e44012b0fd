"""The forms in which entities come and go: reading them (`parsing`) and showing them (`rendering`), under one name."""

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
