"""Times: what the store keeps of a timestamp, and what comes back."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.contract.timestamps import ceil_us, floor_us, from_us, now_us

YEAR_1_US = -62_135_596_800_000_000
YEAR_9999_US = 253_402_300_799_999_999


@pytest.mark.parametrize("microseconds", [0, 1, -1, 999_999, 1_000_000, -1_000_001, YEAR_1_US, YEAR_9999_US])
def test_a_stored_time_comes_back_as_it_was(microseconds: int) -> None:
    """Before and after 1970, with nanos that protobuf allows."""
    timestamp = from_us(microseconds)
    assert 0 <= timestamp.nanos <= 999_999_999
    assert (microseconds, microseconds) == (floor_us(timestamp), ceil_us(timestamp))


@pytest.mark.parametrize(
    ("nanos", "floor", "ceil"),
    [(0, 0, 0), (1, 0, 1), (999, 0, 1), (1000, 1, 1), (1001, 1, 2), (999_999_999, 999_999, 1_000_000)],
)
@pytest.mark.parametrize("seconds", [0, 7, -7])
def test_finer_times_round_to_the_side_that_is_asked_for(seconds: int, nanos: int, floor: int, ceil: int) -> None:
    """Down to the last stored time that is not after, up to the first that is not before."""
    timestamp = Timestamp(seconds=seconds, nanos=nanos)
    assert seconds * 1_000_000 + floor == floor_us(timestamp)
    assert seconds * 1_000_000 + ceil == ceil_us(timestamp)


def test_now_is_the_time_of_the_clock() -> None:
    """In microseconds since 1970, as protobuf sees it."""
    before = Timestamp()
    before.GetCurrentTime()
    now = now_us()
    after = Timestamp()
    after.GetCurrentTime()
    assert floor_us(before) <= now <= ceil_us(after)
