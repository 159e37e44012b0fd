"""Topic patterns of mappings: MQTT topic filters whose levels may have names, `air/{station}/+/reading`."""

from __future__ import annotations

import re

from rhinecloud.kernel.errors import Invalid

NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class TopicPattern:
    """Matches topics and returns the named levels. Source of the wildcards: MQTT 3.1.1, clause 4.7."""

    def __init__(self, pattern: str) -> None:
        """Parse a pattern; raise Invalid."""
        levels = pattern.split("/")
        self.filter = "/".join("+" if NAME.fullmatch(level) else level for level in levels)
        self._regex = re.compile(
            "/".join(_regex_of(level) for level in levels).replace("/(?:.*)", "(?:/.*)?")
        )
        if "#" in levels[:-1]:
            raise Invalid("`#` must be the last level of a topic")

    @property
    def names(self) -> frozenset[str]:
        """Return the names of its levels."""
        return frozenset(self._regex.groupindex)

    def match(self, topic: str) -> dict[str, str] | None:
        """Return the named levels of a topic that matches, else None."""
        found = self._regex.fullmatch(topic)
        return found.groupdict() if found else None


def _regex_of(level: str) -> str:
    name = NAME.fullmatch(level)
    if name:
        return f"(?P<{name[1]}>[^/]*)"
    if level == "+":
        return "[^/]*"
    if level == "#":
        return "(?:.*)"
    if any(sign in level for sign in "{}+#"):
        raise Invalid(f"{level!r} must be a level of a topic: a text, {{name}}, + or #")
    return re.escape(level)
