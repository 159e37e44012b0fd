"""What is wrong in a declarative file, with its place."""

from __future__ import annotations

from rhinecloud.kernel.declarative.place import DocumentPath, Place, path_text
from rhinecloud.kernel.errors import Invalid


class FileFault(Invalid):
    """One fault: `file` ('' where there is none), `place` (line and column), `path` in the document, and the reason.

    `field` is the path as text, or the file's name where the fault is the whole file's.
    """

    def __init__(self, reason: str, file: str, place: Place | None = None, path: DocumentPath = ()) -> None:
        super().__init__(reason, field=path_text(path) or file)
        self.file = file
        self.place = place
        self.path = path
        self.args = (self._whole(),)

    @property
    def line(self) -> int:
        """Return the line, 1 where the fault is the whole file's."""
        return self.place.line if self.place else 1

    @property
    def column(self) -> int:
        """Return the column, 1 where the fault is the whole file's."""
        return self.place.column if self.place else 1

    @property
    def sentence(self) -> str:
        """Return what is wrong with its path, for where file and line stand apart."""
        return f"{self.field}: {self.reason}" if self.path else self.reason

    def _whole(self) -> str:
        where = f", line {self.place.line}, column {self.place.column}" if self.place else ""
        return f"{self.file}{where}: {self.sentence}" if self.file else self.sentence


class TextFault(Invalid):
    """A fault within a text, such as an expression: `line` and `column` count in the text, from 1."""

    def __init__(self, reason: str, *, field: str = "", line: int = 1, column: int = 1) -> None:
        super().__init__(reason, field=field)
        self.line = line
        self.column = column

    def moved(self, lines: int, columns: int) -> TextFault:
        """Return the fault as it stands in a text around this one, which begins so many lines and columns in."""
        column = self.column + columns if self.line == 1 else self.column
        return TextFault(self.reason, field=self.field, line=self.line + lines, column=column)


class NotReadable(Exception):
    """A text breaks the rules of its syntax; `place` says where."""

    def __init__(self, reason: str, place: Place | None = None, path: DocumentPath = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place
        self.path = path
