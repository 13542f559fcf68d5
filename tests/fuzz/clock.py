"""The time of day that a store is told, so that a model can know it."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from sessiond.store.sqlite import transaction

__all__ = ["EPOCH_US", "STEP_US", "Clock"]

EPOCH_US = 1_700_000_000_000_000
STEP_US = 1_000_003
"""Neither whole seconds nor whole milliseconds."""


class Clock:
    """A clock that stands still unless it is set."""

    def __init__(self) -> None:
        self.now_us = EPOCH_US

    @contextmanager
    def told(self) -> Iterator[None]:
        """Stores take their time from here."""
        with patch.object(transaction, "now_us", lambda: self.now_us):
            yield
