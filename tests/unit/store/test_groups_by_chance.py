"""What is written in one group comes to the same as what is written one after the other."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from sessiond.contract.limits import Limits
from sessiond.store.errors import StoreError
from sessiond.store.sqlite import removals, transaction
from sessiond.store.sqlite.commits import AppendOneEvent, CommitOperation
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.migrations import migrate
from sessiond.store.sqlite.operations import Operation
from sessiond.store.sqlite.session_operations import ArchiveSession, CreateSession, DeleteSession, RestoreSession
from sessiond.store.sqlite.trims import DeleteEventsBefore
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part
from tests.faults.stored import database_faults

LIMITS = Limits()
SESSIONS = ["a", "b"]
EVENT_IDS = [f"e{number}" for number in range(24)]
GROUP = 40
GROUPS = 6
WEIGHTS = (20, 4, 1, 5, 1, 2)
"""Of appends, commits, trims, archivings and restorations, deletions, and creations."""

INDEXED_AT_ONCE = 4
"""Where it is 32, as it is, hardly any of these groups would index something."""


def _append(session: str, event_id: str, text: str) -> Operation[Any]:
    return AppendOneEvent(pb.AppendEventRequest(session_id=session, event=part(text), event_id=event_id), LIMITS)


def _commit(session: str, event_ids: list[str]) -> Operation[Any]:
    return CommitOperation(commit(session, *(append(part(""), event_id) for event_id in event_ids)), LIMITS)


def _trim(session: str, before: int) -> Operation[Any]:
    return DeleteEventsBefore(pb.DeleteEventsBeforeRequest(session_id=session, before_sequence=before))


def operations(random: Random) -> list[Operation[Any]]:
    """A group of what two sessions are written with, in which a few ids come again and again."""
    made: list[Operation[Any]] = []
    for _ in range(GROUP):
        session, event_id = random.choice(SESSIONS), random.choice(EVENT_IDS)
        match random.choices(range(6), WEIGHTS)[0]:
            case 0:
                made.append(_append(session, event_id, random.choice(["", "", "", "other"])))
            case 1:
                made.append(_commit(session, random.sample(EVENT_IDS, random.randint(1, 4))))
            case 2:
                made.append(_trim(session, random.randrange(12)))
            case 3:
                made.append(random.choice([ArchiveSession, RestoreSession])(session))
            case 4:
                made.append(DeleteSession(session))
            case _:
                made.append(CreateSession(pb.CreateSessionRequest(session_id=session), LIMITS))
    return made


def told(answer: Any) -> object:
    """What an answer says, without the times and the ids that chance gives."""
    if isinstance(answer, StoreError):
        return type(answer), str(answer)
    if isinstance(answer, BaseException):
        raise answer
    if isinstance(answer, pb.AppendEventResponse):
        return answer.sequence, answer.already_existed
    if isinstance(answer, pb.CommitResponse):
        return [(each.append_event.sequence, each.append_event.already_existed) for each in answer.results]
    if isinstance(answer, pb.DeleteEventsBeforeResponse | pb.DeleteSessionResponse):
        return answer
    return type(answer)


async def written(template: Path, random: Random, *, together: bool) -> tuple[list[object], list[list[bytes]]]:
    """What is answered, and which events there are at last."""
    answers: list[object] = []
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(template, Path(folder) / DATABASE_NAME)
        store = await SqliteStore.open(Path(folder), durability="normal")
        writer = store._writer
        for session in SESSIONS:
            await store.create_session(pb.CreateSessionRequest(session_id=session))
        for _ in range(GROUPS):
            group = operations(random)
            if together:
                submitted = [writer.submit(operation) for operation in group]
                answers += map(told, await asyncio.gather(*submitted, return_exceptions=True))
            else:
                for operation in group:
                    answers += map(told, await asyncio.gather(writer.submit(operation), return_exceptions=True))
        events = []
        for session in SESSIONS:
            await asyncio.gather(writer.submit(RestoreSession(session)), return_exceptions=True)
            found = []
            try:
                async for fragment in store.get_events(pb.GetEventsRequest(session_id=session)):
                    for event in pb.GetEventsResponse.FromString(fragment).events:
                        event.ClearField("position")
                        event.ClearField("stored_at")
                        found.append(event.SerializeToString(deterministic=True))
            except StoreError as error:
                found.append(str(error).encode())
            events.append(found)
        await store.close()
        assert [] == database_faults(Path(folder))
    return answers, events


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database, which takes longer to make than to write to."""
    path = tmp_path_factory.mktemp("template") / DATABASE_NAME
    migrate(path)
    return path


@pytest.mark.parametrize("removed_at_once", [removals.REMOVED_AT_ONCE, 2])
@pytest.mark.parametrize("seed", range(12))
def test_a_group_comes_to_what_its_writes_come_to_one_by_one(template: Path, seed: int, removed_at_once: int) -> None:
    """Answers, repeats and refusals, and what is stored at last; also where what is deleted goes in pieces."""
    with (
        patch.object(transaction, "EVENTS_AT_ONCE", INDEXED_AT_ONCE),
        patch.object(removals, "REMOVED_AT_ONCE", removed_at_once),
    ):
        one_by_one = asyncio.run(written(template, Random(seed), together=False))
        assert one_by_one == asyncio.run(written(template, Random(seed), together=True))
