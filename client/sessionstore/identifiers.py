"""Ids that the client chooses, so that what it sends can be repeated."""

import os

__all__ = ["fresh_id"]


def fresh_id() -> str:
    """An id that nobody used before."""
    # 128 bits by chance, as a random UUID nearly has, for a third of its cost.
    return os.urandom(16).hex()
