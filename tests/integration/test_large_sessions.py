"""Large sessions, with gRPC's default message size at the client and bounded memory at the daemon."""

from pathlib import Path

import pytest

from sessiond.contract.limits import FRAGMENT_BYTES, Limits
from sessionstore import AsyncSessionStore
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import Event, WorkspaceChanged
from sessionstore.v1.tool_pb2 import ToolCallStatus
from tests.builders import append, commit, part, result, tool_call, user_message
from tests.integration.process import DaemonProcess

MEMORY_GROWTH_BYTES = 64 * 1024 * 1024
MUTATIONS = Limits().max_mutations_per_commit


def resident_bytes(daemon: DaemonProcess) -> int:
    """The memory of the daemon's process."""
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


async def apply(client: AsyncSessionStore, commits: list[pb.CommitRequest]) -> None:
    async for outcome in client.write(commits):
        assert "result" == outcome.WhichOneof("outcome")


@pytest.mark.timeout(120)
async def test_a_hundred_thousand_events_are_read_back(tmp_path: Path) -> None:
    """GetEvents and the tail give all of them in order."""
    with DaemonProcess(tmp_path, "--durability", "normal") as daemon:
        async with AsyncSessionStore(daemon.address) as client:
            await client.create_session(session_id="s")
            for first in range(0, 100_000, 20_000):
                groups = range(first, first + 20_000, 100)
                await apply(
                    client, [commit("s", *(append(part(str(start + item))) for item in range(100))) for start in groups]
                )
            before = resident_bytes(daemon)
            count = 0
            async for event in client.get_events("s"):
                assert (count, str(count)) == (event.sequence, event.event.message_part.content)
                count += 1
            async with client.tail("s", follow=False) as tail:
                tailed = [event.sequence async for event in tail]
            assert 100_000 == count
            assert list(range(100_000)) == tailed
            assert resident_bytes(daemon) - before < MEMORY_GROWTH_BYTES


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("event", "commits", "id_bytes"),
    [
        (part("x" * (Limits().max_item_bytes // MUTATIONS - 12)), 1, 256),
        (Event(workspace_changed=WorkspaceChanged()), 150, 36),
    ],
    ids=["the largest commit", "the smallest events"],
)
async def test_no_answer_is_larger_than_a_client_takes(
    tmp_path: Path, event: Event, commits: int, id_bytes: int
) -> None:
    """Whatever the events are of, and whatever comes before them, the other content of an answer included."""
    with DaemonProcess(tmp_path, "--durability", "normal") as daemon:
        async with AsyncSessionStore(daemon.address) as client:
            await client.create_session(session_id="s")
            await client.append_event("s", part("x" * (FRAGMENT_BYTES - 100)))
            numbers = iter(range(commits * MUTATIONS))
            await apply(
                client,
                [
                    commit("s", *(append(event, f"{next(numbers):0{id_bytes}}") for _ in range(MUTATIONS)))
                    for _ in range(commits)
                ],
            )
            expected = list(range(1 + commits * MUTATIONS))
            for descending in (False, True):
                events = client.get_events("s", descending=descending)
                assert expected[:: -1 if descending else 1] == [each.sequence async for each in events]
            async with client.tail("s", follow=False) as tail:
                assert expected == [each.sequence async for each in tail]


@pytest.mark.timeout(120)
async def test_twenty_megabytes_are_read_back(tmp_path: Path) -> None:
    """Messages and tool results of 20 MB come whole through every streaming call."""
    with DaemonProcess(tmp_path, "--durability", "normal") as daemon:
        async with AsyncSessionStore(daemon.address) as client:
            await client.create_session(session_id="s")
            messages = [user_message(f"m{index}", chr(97 + index) * 1_000_000) for index in range(20)]
            await apply(client, [commit("s", pb.Mutation(append_message=message)) for message in messages])
            for index in range(8):
                update = pb.ToolCallUpdate(
                    tool_call_id=f"c{index}",
                    status=ToolCallStatus.TOOL_CALL_STATUS_EXECUTING,
                    result=result(str(index) * 2_500_000),
                )
                await client.create_tool_call("s", tool_call(f"c{index}"))
                await client.update_tool_call("s", update)
            before = resident_bytes(daemon)
            session = await client.get_session("s")
            listed = [stored.message async for stored in client.get_messages("s")]
            calls = [state async for state in client.get_pending_tool_calls("s", include_unfinished=True)]
            assert messages == [stored.message for stored in session.state.messages] == listed
            assert [str(index) * 2_500_000 for index in range(8)] == [
                state.result.external.payload for state in session.state.tool_calls
            ]
            assert list(session.state.tool_calls) == calls
            assert resident_bytes(daemon) - before < MEMORY_GROWTH_BYTES


async def test_the_largest_item_is_read_back(tmp_path: Path) -> None:
    """What is just within the limit fits into an answer of gRPC's default size, wherever it is read."""
    with DaemonProcess(tmp_path, "--durability", "normal") as daemon:
        async with AsyncSessionStore(daemon.address) as client:
            limit = (await client.get_server_info()).limits.max_item_bytes
            await client.create_session(session_id="s")
            message = user_message("m", "x" * (limit - 100))
            await client.append_message("s", message)
            event = part("y" * (limit - 100))
            await client.append_event("s", event)
            assert [message] == [stored.message async for stored in client.get_messages("s")]
            page = await client.list_messages_page(pb.ListMessagesRequest(session_id="s"))
            assert [message] == [stored.message for stored in page.messages]
            assert [event] == [stored.event async for stored in client.get_events("s")]
            async with client.tail("s", follow=False) as tail:
                assert [event] == [stored.event async for stored in tail]
