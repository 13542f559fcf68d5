"""How often Python looks for cycles of garbage in a process that serves.

A collection holds up the event loop. By Python's own thresholds, a thousand tails make it look through all of their
objects again and again, and find nothing: what a call leaves behind is nearly always freed without.
"""

import gc

__all__ = ["collect_less_often"]

YOUNG_OBJECTS = 10_000
"""How many more objects are made than freed before the young ones are looked through, which takes about 1 ms."""


def collect_less_often() -> None:
    """To be called when everything is loaded, which is never looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
