"""The command `rhinecloud`: what an operator does in a terminal."""

from rhinecloud.cli.program import main

__all__ = ["main"]
