"""Rhine Cloud: an open operating system for a city."""

__version__ = "0.2.0"
