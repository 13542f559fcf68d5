"""Importers of the crash campaign, and what a store must hold after an import that was repeated until it succeeded."""

import asyncio
import json
import os
import tempfile
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from sessiond.cli.exits import CommandError, ExitCode
from sessiond.cli.import_run import ImportRun
from sessiond.importers import Transcript, open_transcript
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.migrations import migrate
from sessionstore import AsyncSessionStore
from sessionstore.errors import DeadlineExceededError, ServerUnavailableError
from tests.faults.insisting import PAUSE_SECONDS
from tests.faults.stored import StoredSession, stored_sessions
from tests.faults.turns import turns
from tests.integration.process import SESSIOND
from tests.unit.importers.entries import SESSION, claude_assistant, claude_user, tool_result, tool_use
from tests.unit.importers.importing import import_transcript

__all__ = ["Imports", "import_violations", "write_transcript"]

FIXTURES = Path(__file__).parents[1] / "unit" / "importers" / "fixtures"
ENTRIES = 90
"""Of a transcript that is made here."""

IMPORT_PAUSE_SECONDS = 0.5
COMMAND_PAUSE_SECONDS = 10.0
"""Between two runs of the command, whose start takes as much as hundreds of commits."""

IMPORTER_LIVES_SECONDS = 1.0
"""After so long the first run of the command is killed, if it still runs."""


class Imports:
    """Transcripts that are imported into a daemon that comes and goes, one after the other by each importer.

    Attributes:
        done: The transcripts whose import succeeded, in the order in which they did.
    """

    def __init__(
        self,
        client: AsyncSessionStore,
        address: str,
        folder: Path,
        recorded: Sequence[Path],
        stopped: asyncio.Event,
    ) -> None:
        self.done: list[Path] = []
        self._client = client
        self._address = address
        self._folder = folder
        self._recorded = recorded
        self._stopped = stopped

    def workers(self) -> list[Coroutine[Any, Any, None]]:
        """The importers. Each ends what it has begun before it stops."""
        return [self._import_files(), self._import_growing(), self._import_by_command()]

    async def violations(self, stored: Mapping[str, StoredSession]) -> list[str]:
        """Compares what is stored with an import into a fresh store."""
        return await import_violations(self.done, stored)

    async def _import_files(self) -> None:
        """Small transcripts of all formats, and what agents recorded."""
        for path in (*sorted(FIXTURES.iterdir()), *self._recorded):
            await self._import(path)
            await self._import(path)
            self.done.append(path)
            if self._stopped.is_set():
                return

    async def _import_growing(self) -> None:
        """Transcripts that grow between their imports, and are then imported by two at once."""
        for number in turns(self._stopped):
            path = write_transcript(self._folder, f"growing-{number}", ENTRIES // 2)
            await self._import(path)
            write_transcript(self._folder, f"growing-{number}", ENTRIES)
            await asyncio.gather(self._import(path), self._import(path))
            self.done.append(path)
            await asyncio.sleep(IMPORT_PAUSE_SECONDS)

    async def _import_by_command(self) -> None:
        """By the command, whose process is killed too."""
        for number in turns(self._stopped):
            path = write_transcript(self._folder, f"command-{number}", ENTRIES)
            for attempt in count():
                code = await self._run_command(path, IMPORTER_LIVES_SECONDS if attempt == 0 else None)
                if code == ExitCode.OK:
                    break
                if code not in (ExitCode.FAILED, ExitCode.UNREACHABLE, None):
                    raise AssertionError(f"the import of {path.name} ended with {code}")
                await asyncio.sleep(10 * PAUSE_SECONDS)
            self.done.append(path)
            await asyncio.sleep(COMMAND_PAUSE_SECONDS)

    async def _run_command(self, path: Path, lives_seconds: float | None) -> int | None:
        """The exit code of the command, or None when it was killed."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SESSIOND_")}
        process = await asyncio.create_subprocess_exec(
            *(SESSIOND, "import", str(path), "--address", self._address),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=inherited,
        )
        try:
            return await asyncio.wait_for(process.wait(), lives_seconds)
        except TimeoutError:
            # It may have ended in this very moment, by itself.
            with suppress(ProcessLookupError):
                process.kill()
            code = await process.wait()
            return None if code < 0 else code

    async def _import(self, path: Path) -> None:
        """Imports a transcript, as the command does, until that succeeds."""
        while True:
            run = ImportRun([path], as_json=True)
            try:
                await run.carry_out(self._client)
            except (ServerUnavailableError, DeadlineExceededError):
                await asyncio.sleep(10 * PAUSE_SECONDS)
                continue
            if run.problems:
                raise CommandError(f"the import of {path.name} left {run.problems} entries out")
            return


def write_transcript(folder: Path, name: str, entries: int) -> Path:
    """Makes a transcript of so many entries, of which a longer one has all of a shorter one."""
    session = str(UUID(bytes=name.encode().ljust(16, b"\0")[:16]))
    path = folder / f"{name}.jsonl"
    lines = [json.dumps(entry).replace(SESSION, session) for entry in _entries(entries)]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def _entries(number: int) -> Iterator[dict[str, Any]]:
    parent = None
    for index in range(number):
        uuid, call = f"u{index}", f"call-{index - index % 3}"
        match index % 3:
            case 0:
                yield claude_assistant(uuid, {"type": "text", "text": "x" * index}, tool_use(call), parent=parent)
            case 1:
                yield claude_user(uuid, [tool_result(call, f"output {index}")], parent)
            case _:
                yield claude_user(uuid, f"question {index}", parent)
        parent = uuid


async def import_violations(paths: Sequence[Path], stored: Mapping[str, StoredSession]) -> list[str]:
    """In what sessions that were imported differ from the same imports into a fresh store."""
    transcripts: list[Transcript] = [open_transcript(path) for path in paths]
    with tempfile.TemporaryDirectory(prefix="sessiond-imports-") as name:
        folder = Path(name)
        migrate(folder / DATABASE_NAME)
        fresh_store = await SqliteStore.open(folder, durability="normal")
        for transcript in transcripts:
            await import_transcript(fresh_store, transcript)
        await fresh_store.close()
        fresh = stored_sessions(folder)
    found: list[str] = []
    for session_id in sorted({transcript.session_id for transcript in transcripts}):
        found += _differences(session_id, fresh[session_id], stored.get(session_id))
    return found


def _differences(session_id: str, fresh: StoredSession, stored: StoredSession | None) -> Iterator[str]:
    if stored is None:
        yield f"{session_id}: imported, and not there"
        return
    for field in fields(StoredSession):
        if getattr(fresh, field.name) != getattr(stored, field.name):
            yield f"{session_id}: the {field.name} are not those of an import into a fresh store"
