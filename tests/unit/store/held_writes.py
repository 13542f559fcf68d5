"""A write that is held in the writer's thread until it is let go on."""

import threading

from sessiond.store.sqlite.transaction import WriteTransaction

__all__ = ["HeldWrite"]


class HeldWrite:
    """An operation that notes when it is applied, and waits for that until it is let go on."""

    atomic = False
    frees_room = False
    size_bytes = 10

    def __init__(self, name: object = None, noted: list[object] | None = None, *, held: bool = True) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        if not held:
            self.go_on.set()
        self._name = name
        self._noted = [] if noted is None else noted

    def apply(self, transaction: WriteTransaction) -> object:
        """See Operation."""
        self.begun.set()
        assert self.go_on.wait(60)
        self._noted.append(self._name)
        return self._name
