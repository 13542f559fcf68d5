"""How late the event loop is, as the daemon itself tells it."""

import asyncio
import time

from sessiond.process.loop_lag import INTERVAL_SECONDS, LoopLag


async def test_what_holds_up_the_loop_is_seen() -> None:
    """Also while it is still under way: a timer that is overdue counts with the time that it has waited."""
    lag = LoopLag()
    try:
        time.sleep(3 * INTERVAL_SECONDS)  # noqa: ASYNC251 - it is to hold up the loop
        assert lag.take_longest() >= INTERVAL_SECONDS
        while not lag.p99():
            await asyncio.sleep(0)
        assert lag.p99() >= INTERVAL_SECONDS
    finally:
        lag.close()


async def test_the_longest_begins_anew_when_it_was_asked_for() -> None:
    """What was told is not told again."""
    lag = LoopLag()
    try:
        time.sleep(3 * INTERVAL_SECONDS)  # noqa: ASYNC251 - it is to hold up the loop
        while not lag.p99():
            await asyncio.sleep(0)
        first = lag.take_longest()
        assert first > lag.take_longest()
    finally:
        lag.close()
