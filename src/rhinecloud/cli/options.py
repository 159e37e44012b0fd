"""Options that several commands share, so that they have the same names and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

City = Annotated[
    Path,
    typer.Option("--city", "-c", envvar="RHINECLOUD_CITY", help="Folder of the city, with its `city.toml`."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
HERE = Path()
