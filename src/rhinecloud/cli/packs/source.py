"""Finds the pack in a folder, whether it is installed or not: for those who write one."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path

from rhinecloud.app.parts import find_parts, kinds_of
from rhinecloud.kernel.errors import Invalid
from rhinecloud.loader.folder import MANIFEST, read_pack
from rhinecloud.loader.model import LoadedPack
from rhinecloud.pack import Pack


def find_root(folder: Path) -> Path:
    """Return the folder of the pack in `folder`, in one below it, or below its `src`; raise Invalid."""
    roots = [
        path.parent for pattern in ("", "*/", "src/*/") for path in sorted(folder.glob(pattern + MANIFEST))
    ]
    if not roots:
        raise Invalid(f"there is no {MANIFEST} here, nor one folder below", field=str(folder))
    if len(roots) > 1:
        raise Invalid(f"there are several packs: {', '.join(map(str, roots))}", field=str(folder))
    return roots[0].resolve()


def import_from(root: Path) -> Pack:
    """Import the package in a folder and return its pack; raise Invalid."""
    if not (root / "__init__.py").is_file():
        raise Invalid("there is no __init__.py, which declares the pack", field=str(root))
    top = root
    while (top.parent / "__init__.py").is_file():
        top = top.parent
    sys.path.insert(0, str(top.parent))
    try:
        module = importlib.import_module(".".join(root.relative_to(top.parent).parts))
    except Exception as error:  # a pack is code of others, which may raise whatever it likes
        raise Invalid(f"{type(error).__name__}: {error}", field=_place(error, root)) from error
    finally:
        sys.path.remove(str(top.parent))
    if Path(module.__file__ or "").resolve().parent != root:
        raise Invalid(f"another module of this name is loaded: {module.__file__}", field=str(root))
    packs = [value for value in vars(module).values() if isinstance(value, Pack)]
    if len(packs) != 1:
        raise Invalid("__init__.py must define one rhinecloud.pack.Pack", field=str(root))
    return packs[0]


def _place(error: Exception, root: Path) -> str:
    """Return the last line of the pack's own code that an error passed through."""
    frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno))
    for name, line in reversed(frames):
        path = Path(name).resolve()
        if path.is_relative_to(root):
            return f"{path.relative_to(root.parent)}, line {line}"
    return str(root)


def load_from(folder: Path) -> LoadedPack:
    """Read the pack in a folder with everything that it brings; raise Invalid naming every fault."""
    return read_pack(import_from(find_root(folder)), kinds_of(find_parts().loaded))
