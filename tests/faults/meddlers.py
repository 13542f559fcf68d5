"""Clients of the crash campaign that have much in flight for one session at once, so that it meets in one group.

What they send together: new commits, and the same again; commits that were acknowledged before, and those of which a
death left nobody knowing; commits that are refused in their middle, and two that expect the same; and beside them an
archiving, a restoration, a trim, or a deletion with another session of the same id after it. Tails with and without
filters begin anywhere meanwhile.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Coroutine, Iterable
from contextlib import suppress
from typing import Any

import grpc

from sessionstore import AsyncSessionStore
from sessionstore.errors import ArchiveNotFoundError, SessionNotFoundError
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.admin_service_pb2_grpc import AdminServiceStub
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub
from tests.builders import append, custom, part, user_message
from tests.faults.bursts import Sent, send, send_alone
from tests.faults.followers import PARTS, watch
from tests.faults.history import ARCHIVED, GONE, LIVE, SessionHistory, TailHistory, Write
from tests.faults.insisting import PAUSE_SECONDS, RECONNECTING, insist, is_a_fault
from tests.faults.moves import move
from tests.faults.turns import turns

__all__ = ["Meddler"]

BURSTS = 10
"""After so many the session is replaced by another one of the same id."""

LARGE_EVERY, LARGE_COMMITS = 20, 1100
"""More commits than a group takes, once in a while."""

NEW_COMMITS = 4

REMEMBERED = 3
"""How many of the commits that were acknowledged last are sent again."""

KEPT = 50
"""So many of the newest events that were acknowledged are not trimmed: all that is sent again is among them."""

MOST_UNSURE = 30

FILTERS = ((), PARTS, ("custom:end",), (*PARTS, "custom:end"))
"""Of all events, of those of one type, which an index has, and of several, which are walked over."""

WATCHERS = 4
WATCHER_PATIENCE_SECONDS = 240.0

FORBIDDEN = pb.Mutation(update_tool_call=pb.ToolCallUpdate(tool_call_id="none", error="x"))


class Meddler:
    """Has one session after the other, all of one id.

    Attributes:
        histories: Of all these sessions.
    """

    def __init__(self, client: AsyncSessionStore, address: str, number: int, stopped: asyncio.Event) -> None:
        self._id = f"meddled-{number}"
        self._other_id = f"beside-{number}"
        self.histories = [SessionHistory(self._id)]
        self._client = client
        self._address = address
        self._stopped = stopped
        self._chance = random.Random(number)
        self._known: deque[Sent] = deque(maxlen=REMEMBERED)
        self._unsure: list[Sent] = []
        """Those without an answer, which are sent again until they have one."""
        self._oldest: Sent | None = None
        """One of a single event, to be sent anew when that is trimmed."""
        self._watchers: deque[asyncio.Task[None]] = deque()

    async def work(self) -> None:
        """Goes on until it is told to stop."""
        async with grpc.aio.insecure_channel(self._address, options=RECONNECTING) as channel:
            stub: Any = SessionStoreServiceStub(channel)
            admin: Any = AdminServiceStub(channel)
            for session_id in (self._id, self._other_id):
                await insist(self._client.create_session, session_id=session_id)
            try:
                for number in turns(self._stopped):
                    # What is sent to nobody is no burst.
                    await insist(self._client.ping)
                    if number % BURSTS == BURSTS - 1:
                        await self._replace(stub, admin, number)
                    else:
                        await self._burst(stub, admin, number)
                    await asyncio.sleep(10 * PAUSE_SECONDS)
            finally:
                for watcher in self._watchers:
                    watcher.cancel()
                ended = await asyncio.gather(*self._watchers, return_exceptions=True)
            for error in ended:
                if isinstance(error, Exception):
                    raise error

    @property
    def _history(self) -> SessionHistory:
        return self.histories[-1]

    def _small(self, name: str) -> list[pb.Mutation]:
        """A commit whose ids come again in the next session of this id, with other content."""
        content = f"{name} of {len(self.histories)}"
        return [
            append(part(content), f"{name}-a"),
            pb.Mutation(append_message=user_message(name, content)),
            append(custom("end", content.encode()), f"{name}-b"),
        ]

    def _refused(self, name: str, last: pb.Mutation) -> Sent:
        """A commit that is refused for its last mutation, when the others are made."""
        mutations = self._small(name)
        sent = Sent([*mutations, last], self._history.note(mutations), must_fail=True)
        sent.write.refused = True
        return sent

    async def _burst(self, stub: Any, admin: Any, number: int) -> None:
        history = self._history
        newest = history.newest_acknowledged
        mark = f"{len(self.histories)}-{number}"
        names = [f"{number % BURSTS}-{index}" for index in range(NEW_COMMITS)]
        new = [Sent.noted(history, self._small(name)) for name in names]
        if number % LARGE_EVERY == LARGE_EVERY - 1:
            new += [Sent.noted(history, [append(custom("large"), f"{mark}-{index}")]) for index in range(LARGE_COMMITS)]
        first = Sent.noted(history, [append(custom("begin"), f"begin-{mark}")])
        new += self._freed(mark)
        raced = [
            Sent.noted(history, [append(custom("race"), f"{rival}-{mark}")], expected_last=newest + 1) for rival in "xy"
        ]
        refused = [self._refused(f"forbidden-{mark}", FORBIDDEN)]
        if self._known:
            taken = next(iter(self._known[-1].write.events))
            refused.append(self._refused(f"clashing-{mark}", append(custom("other"), taken)))
        # The same ids are free again, once their commit was refused.
        mended = Sent.noted(history, self._small(f"mended-{mark}"))
        unmended = Sent([*mended.mutations, FORBIDDEN], mended.write, must_fail=True)
        again = [*new[:NEW_COMMITS], *raced, *self._known]
        self._chance.shuffle(again)
        # This one is sent by a call first: of one that has a single id, more is remembered within a group.
        single = Sent.noted(history, [append(custom("single"), f"single-{mark}")])
        again.insert(0, single)
        # What nobody knows of comes first: it is never older than what is trimmed.
        commits = [*self._unsure, first, *raced, *new, refused[0], unmended, mended, *again, *refused[1:]]
        self._watch(stub, newest)
        # By calls too: what is new, and the same again after an archiving, or all of it in any order.
        calls: list[Coroutine[Any, Any, object]]
        calls = [send_alone(stub, self._id, sent) for sent in (*new[:NEW_COMMITS], single)]
        calls += self._administration(stub, admin, number, newest)
        calls += [send_alone(stub, self._id, sent) for sent in again[:NEW_COMMITS]]
        if number % 2:
            self._chance.shuffle(calls)
        await asyncio.gather(send(stub, self._id, commits), *calls)
        if ARCHIVED in history.places[-1]:
            await move(self._client, history, LIVE)
        before = {id(sent) for sent in self._unsure}
        # Each once, in the order of the first time.
        sent_once = list({id(sent): sent for sent in commits}.values())
        for sent in sent_once:
            sent.settle(was_unsure=id(sent) in before)
        self._oldest = self._oldest or first
        self._known += [sent for sent in sent_once if sent.is_new_result and len(sent.write.events) > 1]
        self._unsure = [sent for sent in sent_once if sent.is_unsure][:MOST_UNSURE]

    def _freed(self, mark: str) -> list[Sent]:
        """A commit whose id was that of an event that is deleted, and of another one."""
        history = self._history
        if self._oldest is None or self._oldest.write.sequences is None:
            return []
        ((event_id, sequence),) = self._oldest.write.sequences.items()
        if sequence >= history.trim_acknowledged:
            return []
        self._oldest = None
        return [Sent.noted(history, [append(custom("freed", mark.encode()), event_id)])]

    def _administration(self, stub: Any, admin: Any, number: int, newest: int) -> list[Coroutine[Any, Any, object]]:
        history = self._history
        # An archiving of any session that is live writes what the group has come to.
        calls: list[Coroutine[Any, Any, object]] = [
            _tried(admin.RestoreSession(admin_pb.RestoreSessionRequest(session_id=self._other_id))),
            _tried(admin.ArchiveSession(admin_pb.ArchiveSessionRequest(session_id=self._other_id))),
        ]
        if number % 2:
            history.send(ARCHIVED)
            calls += [
                _tried(admin.ArchiveSession(admin_pb.ArchiveSessionRequest(session_id=self._id))),
                _tried(admin.RestoreSession(admin_pb.RestoreSessionRequest(session_id=self._id))),
            ]
        # Where something was trimmed, less can be told of what was not acknowledged.
        if len(self.histories) % 2 and newest > KEPT:
            calls.append(self._trim(stub, newest - KEPT))
        return calls

    async def _trim(self, stub: Any, before: int) -> grpc.StatusCode:
        history = self._history
        history.trim_sent = max(history.trim_sent, before)
        request = pb.DeleteEventsBeforeRequest(session_id=self._id, before_sequence=before)
        code = await _tried(stub.DeleteEventsBefore(request))
        if code == grpc.StatusCode.OK:
            history.trim_acknowledged = max(history.trim_acknowledged, before)
        return code

    def _watch(self, stub: Any, newest: int) -> None:
        """Opens a tail somewhere, and drops the oldest of those that are open."""
        if self._watchers and self._watchers[0].done():
            self._watchers.popleft().result()
        if len(self._watchers) >= WATCHERS:
            self._watchers.popleft().cancel()
        after = self._chance.randint(-1, newest)
        types = self._chance.choice(FILTERS)
        tail = TailHistory(types, pinned=None if after < 0 else after, skips=self._chance.random() < 0.5)
        self._watchers.append(asyncio.create_task(watch(stub, self._history, tail)))

    async def _replace(self, stub: Any, admin: Any, number: int) -> None:
        """Deletes the session, and creates another one of its id, with commits for either in between."""
        old, new = self._history, SessionHistory(self._id)
        old.replaced = True
        old.send(ARCHIVED)
        old.send(GONE)
        commits = [Sent.noted(old, self._small(f"between-{number}-{index}")) for index in range(NEW_COMMITS)]
        new.writes = [Write.of(sent.mutations) for sent in commits]
        if number % (2 * BURSTS) < BURSTS:
            removals = [_tried(stub.DeleteSession(pb.DeleteSessionRequest(session_id=self._id)))]
        else:
            removals = [
                _tried(admin.ArchiveSession(admin_pb.ArchiveSessionRequest(session_id=self._id))),
                _tried(admin.DeleteArchive(admin_pb.DeleteArchiveRequest(session_id=self._id))),
            ]
        existed: list[bool] = []
        creation = _tried(_created(stub.CreateSession(pb.CreateSessionRequest(session_id=self._id)), existed))
        alone = [send_alone(stub, self._id, sent) for sent in commits[::2]]
        *codes, _, _ = await asyncio.gather(*removals, creation, send(stub, self._id, commits), _all(alone))
        if existed != [False] or any(code != grpc.StatusCode.OK for code in codes):
            # Of the two sessions nobody knows which is there.
            with suppress(SessionNotFoundError):
                await insist(self._client.delete_session, self._id)
            with suppress(ArchiveNotFoundError):
                await insist(self._client.delete_archive, self._id)
            await insist(self._client.create_session, session_id=self._id)
            new.writes = []
        self.histories.append(new)
        self._known.clear()
        self._unsure.clear()
        self._oldest = None
        await self._see_watchers_end(old)

    async def _see_watchers_end(self, old: SessionHistory) -> None:
        watchers, self._watchers = self._watchers, deque()
        if not watchers:
            return
        ended, left_open = await asyncio.wait(watchers, timeout=WATCHER_PATIENCE_SECONDS)
        for watcher in left_open:
            watcher.cancel()
            how = f"it was not told of a deletion for {WATCHER_PATIENCE_SECONDS:.0f} seconds"
            old.tails.append(TailHistory(whole=False, stayed_open=how))
        for watcher in ended:
            watcher.result()


async def _all(calls: Iterable[Awaitable[object]]) -> None:
    await asyncio.gather(*calls)


async def _created(call: Awaitable[pb.CreateSessionResponse], existed: list[bool]) -> None:
    existed.append((await call).already_existed)


async def _tried(call: Awaitable[Any]) -> grpc.StatusCode:
    """Waits for a call that is not repeated."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        if is_a_fault(error):
            raise
        return error.code()
    return grpc.StatusCode.OK
