"""What the workloads of one run share."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.benchmarks.sizes import Sizes
from tests.benchmarks.stores import Role, Store

__all__ = ["Setting"]

_numbers = count()


@dataclass(frozen=True)
class Setting:
    """The surroundings.

    Attributes:
        folder: Where all data of the run is.
        sizes: How much is done.
        noop_address: Where the server is that does nothing.
        peers: The peers that run, with what they can do.
        absent: What the peers that do not run could have done, and why they do not.
    """

    folder: Path
    sizes: Sizes
    noop_address: str
    peers: Mapping[str, tuple[Role, Store]]
    absent: Mapping[str, tuple[Role, str]]

    def peers_that(self, role: Role) -> list[Store]:
        """The peers that can do something."""
        return [store for roles, store in self.peers.values() if role in roles]

    def absent_that(self, role: Role) -> dict[str, str]:
        """The peers that could do something and are not here, with the reason."""
        return {name: reason for name, (roles, reason) in self.absent.items() if role in roles}

    def fresh_path(self, name: str) -> Path:
        """A path that nothing uses yet."""
        return self.folder / f"{name}{next(_numbers)}"

    def fresh_session(self) -> str:
        """The name of a session that no store has yet."""
        return f"s{next(_numbers)}"
