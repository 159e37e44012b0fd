"""`rhinecloud pack`: write a pack, check it, test it by its recordings, and see or remove those of a city."""

from rhinecloud.cli.packs.commands import build

__all__ = ["build"]
