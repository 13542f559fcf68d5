"""What the writer applies."""

from typing import Protocol, TypeVar

from sessiond.store.sqlite.transaction import WriteTransaction

__all__ = ["Operation"]

T_co = TypeVar("T_co", covariant=True)


class Operation(Protocol[T_co]):
    """A write, applied in the writer's thread.

    Attributes:
        atomic: Whether it makes several writes, to be undone when a later one is refused. One that is not atomic must
            not raise a StoreError after its first write.
        size_bytes: About how much it writes.
        frees_room: Whether it is done on a full disk too, with the room that is kept for that.
    """

    atomic: bool = False
    size_bytes: int = 0
    frees_room: bool = False

    def apply(self, transaction: WriteTransaction) -> T_co:
        """Does the work. A StoreError refuses this operation and leaves the others of the group alone."""
        ...
