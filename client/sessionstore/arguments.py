"""The arguments of the client's methods, as far as they can be judged before anything is sent."""

from collections.abc import Iterable
from typing import Any

__all__ = ["check_timeout", "checked_types", "expectation_of"]

MAX_TIMEOUT_SECONDS = 1e9
"""A deadline that lies further away than its clock can tell is one that has passed, to gRPC."""


def check_timeout(seconds: float) -> None:
    """Raises ValueError for a time that no call could be given."""
    if not (isinstance(seconds, int | float) and 0 < seconds <= MAX_TIMEOUT_SECONDS):
        raise ValueError(
            f"timeout_seconds is {seconds!r}; give a number of seconds above 0 and up to {MAX_TIMEOUT_SECONDS:.0f}"
        )


def checked_types(types: Iterable[str]) -> Iterable[str]:
    """The types of events. Raises TypeError for a single one, whose letters would be taken for types."""
    if isinstance(types, str):
        raise TypeError(f"types is text; write [{types!r}]")
    return types


def expectation_of(expected_last_sequence: int | None, *, expect_no_events: bool) -> dict[str, Any]:
    """The fields of a request that say what its writer expects. Raises ValueError for both at once."""
    if expected_last_sequence is not None and expect_no_events:
        raise ValueError("expected_last_sequence and expect_no_events exclude each other")
    if expected_last_sequence is not None:
        return {"expected_last_sequence": expected_last_sequence}
    return {"expect_no_events": True} if expect_no_events else {}
