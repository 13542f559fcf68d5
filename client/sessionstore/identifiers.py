"""Ids that the client chooses, so that what it sends can be repeated."""

from uuid import uuid4

__all__ = ["fresh_id"]


def fresh_id() -> str:
    """An id that nobody used before."""
    return str(uuid4())
