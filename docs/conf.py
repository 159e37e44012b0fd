"""How the documentation is built: Markdown, one theme, and the pages that code writes itself."""

from __future__ import annotations

from pathlib import Path

from rhinecloud import __version__
from rhinecloud.cli.reference import write_reference

project = "Rhine Cloud"
author = "The Rhine Cloud founders"
copyright = "The Rhine Cloud founders, EUPL-1.2"
version = release = __version__

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"Rhine Cloud {__version__}"

write_reference(Path(__file__).parent / "_generated")
