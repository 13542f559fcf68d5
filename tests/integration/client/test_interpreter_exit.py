"""The blocking client at the end of a program: interrupted, or simply forgotten."""

import asyncio
import signal
import sys

import pytest

from sessionstore import AsyncSessionStore
from tests.builders import part
from tests.integration.conftest import DaemonUnderTest

WAIT_SECONDS = 20

FORGOTTEN = """
import gc
import sys
import threading
from contextlib import suppress
from sessionstore import SessionStore, SessionStoreError
def follow():
    with suppress(SessionStoreError):
        list(store.tail("s"))
store = SessionStore(sys.argv[1])
{work}
print("end", flush=True)
"""

INTERRUPTED = """
import sys
from sessionstore import SessionStore
with SessionStore(sys.argv[1]) as store:
    try:
        for event in store.tail("s", from_now=True):
            pass
    except KeyboardInterrupt:
        print("interrupted", store.ping(), store.get_server_info().open_tails, flush=True)
"""


async def started(program: str, daemon: DaemonUnderTest) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(sys.executable, "-c", program, daemon.address, stdout=pipe, stderr=pipe)


@pytest.mark.parametrize(
    "work",
    [
        "",
        "store.ping()",
        "events = store.get_events('s'); next(events)",
        "tail = store.tail('s'); next(tail)",
        "threading.Thread(target=follow, daemon=True).start(); store.ping()",
        "outcomes = store.write(iter(input, None))",
        "gc.disable(); cycle = [store]; cycle.append(cycle); del store, cycle",
    ],
)
async def test_a_forgotten_close_does_not_hang_the_exit(
    client: AsyncSessionStore, daemon: DaemonUnderTest, work: str
) -> None:
    """The program ends at once, with its own exit code and without a complaint."""
    await client.create_session(session_id="s")
    await client.append_event("s", part())
    program = await started(FORGOTTEN.format(work=work), daemon)
    out, err = await asyncio.wait_for(program.communicate(), WAIT_SECONDS)
    assert (out.decode(), err.decode(), program.returncode) == ("end\n", "", 0)


async def test_an_interrupt_cancels_the_call(client: AsyncSessionStore, daemon: DaemonUnderTest) -> None:
    """Ctrl-C in a blocking call is KeyboardInterrupt, the server is rid of the call, and the client goes on."""
    await client.create_session(session_id="s")
    program = await started(INTERRUPTED, daemon)
    async with asyncio.timeout(WAIT_SECONDS):
        while not (await client.get_server_info()).open_tails:
            await asyncio.sleep(0.01)
    program.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(program.communicate(), WAIT_SECONDS)
    assert (out.decode().split()[:2], err.decode(), program.returncode) == (["interrupted", "True"], "", 0)
    async with asyncio.timeout(WAIT_SECONDS):
        while (await client.get_server_info()).open_tails:
            await asyncio.sleep(0.01)
