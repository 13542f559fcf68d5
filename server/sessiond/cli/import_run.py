"""One run of the import command: the files, their problems, and what came of them."""

import stat
import sys
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from sessiond.cli.exits import CommandError, ExitCode
from sessiond.cli.output import console, print_json
from sessiond.cli.text import one_line, visible
from sessiond.contract.limits import Limits
from sessiond.importers import ImportTally, Step, Transcript, find_transcripts
from sessionstore import AsyncSessionStore
from sessionstore.errors import (
    LimitReachedError,
    ServerOutOfMemoryError,
    ServerUnavailableError,
    SessionAlreadyExistsError,
    SessionNotFoundError,
    SessionStoreError,
    StorageFullError,
    StorageUnavailableError,
    TooLargeError,
    error_from_status,
)
from sessionstore.v1.session_pb2 import SessionConfig
from sessionstore.v1.session_store_service_pb2 import CommitRequest, CreateSessionRequest

__all__ = ["ImportRun"]

_OF_ALL_ENTRIES = (
    LimitReachedError,
    ServerOutOfMemoryError,
    ServerUnavailableError,
    SessionNotFoundError,
    StorageFullError,
    StorageUnavailableError,
)
"""Why the daemon may refuse an entry that is as good as any other."""

HEADINGS = ("entries", "messages", "tool calls", "events", "customs", "skipped", "invalid", "new", "already there")


@dataclass(slots=True)
class _File:
    """One transcript, and what came of it."""

    transcript: Transcript
    tally: ImportTally = field(default_factory=ImportTally)
    refused: int = 0
    """Entries that the daemon did not take."""
    was_ended: bool = False
    """Whether it refused one of them for a reason that holds for those after it, too."""


class ImportRun:
    """Imports files one after another.

    Attributes:
        problems: The number of entries, files and folders that were left out.
    """

    def __init__(self, paths: Iterable[Path], *, as_json: bool) -> None:
        self.problems = 0
        self._as_json = as_json
        self._files: list[_File] = []
        self._passed_over: set[str] = set()
        self._paths = list(paths)
        for path in self._paths:
            _check_kind(path)

    def check(self) -> None:
        """Reads everything without writing anything. Raises CommandError when anything is wrong."""
        for transcript in self._transcripts():
            deque(self._steps(transcript, Limits()), maxlen=0)
        if self.problems:
            raise CommandError(f"{self.problems} problems, see above; nothing was imported", ExitCode.INCOMPLETE)

    async def carry_out(self, client: AsyncSessionStore) -> None:
        """Imports all files; what cannot be read is reported, and the rest goes on."""
        served = (await client.get_server_info()).limits
        limits = Limits(max_item_bytes=served.max_item_bytes)
        with _progress() as progress:
            for transcript in self._transcripts():
                await self._import_file(client, _File(transcript), limits, progress)

    def print_summary(self) -> None:
        """What each file held, and what of it was new."""
        if self._as_json:
            for file in self._files:
                print_json(_as_dict(file))
            return
        if not self._files:
            return
        table = Table(box=None, pad_edge=False)
        table.add_column("file", overflow="fold")
        for heading in HEADINGS:
            table.add_column(heading, justify="right")
        for file in self._files:
            held = file.transcript.summary
            numbers = (
                held.entries,
                held.adds.messages,
                held.adds.tool_calls,
                held.adds.events,
                held.adds.customs,
                held.skipped,
                held.invalid + file.refused,
                _stored(file.tally.new),
                _stored(file.tally.present),
            )
            table.add_row(one_line(file.transcript.name, 200), *map(str, numbers))
        console().print(table)
        for file in self._files:
            sys.stdout.write(f"{visible(f'{file.transcript.name}: session {file.transcript.session_id}')}\n")

    def _transcripts(self) -> Iterator[Transcript]:
        found = 0
        for file in find_transcripts(self._paths):
            if file.transcript is not None:
                found += 1
                yield file.transcript
            elif file.was_named or not file.was_read:
                self._problem(str(file.error))
            else:
                self._pass_over(str(file.error))
        if not found and not self.problems:
            raise CommandError("found no transcripts; name files, or folders that hold some", ExitCode.USAGE)

    async def _import_file(self, client: AsyncSessionStore, file: _File, limits: Limits, progress: Progress) -> None:
        problems = self.problems
        steps = self._steps(file.transcript, limits)
        first = next((step for step in steps if step.commit is not None), None)
        if first is None:
            # It has changed since its format was told; a session of nothing would look like success.
            if self.problems == problems:
                self._problem(f"{file.transcript.path}: not one entry could be read, so no session was made")
            return
        try:
            await _create_session(client, file.transcript.create, limits)
        except (SessionAlreadyExistsError, LimitReachedError, TooLargeError) as error:
            # Of this session alone; those of the other files may well be there.
            self._problem(f"{file.transcript.path}: {error}")
            return
        self._files.append(file)
        task = progress.add_task(one_line(file.transcript.path.name, 40), total=file.transcript.size_bytes)
        waiting: deque[Step] = deque()

        async def commits() -> AsyncIterator[CommitRequest]:
            for step in chain((first,), steps):
                if file.was_ended:
                    return
                if step.commit is not None:
                    waiting.append(step)
                    yield step.commit
                progress.update(task, completed=step.end_offset)

        async for outcome in client.write(commits()):
            step = waiting.popleft()
            if outcome.WhichOneof("outcome") == "result":
                file.tally.count(step, outcome.result)
            else:
                self._refused(file, step, error_from_status(outcome.error))
        progress.remove_task(task)

    def _refused(self, file: _File, step: Step, error: SessionStoreError) -> None:
        file.refused += 1
        if file.was_ended:
            # It was on its way when the daemon refused one before it.
            return
        file.was_ended = isinstance(error, _OF_ALL_ENTRIES)
        # Were it gone on with, an entry that is taken after all would stand before those that were not, for ever.
        rest = "; the rest of the file is not imported" if file.was_ended else ""
        self._report(file.transcript.path, step.line, f"{error}{rest}")

    def _steps(self, transcript: Transcript, limits: Limits) -> Iterator[Step]:
        """The steps of a transcript; what cannot be read is reported, also when the file ends so."""
        steps = transcript.steps(limits)
        while True:
            try:
                step = next(steps, None)
            except OSError as error:
                self._problem(f"{transcript.path}: {error.strerror or error}")
                return
            if step is None:
                return
            if step.problem is not None:
                self._report(transcript.path, step.line, step.problem.error)
            yield step

    def _pass_over(self, message: str) -> None:
        """A folder of transcripts holds other files too. A strict import meets them twice, and tells of them once."""
        if message not in self._passed_over:
            self._passed_over.add(message)
            sys.stderr.write(f"skipped: {visible(message)}\n")

    def _report(self, path: Path, line: int, message: str) -> None:
        self._problem(f"{path}:{line}: {message}")

    def _problem(self, message: str) -> None:
        self.problems += 1
        sys.stderr.write(f"{visible(message)}\n")


