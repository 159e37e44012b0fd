"""The command `rhinecloud`: everything that an operator does in a terminal."""

from rhinecloud.cli.program import main

__all__ = ["main"]
