"""What a client does in a process that was forked: say so at once, and never wait for threads that stayed behind."""

import os
import subprocess
import sys
from pathlib import Path

# Each runs in a process of its own, whose child ends with the number of what became of it.
PREAMBLE = """
import os, signal, sys
from sessionstore import SessionStore, SessionStoreError
from sessionstore.errors import ServerUnavailableError

def outcome(call):
    try:
        call()
    except ServerUnavailableError:
        return 1
    except SessionStoreError as error:
        return 2 if error.code.name == "FAILED_PRECONDITION" else 3
    return 0

def ping_anew():
    with SessionStore(address, timeout_seconds=1) as other:
        other.ping()

address = sys.argv[1]
store = SessionStore(address, timeout_seconds=1)
"""
FORK = """
child = os.fork()
if child == 0:
    signal.alarm(30)  # who waits for ever is not left behind
    os._exit(outcome(call))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def child_of(script: str, folder: Path, **environment: str) -> int:
    """How a child ended that was forked at the end of a script; nobody answers at its address."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PREAMBLE + script + FORK]
    ended = subprocess.run(
        [*command, f"unix:{folder / 'nobody.sock'}"],
        env=os.environ | environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return int(ended.stdout)


def test_a_client_from_before_a_fork_is_refused_in_the_child(tmp_path: Path) -> None:
    """The thread of its event loop is in the parent alone; a call would wait for it for ever."""
    assert child_of("call = store.ping", tmp_path) == 2
    assert child_of("assert outcome(store.ping) == 1; call = store.ping", tmp_path) == 2


def test_what_is_read_is_closed_in_the_child_without_a_word(tmp_path: Path) -> None:
    """All that is to be closed is the parent's."""
    for reading in ('tail("s")', 'get_events("s")'):
        assert child_of(f"assert outcome(store.ping) == 1; call = store.{reading}.close", tmp_path) == 0


def test_a_client_of_asyncio_is_closed_in_the_child_without_a_word(tmp_path: Path) -> None:
    """What would tell that it is closed is in the parent alone."""
    script = """
import asyncio
from sessionstore import AsyncSessionStore
from tests.builders import part

inherited = AsyncSessionStore(address, timeout_seconds=1)
loop = asyncio.new_event_loop()
writing = loop.create_task(inherited.append_event("s", part("a")))
loop.run_until_complete(asyncio.sleep(0))
call = lambda: asyncio.run(inherited.close())
"""
    # With a call under way, else, gRPC's own threads in the child may crash it, whatever it does.
    assert child_of(script, tmp_path, GRPC_ENABLE_FORK_SUPPORT="0") == 0


def test_a_client_made_after_a_fork_is_refused_where_one_had_connected(tmp_path: Path) -> None:
    """The threads of gRPC are in the parent alone, its state is such as they left it: it would hang, or crash."""
    assert child_of("assert outcome(store.ping) == 1; call = ping_anew", tmp_path) == 2
    assert child_of("assert outcome(store.ping) == 1; store.close(); call = ping_anew", tmp_path) == 2


def test_a_client_made_after_a_fork_serves_where_none_had_connected(tmp_path: Path) -> None:
    """One that made no call yet is in nobody's way."""
    assert child_of("call = ping_anew", tmp_path) == 1


def test_a_child_ends_as_if_it_had_no_client(tmp_path: Path) -> None:
    """What it inherited is not closed at its end: the connection is the parent's."""
    script = """
assert outcome(store.ping) == 1
child = os.fork()
if child == 0:
    signal.alarm(30)
    sys.exit(4)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4
assert outcome(store.ping) == 1
call = store.ping
"""
    assert child_of(script, tmp_path) == 2
