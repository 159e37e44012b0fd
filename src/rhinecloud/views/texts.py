"""The words of a pack in one language: what its types, attributes and values are called on the screen."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rhinecloud.kernel.declarative import DeclarativeModel


class PackTexts(DeclarativeModel):
    """The words of one pack in one language; the file is called as the language (`de.json`)."""

    title: str = ""
    description: str = ""
    types: Annotated[dict[str, str], Field(default_factory=dict)]
    """What each type is called, by its compact name."""
    attributes: Annotated[dict[str, str], Field(default_factory=dict)]
    """What each attribute is called, by its compact name."""
    values: Annotated[dict[str, dict[str, str]], Field(default_factory=dict)]
    """What the values of an attribute are called, by attribute and value."""
