"""The manifest of a pack, `pack.toml`: what it is, with which versions it works, what it writes, how good it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from packaging.requirements import InvalidRequirement, Requirement
from pydantic import Field

from rhinecloud.kernel.declarative import DeclarativeModel, Document, ReadBy, read_document
from rhinecloud.kernel.errors import Invalid

MANIFEST = "pack.toml"
DISTRIBUTION = "rhinecloud"

Words = Annotated[str, Field(min_length=1)]


def _read_requirement(value: Any) -> Requirement:
    try:
        requirement = Requirement(value if isinstance(value, str) else "")
    except InvalidRequirement:
        requirement = None
    if requirement is None or requirement.name != DISTRIBUTION or not requirement.specifier:
        raise Invalid(
            f"must be the versions that the pack works with, such as 'rhinecloud>=0.2,<0.3', not {value!r}"
        )
    return requirement


class PackTable(DeclarativeModel):
    """The table `[pack]`."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    """The pack's name: of its actions, routes, settings and mappings."""
    title: Words
    description: str = ""
    version: Words
    """The pack's own version."""
    license: Words
    """The licence of the pack's code, as an SPDX expression."""
    types_license: str = ""
    """The licence of the names and schemas of its types, where it is another."""
    requires: Annotated[
        Requirement, ReadBy(_read_requirement, {"type": "string", "examples": ["rhinecloud>=0.2,<0.3"]})
    ]
    """The versions of Rhine Cloud that it works with."""
    writes: tuple[Words, ...] = ()
    """The types that its mappings, actions, routes and workers write."""
    calls: tuple[Words, ...] = ()
    """The actions of parts that its code calls, such as `incidents.open`."""
    indexes: tuple[Words, ...] = ()
    """Attributes that have an index from the start."""


class DataSource(DeclarativeModel):
    """A source whose data the pack reads or brings."""

    title: Words
    url: str = ""
    license: Words
    """The licence of the data, as an SPDX expression or a name."""
    attribution: str = ""
    """What must be said where the data is shown."""


class Exemption(DeclarativeModel):
    """A rule of quality that does not apply."""

    exempt: Words
    """Why it does not apply."""


Mark = Literal["done", "todo"] | Exemption


class PackManifest(DeclarativeModel):
    """The file `pack.toml`."""

    pack: PackTable
    data: tuple[DataSource, ...] = ()
    quality: Annotated[dict[str, Mark], Field(default_factory=dict)]
    """For each rule of the quality ladder: done, todo, or exempt with a reason."""

    def check(self) -> Iterator[Invalid]:
        """Yield a fault for each name that is written twice."""
        for key in ("writes", "calls", "indexes"):
            names = getattr(self.pack, key)
            if len(set(names)) < len(names):
                yield Invalid("must not name anything twice", field=f"pack.{key}")


def read_manifest(root: Path) -> Document[PackManifest]:
    """Read the manifest of the pack in a folder; raise Invalid naming every fault by line and column."""
    return read_document(root / MANIFEST, PackManifest, name=MANIFEST)
