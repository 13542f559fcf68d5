"""A tail across disconnects and crashes: every event once, in order."""

import asyncio
import json
import signal
import subprocess
from pathlib import Path

from sessionstore import AsyncSessionStore
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part
from tests.integration.conftest import DaemonUnderTest
from tests.integration.process import SESSIOND, DaemonProcess


async def write_some(client: AsyncSessionStore, first: int, count: int) -> None:
    commits = [commit("s", append(part(str(index)), f"e{index}")) for index in range(first, first + count)]
    async for outcome in client.write(commits):
        assert "result" == outcome.WhichOneof("outcome")


async def test_a_tail_outlives_a_daemon_that_is_stopped(daemon: DaemonUnderTest, client: AsyncSessionStore) -> None:
    """A graceful restart under an open tail neither loses nor repeats an event."""
    await client.create_session(session_id="s")
    seen: list[int] = []

    async def follow() -> None:
        async with client.tail("s") as tail:
            async for event in tail:
                seen.append(event.sequence)
                if event.sequence == 599:
                    return

    following = asyncio.create_task(follow())
    for round_number in range(3):
        await write_some(client, 200 * round_number, 200)
        if round_number < 2:
            await daemon.stop()
            await daemon.start()
    await asyncio.wait_for(following, 30)
    assert list(range(600)) == seen


async def test_a_tail_outlives_a_daemon_that_is_killed(tmp_path: Path) -> None:
    """A SIGKILL under an open tail, and under writes, neither loses nor repeats an acknowledged event."""
    with DaemonProcess(tmp_path) as daemon:
        async with AsyncSessionStore(daemon.address) as client:
            await client.create_session(session_id="s")
            seen: list[str] = []
            in_the_middle = [asyncio.Event(), asyncio.Event()]

            async def follow() -> None:
                async with client.tail("s", heartbeat_interval_seconds=1) as tail:
                    async for event in tail:
                        seen.append(event.event_id)
                        if len(seen) % 300 == 20 and len(seen) < 600:
                            in_the_middle[len(seen) // 300].set()
                        if len(seen) == 900:
                            return

            following = asyncio.create_task(follow())
            for round_number in range(3):
                writing = asyncio.create_task(write_some(client, 300 * round_number, 300))
                if round_number < 2:
                    await in_the_middle[round_number].wait()
                    await asyncio.to_thread(daemon.stop, signal.SIGKILL)
                    await asyncio.to_thread(daemon.start)
                await asyncio.wait_for(writing, 30)
            await asyncio.wait_for(following, 30)
    assert [f"e{index}" for index in range(900)] == seen


async def test_a_client_that_is_killed_resumes_where_it_was(daemon: DaemonUnderTest, client: AsyncSessionStore) -> None:
    """A tail in a process that is killed, and opened again after the last event it showed, sees each event once."""
    await client.create_session(session_id="s")
    await write_some(client, 0, 100)
    shown: list[int] = []
    while len(shown) < 100:
        start = str(shown[-1]) if shown else "start"
        command = [SESSIOND, "tail", "s", "--json", "--from", start, "--address", daemon.address]

        def show_some(command: list[str] = command) -> None:
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                if process.stdout is None:
                    raise AssertionError("no output to read")
                lines = [process.stdout.readline() for _ in range(min(40, 100 - len(shown)))]
                shown.extend(int(json.loads(line).get("sequence", 0)) for line in lines)
                process.kill()

        await asyncio.to_thread(show_some)
    assert list(range(100)) == shown


async def test_a_write_stream_that_breaks_applies_each_commit_once(
    daemon: DaemonUnderTest, client: AsyncSessionStore
) -> None:
    """What has no outcome when the server goes is sent again, and takes effect once."""
    await client.create_session(session_id="s")
    answered = asyncio.Event()

    async def restart() -> None:
        await answered.wait()
        await daemon.stop()
        await daemon.start()

    restarting = asyncio.create_task(restart())
    outcomes: list[pb.CommitOutcome] = []
    async for outcome in client.write([commit("s", append(part(str(index)))) for index in range(3000)]):
        outcomes.append(outcome)
        if len(outcomes) == 100:
            answered.set()
    await restarting
    sequences = [outcome.result.results[0].append_event.sequence for outcome in outcomes]
    texts = [event.event.message_part.content async for event in client.get_events("s")]
    assert list(range(3000)) == sequences
    assert [str(index) for index in range(3000)] == texts


async def test_a_commit_that_is_refused_in_a_stream_fails_alone(client: AsyncSessionStore) -> None:
    """The others of the stream are applied, and the outcomes come in the order of the commits."""
    await client.create_session(session_id="s")
    commits = [commit("s" if index % 3 else "missing", append(part(str(index)))) for index in range(9)]
    outcomes = [outcome.WhichOneof("outcome") async for outcome in client.write(commits)]
    assert ["result" if index % 3 else "error" for index in range(9)] == outcomes
    assert 6 == len([event async for event in client.get_events("s")])
