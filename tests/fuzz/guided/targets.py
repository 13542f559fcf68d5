"""What is fuzzed: each target takes bytes, and raises nothing unless something is wrong."""

from abc import ABC, abstractmethod
from collections import Counter
from pathlib import Path
from random import Random

__all__ = ["Target"]


class Target(ABC):
    """Something that takes any bytes.

    Attributes:
        max_bytes: The longest input.
        refusals: How often an input was refused in the ways of the house, by reason.
        accepted: How many inputs were not refused.
    """

    max_bytes: int = 8192

    def __init__(self, folder: Path) -> None:
        """Prepares it; `folder` is empty, and its own."""
        self.folder = folder
        self.refusals: Counter[str] = Counter()
        self.accepted = 0

    @abstractmethod
    def take(self, data: bytes) -> None:
        """Takes one input. Raises what is not as it must be."""

    @abstractmethod
    def mutated(self, data: bytes, chance: Random) -> bytes | None:
        """An input that is like another in its structure; None where bytes are to be mutated as they are."""

    def history(self) -> list[bytes]:
        """The inputs that the present state came from, the newest last."""
        return []

    def close(self) -> None:  # noqa: B027 - most have begun nothing
        """Ends what it has begun. Raises when something is left over."""
