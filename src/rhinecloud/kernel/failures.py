"""What to say of an error that code of others raised: its kind, its text, and the place in that code."""

from __future__ import annotations

import traceback


def describe_failure(error: BaseException, within: str) -> str:
    """Return an error with the last file and line that it came through of a module, with its siblings, or a folder."""
    text = f"{type(error).__name__}: {error}".removesuffix(": ")
    place = _place(error, within if "/" in within else within.partition(".")[0])
    return f"{text} ({place})" if place else text


def _place(error: BaseException, within: str) -> str:
    """Return where the error arose within a package or folder, '' where it did not."""
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        module, file = str(frame.f_globals.get("__name__", "")), frame.f_code.co_filename
        if module == within or module.startswith(f"{within}.") or file.startswith(f"{within}/"):
            return f"{file}, line {line}"
    return ""
