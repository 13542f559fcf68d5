"""How connections of pages are accepted."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

from sessiond.web.accepting import A_TURN, ListeningSocket


def test_a_turn_of_the_loop_accepts_some_and_the_next_ones_the_others() -> None:
    """The loop accepts until it is told that nobody waits, a hundred times, and comes again while somebody does."""
    waiting = 2 * A_TURN + 1
    with ExitStack() as stack:
        listening = stack.enter_context(ListeningSocket(socket.AF_INET, socket.SOCK_STREAM))
        listening.bind(("127.0.0.1", 0))
        listening.listen(waiting)
        listening.setblocking(False)
        for _ in range(waiting):
            stack.enter_context(socket.create_connection(listening.getsockname()))

        def accepted() -> Iterator[socket.socket]:
            with suppress(BlockingIOError):
                while True:
                    yield stack.enter_context(listening.accept()[0])

        assert [A_TURN, A_TURN, 1, 0] == [len(list(accepted())) for _ in range(4)]
