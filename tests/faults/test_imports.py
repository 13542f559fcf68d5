"""The comparison of imports with those into a fresh store finds what is missing, doubled or altered."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sessiond.importers import open_transcript
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.migrations import migrate
from tests.faults.imports import import_violations, write_transcript
from tests.faults.stored import StoredSession, stored_sessions
from tests.unit.importers.importing import import_transcript

ENTRIES = 9


async def imported(folder: Path, *entries: int) -> tuple[Path, dict[str, StoredSession]]:
    """A transcript that has grown between its imports, and what is stored of it."""
    migrate(folder / DATABASE_NAME)
    store = await SqliteStore.open(folder, durability="normal")
    path = folder
    for number in entries:
        path = write_transcript(folder, "t", number)
        await import_transcript(store, open_transcript(path))
    await store.close()
    return path, stored_sessions(folder)


async def test_an_import_that_grew_and_was_repeated_is_that_of_the_whole(tmp_path: Path) -> None:
    """As often as it is, in as many parts."""
    path, stored = await imported(tmp_path, 4, 4, ENTRIES, ENTRIES)
    assert [] == await import_violations([path], stored)
    (session,) = stored.values()
    assert (ENTRIES, ENTRIES // 3) == (len(session.messages), len(session.tool_calls))


@pytest.mark.parametrize(
    ("altered", "violation"),
    [
        (lambda session: {"events": session.events[:-1], "next_event": session.next_event - 1}, "the events"),
        (lambda session: {"messages": (*session.messages, session.messages[0])}, "the messages"),
        (lambda session: {"tool_calls": {}}, "the tool_calls"),
        (lambda session: {"tool_call_contents": dict.fromkeys(session.tool_call_contents, ())}, "the tool_call_con"),
        (lambda session: {"config": b""}, "the config"),
        (lambda session: {"archived": True}, "the archived"),
    ],
)
async def test_a_difference_is_told(tmp_path: Path, altered: Any, violation: str) -> None:
    """Each by the name of what is not as it should be."""
    path, stored = await imported(tmp_path, ENTRIES)
    ((name, session),) = stored.items()
    found = await import_violations([path], {name: replace(session, **altered(session))})
    assert any(violation in each for each in found)


async def test_an_import_that_is_not_there_is_told(tmp_path: Path) -> None:
    """It was said to have succeeded."""
    path, _ = await imported(tmp_path, ENTRIES)
    (found,) = await import_violations([path], {})
    assert "not there" in found
