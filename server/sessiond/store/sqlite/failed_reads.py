"""Lets go of what a read that failed has open in its connection.

A cursor that was not walked to its end keeps the connection's snapshot, also when the transaction is over. That of a
read that failed lives as long as its error, in the frames of the traceback, or until the garbage is collected:
meanwhile who reads next by the connection would be answered as of then, and the log could not be reset.
"""

import traceback

__all__ = ["close_cursors"]


def close_cursors(error: BaseException) -> None:
    """Empties the frames that an error came through, and those of the errors that it came from; none may still run."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            traceback.clear_frames(one.__traceback__)
            waiting += (one.__cause__, one.__context__)
