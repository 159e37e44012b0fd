"""How a process of the city handles its memory."""

from __future__ import annotations

import gc


def ease_collector() -> None:
    """Let the garbage collector look less often: what a city decodes makes no cycles and lives for moments.

    With Python's own thresholds it took two fifths of the time of a batch of entities.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
