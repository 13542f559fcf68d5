"""What is left to the collector of garbage, for tests."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["garbage"]


@contextmanager
def garbage() -> Iterator[list[object]]:
    """What only a collection would have freed, after the block."""
    found: list[object] = []
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found += gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
