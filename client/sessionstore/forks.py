"""What a fork leaves of gRPC: its state, in the midst of whatever its threads did, without the threads.

A channel that was open then makes new ones hang or crash in the child. Nothing of it can be mended there, but it can be
told (https://github.com/grpc/grpc/blob/master/doc/fork_support.md does not cover gRPC's asyncio).
"""

import os
from weakref import WeakSet

import grpc

from sessionstore.errors import SessionStoreError

__all__ = ["check_process", "note_closed", "note_open"]

_open: WeakSet[object] = WeakSet()
_inherited_open = False


def note_open(channel: object) -> None:
    """Remembers a channel for as long as it lives, or until `note_closed`."""
    _open.add(channel)


def note_closed(channel: object) -> None:
    """Forgets a channel of which nothing is left."""
    _open.discard(channel)


def check_process(made_in: int) -> None:
    """Raises SessionStoreError where what the process `made_in` made cannot call.

    Args:
        made_in: The id of the process that made it.
    """
    if made_in != os.getpid():
        raise _refusal("the client was made before this process was forked; make one here")
    if _inherited_open:
        raise _refusal(
            "this process was forked while a client was connected, which gRPC does not survive; close the clients "
            "before the fork, or begin processes in another way, such as the start method `spawn` of multiprocessing"
        )


def _refusal(text: str) -> SessionStoreError:
    return SessionStoreError(text, code=grpc.StatusCode.FAILED_PRECONDITION)


def _look_at_inheritance() -> None:
    global _inherited_open
    _inherited_open = _inherited_open or len(_open) > 0


os.register_at_fork(after_in_child=_look_at_inheritance)
