"""The newest events of a session that is followed, as they are kept for its tails."""

import tracemalloc
from collections import deque
from typing import Any

import pytest

from sessiond.contract.encoded_events import encode_stored_event
from sessiond.contract.limits import TAIL_FRAME_BYTES
from sessiond.store.sqlite.event_filters import EventFilter
from sessiond.store.sqlite.feeds import RING_BYTES, EventRing
from sessiond.store.sqlite.publication import Publication, PublishedEvent

EVENT_BYTES = TAIL_FRAME_BYTES // 16


class Counting(deque[PublishedEvent]):
    """Counts what is taken out of it."""

    taken = 0

    def __getitem__(self, index: Any) -> Any:
        self.taken += 1
        return super().__getitem__(index)


@pytest.mark.parametrize(("after", "expected"), [(-1, 16), (99, 16), (189, 10)])
def test_no_more_is_taken_out_of_the_ring_than_a_page_holds(after: int, expected: int) -> None:
    """Whoever is behind by all of it would keep the event loop from everybody else, at each of the pages."""
    ring = EventRing(0)
    held = [PublishedEvent(sequence, 0, "message_part", b"x" * EVENT_BYTES) for sequence in range(200)]
    ring.take(Publication(appended=len(held), events=held))
    ring._events = events = Counting(held)
    page = ring.page(after, EventFilter.of(()))
    assert page is not None
    assert (after + expected, expected) == (page.last, len(page.events))
    assert events.taken <= expected + 1


@pytest.mark.parametrize("size_bytes", [5, 40, 200, 2000])
def test_a_ring_takes_no_more_memory_than_it_may(size_bytes: int) -> None:
    """Small events, of which most sessions consist, would take several times as much as they are long."""
    ring = EventRing(0)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for sequence in range(100_000, 100_000 + 2 * RING_BYTES // (size_bytes + 100)):
            encoded = encode_stored_event(sequence, 2**40 + sequence, 2**50, None, bytes(size_bytes))
            ring.take(Publication(appended=1, events=[PublishedEvent(sequence, 0, "message_part", encoded)]))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert RING_BYTES * 3 // 4 < after - before < RING_BYTES * 5 // 4
