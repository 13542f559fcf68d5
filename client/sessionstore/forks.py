"""What a fork leaves of gRPC: its state, in the midst of whatever its threads did, without the threads.

Once a process has opened a channel, those of its children hang, crash, or work, as it happens: what gRPC keeps for its
asyncio ends some time after the last channel, in threads of its own. Nothing of that can be mended in the child, but it
can be told. What gRPC says of forks is about its other API alone:
https://github.com/grpc/grpc/blob/master/doc/fork_support.md

In the child gRPC also begins threads anew, unless GRPC_ENABLE_FORK_SUPPORT is 0 when it is imported. With a call under
way, such as a tail, they crash about every second child, whatever it does (1.85). It is not set here: it is for the
whole process, and the children of those who use gRPC's other API need them.
"""

import os

import grpc

from sessionstore.errors import SessionStoreError

__all__ = ["check_process", "note_opened"]

_opened = False
"""Whether a channel was opened, here or in a process that this one was forked from."""
_inherited = False
"""Whether it was before the fork."""


def note_opened() -> None:
    """Tells that this process opens a channel."""
    global _opened
    _opened = True


def check_process(made_in: int) -> None:
    """Raises SessionStoreError where what the process `made_in` made cannot call.

    Args:
        made_in: The id of the process that made it.
    """
    if made_in != os.getpid():
        raise _refusal("the client was made before this process was forked; make one here")
    if _inherited:
        raise _refusal(
            "this process was forked after a client had connected, which gRPC does not survive; fork before the first "
            "call, or begin processes in another way, such as the start method `spawn` of multiprocessing"
        )


def _refusal(text: str) -> SessionStoreError:
    return SessionStoreError(text, code=grpc.StatusCode.FAILED_PRECONDITION)


def _take_over() -> None:
    global _inherited
    _inherited = _opened


os.register_at_fork(after_in_child=_take_over)
