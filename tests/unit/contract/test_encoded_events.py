"""Events that are encoded by hand: their bytes are those of the protobuf library."""

import random

import pytest

from sessiond.contract.encoded_events import encode_batch, encode_events, encode_stored_event
from sessiond.contract.timestamps import from_us
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import Event, StoredEvent
from tests.builders import complete, custom, failed, part

EDGES = [0, 1, 127, 128, 16_383, 16_384, 2**21 - 1, 2**28, 2**32, 2**63 - 1]
"""Where varints grow by a byte, and the ends."""

TIMES_US = [0, 1, 999_999, 1_000_000, 1_700_000_000_000_000, 1_700_000_000_123_456, -1]


def theirs(sequence: int, position: int, stored_at_us: int, event_id: str | None, event: Event) -> StoredEvent:
    return StoredEvent(
        sequence=sequence, position=position, stored_at=from_us(stored_at_us), event_id=event_id, event=event
    )


def test_random_events_are_encoded_to_the_byte() -> None:
    """Whatever the numbers, times, ids and contents."""
    chance = random.Random(7)
    for _ in range(2000):
        event = chance.choice(
            [part("x" * chance.choice([0, 1, 100, 20_000])), complete("m"), failed("ü"), custom("k", b"\xff"), Event()]
        )
        sequence, position = chance.choice(EDGES), chance.choice(EDGES)
        event_id = chance.choice([None, "", "e", "ü" * 100])
        stored_at_us = chance.choice([*TIMES_US, chance.randrange(2**52)])
        ours = encode_stored_event(sequence, position, stored_at_us, event_id, event.SerializeToString())
        assert theirs(sequence, position, stored_at_us, event_id, event).SerializeToString() == ours


@pytest.mark.parametrize("count", [0, 1, 200])
def test_answers_are_encoded_to_the_byte(count: int) -> None:
    """A fragment of a read, and a batch of a tail with its range."""
    events = [theirs(number, number + 1, 10**15, f"e{number}", part("x" * number)) for number in range(count)]
    encoded = [event.SerializeToString() for event in events]
    assert pb.GetEventsResponse(events=events).SerializeToString() == encode_events(encoded)
    for first, last in ((0, 0), (0, 127), (5, 2**63 - 1)):
        batch = pb.TailedEvents(first_sequence=first, last_sequence=last, events=events)
        assert pb.TailEventsResponse(events=batch).SerializeToString() == encode_batch(first, last, encoded)