async def _create_session(client: AsyncSessionStore, create: CreateSessionRequest, limits: Limits) -> None:
    config = SessionConfig()
    config.CopyFrom(create.config)
    if config.ByteSize() > limits.max_item_bytes:
        # The instructions to the model may be as long as anything; the entry that they are from is kept.
        config.ClearField("system_prompt")
    try:
        await client.create_session(config, session_id=create.session_id)
    except SessionAlreadyExistsError as error:
        # One with another configuration is of an earlier version; what is new is added all the same. An archived one
        # takes nothing.
        try:
            await client.get_session(create.session_id, omit_content=True)
        except SessionNotFoundError:
            raise error from None


def _check_kind(path: Path) -> None:
    """Raises CommandError for what is neither a file nor a folder.

    A transcript is read more than once, and a pipe can be read only once; opening one may take for ever.
    """
    shown = visible(str(path))
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise CommandError(f"there is no file or folder {shown}", ExitCode.USAGE) from None
    except OSError as error:
        raise CommandError(f"{shown}: {error.strerror or error}", ExitCode.USAGE) from error
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise CommandError(
            f"{shown} is not a regular file: save what it gives to a file and import that", ExitCode.USAGE
        )


@contextmanager
def _progress() -> Iterator[Progress]:
    """A progress bar on a terminal, and nothing elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    screen = Console(file=sys.stderr)
    with Progress(*columns, console=screen, transient=True, disable=not sys.stderr.isatty()) as progress:
        yield progress


def _stored(additions: Any) -> int:
    """The messages, tool calls and events together."""
    return int(additions.messages + additions.tool_calls + additions.events + additions.customs)


def _as_dict(file: _File) -> dict[str, Any]:
    return {
        "file": str(file.transcript.path),
        "format": file.transcript.format_name,
        "session_id": file.transcript.create.session_id,
        **file.transcript.summary.as_dict(),
        "refused": file.refused,
        "new": asdict(file.tally.new),
        "already_there": asdict(file.tally.present),
    }
