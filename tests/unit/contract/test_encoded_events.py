"""Events that are encoded by hand: their bytes are those of the protobuf library."""

import random

import pytest
from google.protobuf.message import DecodeError

from sessiond.contract.encoded_events import encode_batch, encode_events, encode_stored_event, first_damaged
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


@pytest.mark.parametrize(
    "payload",
    [b"\x0a\xff", b"\x12\x03\x0a\x01\xff", part("x").SerializeToString()[:-1], b"\x13", b"\x14", b"\x02\x01a"],
)
def test_what_protobuf_refuses_is_found(payload: bytes) -> None:
    """Bytes that run on, that are cut short, that are no text or no field: the first such event is named."""
    sound = encode_stored_event(0, 1, 2, "e", part("x").SerializeToString())
    damaged = encode_stored_event(1, 2, 3, "f", payload)
    assert 1 == first_damaged([sound, damaged, sound, damaged])
    assert None is first_damaged([sound, sound])
    assert None is first_damaged([])


def test_an_event_that_is_nested_very_deeply_is_not_damaged() -> None:
    """It decodes by itself, though not inside an answer: groups of unknown fields, as deep as protobuf takes them."""
    depth = 99
    payload = b"\xbb\x3e" * depth + b"\xbc\x3e" * depth
    event = encode_stored_event(0, 1, 2, None, payload)
    StoredEvent.FromString(event)
    with pytest.raises(DecodeError):
        pb.GetEventsResponse.FromString(encode_events([event]))
    assert None is first_damaged([event])
