"""A sound database whose pages are damaged in turn: several sessions, with rows in each table and some large ones."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.migrations import migrate
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import SessionConfig
from sessionstore.v1.tool_pb2 import ToolCallStatus
from tests.builders import append, commit, complete, part, result, tool_call, user_message

__all__ = [
    "ARCHIVED",
    "COMMITS",
    "LOG_NAME",
    "PAGE_BYTES",
    "SESSIONS",
    "SMALL_BYTES",
    "archive",
    "copy_files",
    "creation",
    "fill",
    "has_owners",
    "make_template",
    "owners",
    "put_into_log",
    "rows",
]

SESSIONS = ("a", "b", "c")
ARCHIVED = "archived"
LOG_NAME = f"{DATABASE_NAME}-wal"
PAGE_BYTES = 4096
COMMITS = 24
SMALL_BYTES = 150
LARGE_BYTES = 9000
"""An event of so many takes pages of its own."""

TABLES = (
    *("sessions", "session_metadata", "label_horizon", "messages", "tool_calls", "events"),
    *("store_counters", "store_info"),
)


async def make_template(folder: Path) -> Path:
    """Makes the database in a folder, all of it in one file, and returns the file."""
    migrate(folder / DATABASE_NAME)
    store = await SqliteStore.open(folder, durability="normal")
    await fill(store)
    await archive(store)
    await store.close()
    return folder / DATABASE_NAME


def put_into_log(database: Path, folder: Path) -> None:
    """Makes a copy in a folder of which every page is in the log, as right after a large transaction."""
    work = folder / "work"
    work.mkdir()
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(work / DATABASE_NAME)) as target:
        target.execute("PRAGMA journal_mode = WAL")
        target.execute("PRAGMA wal_autocheckpoint = 0")
        source.backup(target)
        copy_files(work, folder)


def copy_files(source: Path, target: Path) -> None:
    """Copies a database and its log."""
    for name in (DATABASE_NAME, LOG_NAME):
        shutil.copy(source / name, target / name)


async def fill(store: SqliteStore) -> None:
    """Writes all but the archive."""
    for session_id in (*SESSIONS, ARCHIVED):
        await store.create_session(creation(session_id))
    # In turns, so that sessions share pages as they do in use.
    for number in range(COMMITS):
        for session_id in (*SESSIONS, ARCHIVED):
            await store.submit(commit(session_id, *_mutations(session_id, number)))
    await store.delete_events_before(pb.DeleteEventsBeforeRequest(session_id="c", before_sequence=10))


async def archive(store: SqliteStore) -> None:
    """Makes the archive, in one transaction."""
    await store.archive_session(admin_pb.ArchiveSessionRequest(session_id=ARCHIVED))


def creation(session_id: str) -> pb.CreateSessionRequest:
    """The request that made a session."""
    config = SessionConfig(system_prompt=f"prompt of {session_id}", metadata={"team": session_id, "kind": "test"})
    return pb.CreateSessionRequest(session_id=session_id, request_id=f"request of {session_id}", config=config)


def _mutations(session_id: str, number: int) -> list[pb.Mutation]:
    name = f"{session_id}-{number}"
    size = LARGE_BYTES if number == COMMITS // 2 else SMALL_BYTES
    mutations = [
        append(part(f"{name} " + "x" * size), f"event {name}"),
        pb.Mutation(append_message=user_message(f"message {name}", "y" * size)),
        pb.Mutation(set_active_message=pb.ActiveMessageUpdate(message_id=f"message {name}")),
        append(complete(f"model {number}"), f"complete {name}"),
    ]
    if number % 4 == 0:
        mutations.append(pb.Mutation(create_tool_call=tool_call(f"call {name}")))
    if number % 8 == 0:
        completed = ToolCallStatus.TOOL_CALL_STATUS_COMPLETED
        update = pb.ToolCallUpdate(tool_call_id=f"call {name}", status=completed, result=result(f"result of {name}"))
        mutations.append(pb.Mutation(update_tool_call=update))
    return mutations


def has_owners() -> bool:
    """Whether SQLite was built to tell whose a page is."""
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("SELECT name FROM dbstat")
        except sqlite3.OperationalError:
            return False
        return True


def owners(database: Path) -> dict[int, str]:
    """The table or index that each page belongs to, by the number of the page; needs SQLite's dbstat."""
    with closing(sqlite3.connect(database)) as connection:
        return dict(connection.execute("SELECT pageno, name FROM dbstat"))


def rows(database: Path) -> dict[tuple[str, str, object], object]:
    """The values of all columns, by table, column and key, as far as they can be read, without the help of an index."""
    found: dict[tuple[str, str, object], object] = {}
    with closing(sqlite3.connect(f"{database.as_uri()}?immutable=1", uri=True)) as connection:
        connection.text_factory = bytes
        for table in TABLES:
            try:
                cursor = connection.execute(f"SELECT * FROM {table} NOT INDEXED")  # noqa: S608 - our own names
                columns = [column[0] for column in cursor.description]
                for row in cursor:
                    key = row[:2] if table == "session_metadata" else row[0]
                    found |= {(table, column, key): value for column, value in zip(columns, row, strict=True)}
            except sqlite3.DatabaseError:
                continue
    return found
