"""What a process does for itself from time to time, for as long as it runs."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn

__all__ = ["recur"]

_log = logging.getLogger(__name__)


async def recur(interval_seconds: float, name: str, work: Callable[[], Awaitable[None]]) -> NoReturn:
    """Does some work after each interval, until it is cancelled; its name is for the log.

    What fails once, such as for want of memory or of a thread, is done again: nobody would see that the task is over.
    """
    while True:
        await asyncio.sleep(interval_seconds)
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody waits for this
            _log.warning("%s failed, and is tried again: %r", name, error)
