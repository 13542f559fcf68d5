"""What is left of a refused call of a page when it is answered: nothing that only a collection would free."""

import asyncio
from pathlib import Path

import pytest
from connectrpc.errors import ConnectError

from tests.garbage import garbage
from tests.integration.pages import STORE, Served, serving

CALLS = 8
OF_A_CALL = ("_handle", "worker_serve.<locals>._server_callback")
"""Of hypercorn: what runs the application, and what serves the connection."""

JSON, STREAMED_JSON = {"content-type": "application/json"}, {"content-type": "application/connect+json"}
REFUSED = {
    "by the daemon": ("DeleteSession", b'{"sessionId": ""}', JSON),
    "as no JSON": ("ListSessions", b"{x", JSON),
    "as a stream": ("TailEvents", b'\0\0\0\0\x17{"sessionId":"nowhere"}', STREAMED_JSON),
}


async def _refused(served: Served, name: str, headers: dict[str, str]) -> None:
    call, body, kind = REFUSED[name]
    answer = await served.post(f"{STORE}/{call}", body, {**kind, **headers, "connection": "close"})
    assert b"code" in answer.content
    async with asyncio.timeout(10):
        # The answer is there before what sent it has ended, and its connection.
        while any(getattr(task.get_coro(), "__qualname__", "") in OF_A_CALL for task in asyncio.all_tasks()):
            await asyncio.sleep(0)


@pytest.mark.parametrize("has_token", [True, False])
@pytest.mark.parametrize("name", REFUSED)
async def test_a_refused_call_of_a_page_leaves_nothing_to_the_collector(
    tmp_path: Path, name: str, has_token: bool
) -> None:
    """The library keeps the error in a frame that the error has come through; a call left a hundred objects."""
    async with serving(tmp_path) as served:
        headers = served.bearer if has_token else {}
        await _refused(served, name, headers)
        with garbage() as found:
            for _ in range(CALLS):
                await _refused(served, name, headers)

    assert [] == [kept for kept in found if isinstance(kept, ConnectError)]
