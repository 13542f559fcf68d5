"""Everything that a store answers about its sessions: right, refused, or false."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from sessiond.call_counts import CallCounts
from sessiond.store.errors import CorruptedError, StoreError
from sessiond.store.sqlite.engine import SqliteStore
from sessiond.tailing import Tail
from sessiond.turns import Turns
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import Session
from sessionstore.v1.tool_pb2 import ToolCallStatus
from tests.builders import append, commit, complete, part, tool_call, user_message
from tests.faults.corruption.template import ARCHIVED, COMMITS, SESSIONS, SMALL_BYTES, creation

__all__ = ["UNWRITTEN", "Answer", "ask_everything", "false_answers", "without_times", "write_everywhere"]

PATIENCE_SECONDS = 20.0
"""After which a call that has not been answered hangs."""

AFTER_WRITE, UNWRITTEN = "events after the write", "events without the write"
"""Of the answers of write_everywhere there is one or the other."""

BY_UPDATE = pb.SessionOrder.SESSION_ORDER_UPDATED_AT
BY_MESSAGES = pb.SessionOrder.SESSION_ORDER_MESSAGE_COUNT

FILTERED = ("message_part", "message_complete")


@dataclass(frozen=True)
class Answer:
    """What a call came to.

    Attributes:
        content: What was answered; None when it was refused.
        refusal: The class of the error; empty when there was none.
        is_data_loss: Whether it was refused as damaged.
        is_foreseen: Whether the error is one that clients are told about, and not INTERNAL or a hanging.
    """

    content: bytes | None
    refusal: str = ""
    is_data_loss: bool = False
    is_foreseen: bool = True


async def _answer(call: Awaitable[bytes]) -> Answer:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return Answer(await call)
    except StoreError as error:
        return Answer(None, type(error).__name__, is_data_loss=isinstance(error, CorruptedError))
    except Exception as error:  # noqa: BLE001 - what it is, is what is asked
        return Answer(None, repr(error), is_foreseen=False)


async def ask_everything(store: SqliteStore) -> dict[str, Answer]:
    """The answers by call and session."""
    calls: dict[str, Awaitable[bytes]] = {
        "list": _encoded(store.list_sessions(pb.ListSessionsRequest())),
        "list by label": _encoded(store.list_sessions(pb.ListSessionsRequest(filter={"metadata": {"kind": "test"}}))),
        "list by update": _encoded(store.list_sessions(pb.ListSessionsRequest(order_by=BY_UPDATE))),
        "list by messages": _encoded(store.list_sessions(pb.ListSessionsRequest(order_by=BY_MESSAGES))),
        "archives": _encoded(store.list_archives(admin_pb.ListArchivesRequest())),
    }
    for name in SESSIONS:
        calls |= {
            f"session {name}": _merged(store.get_session(pb.GetSessionRequest(session_id=name))),
            f"messages {name}": _joined(store.get_messages(pb.GetMessagesRequest(session_id=name))),
            f"events of a type {name}": _joined(
                store.get_events(pb.GetEventsRequest(session_id=name, types=FILTERED[:1], descending=True))
            ),
            f"events {name}": _joined(store.get_events(pb.GetEventsRequest(session_id=name))),
            f"pending {name}": _joined(store.get_pending_tool_calls(pb.GetPendingToolCallsRequest(session_id=name))),
            f"tail {name}": _tailed(store, pb.TailEventsRequest(session_id=name, no_follow=True)),
            f"filtered tail {name}": _tailed(
                store, pb.TailEventsRequest(session_id=name, no_follow=True, types=FILTERED)
            ),
        }
    return {name: await _answer(call) for name, call in calls.items()}


async def write_everywhere(store: SqliteStore) -> dict[str, Answer]:
    """Writes to each session, restores the archive, and reads what was written; the answers by call and session."""
    answers = {f"restore {ARCHIVED}": await _answer(_restored(store))}
    for name in SESSIONS:
        write = answers[f"write {name}"] = await _answer(_written(store, name))
        # What was refused must not be there.
        read = AFTER_WRITE if write.content is not None else UNWRITTEN
        answers[f"{read} {name}"] = await without_times(store, name)
        answers |= {f"{call} {name}": await _answer(repeat) for call, repeat in _repeats(store, name).items()}
    return answers


def _repeats(store: SqliteStore, name: str) -> dict[str, Awaitable[bytes]]:
    """Writes of what is stored: a client that missed their answers sends them again."""
    kept = f"{name}-{COMMITS - 1}"
    first_call = f"call {name}-0"
    status = pb.ToolCallUpdate(tool_call_id=first_call, status=ToolCallStatus.TOOL_CALL_STATUS_COMPLETED)
    mutations = {
        "repeat event": append(complete(f"model {COMMITS - 1}"), f"complete {kept}"),
        "repeat message": pb.Mutation(append_message=user_message(f"message {kept}", "y" * SMALL_BYTES)),
        "repeat tool call": pb.Mutation(create_tool_call=tool_call(first_call)),
        "repeat update": pb.Mutation(update_tool_call=status),
        "activate": pb.Mutation(set_active_message=pb.ActiveMessageUpdate(message_id=f"message {name}-0")),
    }
    calls: dict[str, Awaitable[bytes]] = {call: _applied(store, name, mutation) for call, mutation in mutations.items()}
    return calls | {"create again": _encoded(store.create_session(creation(name)))}


async def _applied(store: SqliteStore, name: str, mutation: pb.Mutation) -> bytes:
    """What a mutation was answered, but for the time of now."""
    response = await store.submit(commit(name, mutation))
    response.results[0].ClearField("set_active_message")
    return response.SerializeToString(deterministic=True)


async def without_times(store: SqliteStore, name: str) -> Answer:
    """The events of a session, but for when they were stored."""
    return await _answer(_joined(store.get_events(pb.GetEventsRequest(session_id=name)), without_times=True))


async def _restored(store: SqliteStore) -> bytes:
    return await _encoded(store.restore_session(admin_pb.RestoreSessionRequest(session_id=ARCHIVED)))


async def _written(store: SqliteStore, name: str) -> bytes:
    mutations = [append(part("written"), "written"), pb.Mutation(append_message=user_message("written"))]
    response = await store.submit(commit(name, *mutations))
    numbers = (response.results[0].append_event.sequence, response.results[1].append_message.sequence)
    return repr(numbers).encode()


async def _encoded(call: Awaitable[Message]) -> bytes:
    return (await call).SerializeToString(deterministic=True)


async def _merged(fragments: AsyncIterable[pb.GetSessionResponse]) -> bytes:
    whole = Session()
    async for fragment in fragments:
        whole.MergeFrom(fragment.session)
    return whole.SerializeToString(deterministic=True)


async def _joined(fragments: AsyncIterable[Any], *, without_times: bool = False) -> bytes:
    parts: list[bytes] = []
    async for fragment in fragments:
        if without_times:
            events = pb.GetEventsResponse.FromString(fragment).events
            parts += [repr((event.sequence, event.event_id, event.event)).encode() for event in events]
        else:
            parts.append(fragment if isinstance(fragment, bytes) else fragment.SerializeToString(deterministic=True))
    return b"".join(parts)


async def _tailed(store: SqliteStore, request: pb.TailEventsRequest) -> bytes:
    return await _joined(Tail(store, request, asyncio.Event(), nullcontext(), CallCounts(), Turns()).frames())


def false_answers(right: Mapping[str, Answer], given: Mapping[str, Answer]) -> list[str]:
    """The calls that were answered with something else than what is stored, or said that it does not exist."""
    return [
        name
        for name, answer in given.items()
        if answer != right[name] and answer.is_foreseen and not answer.is_data_loss
    ]
