"""Arguments that cannot be meant: the client says so before it asks anybody."""

import math
from pathlib import Path
from typing import Any

import pytest

from sessionstore import AsyncSessionStore, SessionStore


@pytest.mark.parametrize("kind", [AsyncSessionStore, SessionStore])
@pytest.mark.parametrize("seconds", [0, -1, math.inf, math.nan, 1e12, None, "5"])
def test_a_timeout_that_is_none_is_refused(kind: type, seconds: Any, tmp_path: Path) -> None:
    """To gRPC a deadline without end, or beyond its own clock, is one that has passed."""
    with pytest.raises(ValueError, match="timeout_seconds"):
        kind(f"unix:{tmp_path / 'nobody.sock'}", timeout_seconds=seconds)


def test_one_type_in_place_of_many_is_refused(tmp_path: Path) -> None:
    """Text is an iterable too, of letters, none of which is a type of events."""
    with SessionStore(f"unix:{tmp_path / 'nobody.sock'}") as store:
        with pytest.raises(TypeError, match=r"types is text; write \['message_complete'\]"):
            store.tail("s", types="message_complete")
        with pytest.raises(TypeError, match="types is text"):
            store.get_events("s", types="message_complete")
