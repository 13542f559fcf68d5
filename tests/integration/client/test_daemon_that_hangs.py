"""Calls of a client whose daemon is there, and takes in nothing."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from sessionstore import AsyncSessionStore, errors
from sessionstore.v1.session_pb2 import SessionConfig
from tests.builders import part
from tests.integration.process import DaemonProcess

WAIT_SECONDS = 20
MORE_THAN_A_SOCKET_HOLDS = "x" * 2_000_000

CALLS: dict[str, Callable[[AsyncSessionStore], Coroutine[Any, Any, Any]]] = {
    "a call": lambda client: client.get_server_info(),
    "a large call": lambda client: client.create_session(SessionConfig(system_prompt=MORE_THAN_A_SOCKET_HOLDS)),
    "a call that is made once": lambda client: client.delete_session("s"),
    "a write": lambda client: client.append_event("s", part()),
    "a large write": lambda client: client.append_event("s", part(MORE_THAN_A_SOCKET_HOLDS)),
    "a streamed read": lambda client: client.get_session("s"),
}


@pytest.fixture
async def hanging(tmp_path: Path) -> AsyncIterator[AsyncSessionStore]:
    """A client with a short deadline that was served before by a daemon that hangs now."""
    with DaemonProcess(tmp_path, "--durability", "normal") as process:
        async with AsyncSessionStore(process.address, timeout_seconds=1) as client:
            await client.create_session(session_id="s")
            process.process.send_signal(signal.SIGSTOP)
            yield client


@pytest.mark.parametrize("call", CALLS)
async def test_a_deadline_ends_each_call(hanging: AsyncSessionStore, call: str) -> None:
    """Also one of whose request a part was never taken in, which gRPC by itself holds fast."""
    with pytest.raises(errors.DeadlineExceededError):
        await asyncio.wait_for(CALLS[call](hanging), WAIT_SECONDS)
