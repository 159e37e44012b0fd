"""Rhine Cloud: an open operating system for a city."""

from importlib.metadata import version

__version__ = version("rhinecloud")
