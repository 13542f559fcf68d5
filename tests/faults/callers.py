"""Clients of the crash campaign that change one session by calls, with every kind of mutation."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

from sessionstore import AsyncSessionStore
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.tool_pb2 import ToolCallStatus
from tests.builders import part, result, tool_call, user_message
from tests.faults.history import SessionHistory
from tests.faults.insisting import PAUSE_SECONDS, insist
from tests.faults.noted_commits import append_surely, commit_surely
from tests.faults.small_commits import message_between_events
from tests.faults.turns import turns

__all__ = ["Callers"]


class Callers:
    """Several at once, each with few calls that follow on each other.

    Under load a call takes a fifth of a second. One client with all of them would come to each of its calls once in
    several seconds, and few lives of a daemon would meet a failpoint there.
    """

    def __init__(self, client: AsyncSessionStore, stub: Any, history: SessionHistory, stopped: asyncio.Event) -> None:
        self._client = client
        self._stub = stub
        self._history = history
        self._stopped = stopped

    def workers(self) -> list[Coroutine[Any, Any, None]]:
        """The clients. Each ends what it has begun before it stops."""
        return [self._append(), self._set_active_message(), self._call_tools()]

    def _names(self, kind: str) -> Iterator[str]:
        """Names for the items of one client, for as long as the load goes on."""
        for number in turns(self._stopped):
            yield f"{self._history.session_id}-{kind}{number}"

    async def _append(self) -> None:
        for name in self._names("c"):
            await append_surely(self._stub, self._history, name, part(name))
            await commit_surely(self._client, self._history, message_between_events(f"{name}-c"))
            update = pb.SessionUpdate(set_metadata={"number": name})
            await insist(self._client.update_session, self._history.session_id, update)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _set_active_message(self) -> None:
        for name in self._names("m"):
            message = user_message(name, name)
            write = self._history.note([pb.Mutation(append_message=message)])
            await insist(self._client.append_message, self._history.session_id, message)
            write.sequences = {}
            await insist(self._client.update_active_message_id, self._history.session_id, message.id)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _call_tools(self) -> None:
        pending = ToolCallStatus.TOOL_CALL_STATUS_PENDING_APPROVAL
        for name in self._names("t"):
            states = self._history.tool_calls[name] = {0, int(pending)}
            await insist(self._client.create_tool_call, self._history.session_id, tool_call(name))
            states.discard(0)
            for status in (ToolCallStatus.TOOL_CALL_STATUS_EXECUTING, ToolCallStatus.TOOL_CALL_STATUS_COMPLETED):
                states.add(int(status))
                update = pb.ToolCallUpdate(tool_call_id=name, status=status)
                if status == ToolCallStatus.TOOL_CALL_STATUS_COMPLETED:
                    update.result.CopyFrom(result(name))
                await insist(self._client.update_tool_call, self._history.session_id, update)
                states.intersection_update({int(status)})
            await asyncio.sleep(PAUSE_SECONDS)
