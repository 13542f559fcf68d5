"""What the writer does about its files beside the transactions: checkpoints, failed syncs, files that went away.

Everything here runs in the thread of the writing connection.
"""

import filecmp
import logging
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sessiond.store.errors import StorageUnavailableError, StoreError
from sessiond.store.sqlite.connection import LOCK_PATIENCE_SECONDS
from sessiond.store.sqlite.errors import is_io_error, is_read_only
from sessiond.store.sqlite.file_presence import FilePresence
from sessiond.store.sqlite.log_file import LogFile
from sessiond.store.sqlite.reserve import Reserve
from sessiond.store.sqlite.unused_names import unused_name

__all__ = ["CHECKPOINT_FRAMES", "Upkeep"]

T = TypeVar("T")

CHECKPOINT_FRAMES = 1000
"""How many frames that are not in the database yet let a checkpoint begin."""

RESTART_FRAMES = 8 * CHECKPOINT_FRAMES
"""A log of so many frames is not begun anew because there is always somebody who reads; a checkpoint then waits."""

READER_PATIENCE_SECONDS = 0.5
"""For so long. Our own reads are done by then; another program may read for hours, such as one that makes a copy. Then
the next checkpoint to wait is that of a log of twice the size: writes wait for checkpoints."""

_log = logging.getLogger(__name__)


class Upkeep:
    """Looks after the files of one open database."""

    def __init__(self, database: Path, reserve: Reserve) -> None:
        """Begins with a database that was just opened, and written to. Raises OSError."""
        self._log = LogFile(database)
        # Opens what it needs now, while there are descriptors.
        self._log.size()
        self._tell_lost_transactions()
        self._presence = FilePresence(database, self._log.path)
        self._reserve = reserve
        self._reserve.fill()
        self._mistrusts_log = False
        self._due_frames = CHECKPOINT_FRAMES
        self._restart_frames = RESTART_FRAMES

    def _tell_lost_transactions(self) -> None:
        """Says that the log is damaged, and keeps it: the next write begins it anew, or goes on over what is lost."""
        lost = self._log.lost_transactions()
        if not lost:
            return
        _log.error(
            "the log of the newest writes is damaged, or the power was cut at durability normal: %d transactions or"
            " more are lost, and what they changed may be there in part; the log %s; stop the daemon and see"
            " `sessiond check`, or restore a copy",
            lost,
            self._keep_log(),
        )

    def _keep_log(self) -> str:
        """Copies it; says what became of that. A full disk is no reason to refuse the start."""
        log = self._log.path
        kept = log.with_name(f"{log.name}.damaged")
        try:
            for copy in sorted(log.parent.glob(f"{kept.name}*")):
                # As by a start before this one, after which nobody wrote.
                if filecmp.cmp(log, copy, shallow=False):
                    return f"is kept as {copy.name}"
            kept = unused_name(kept)
            _copy_whole(log, kept)
        except OSError as error:
            return f"could not be kept: {error.strerror}"
        return f"is kept as {kept.name}"

    def before_writing(self) -> None:
        """Makes sure that what is written is found later. Raises StorageUnavailableError and CorruptedError."""
        self._presence.check()
        if self._mistrusts_log:
            try:
                self._log.write_committed_again()
                self._log.checkpoint_anew()
            except OSError as error:
                _log.warning("the log could not be written again: %s", error.strerror)
                raise StorageUnavailableError from error
            self._mistrusts_log = False
            _log.warning("the log was written again, after a failure of the disk")

    def after_commit(self) -> None:
        """The same, before a commit is acknowledged."""
        self._presence.check()

    def failed(self, error: BaseException) -> None:
        """Notes that a statement failed: after a failed sync the operating system may forget what it was to write."""
        if isinstance(error, sqlite3.Error) and is_io_error(error):
            self._mistrusts_log = True

    def is_damage(self, error: BaseException) -> bool:
        """Whether an error comes from a head of the database that forbids writing, which nothing but damage does."""
        return isinstance(error, sqlite3.Error) and is_read_only(error) and not self._log.head.may_be_written()

    def checkpoint_is_due(self) -> bool:
        """Whether the log has grown enough; no, when that cannot be told: after a commit nothing must fail."""
        try:
            size = self._log.size()
        except Exception as error:  # noqa: BLE001 - whatever it is, the next group asks again
            _log.warning("the size of the log cannot be told: %s", error)
            return False
        return size.frames - size.checkpointed >= self._due_frames

    def checkpoint(self, connection: sqlite3.Connection) -> None:
        """Copies the log into the database; what fails is tried again when the log has grown as much once more."""
        frames = self._log.size().frames
        if frames < RESTART_FRAMES:
            self._restart_frames = RESTART_FRAMES
        if frames < self._restart_frames:
            self._checkpoint(connection, "PASSIVE")
        elif not self._checkpoint(connection, "RESTART"):
            self._restart_frames = 2 * frames

    def _checkpoint(self, connection: sqlite3.Connection, mode: str) -> bool:
        """Whether all of the log was copied, and nobody read behind it."""
        size = self._log.size()
        try:
            self.before_writing()
            with _patience(connection, READER_PATIENCE_SECONDS):
                is_busy, *_ = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        except (sqlite3.Error, MemoryError, StoreError) as error:
            self.failed(error)
            self._due_frames = size.frames - size.checkpointed + CHECKPOINT_FRAMES
            _log.warning("a checkpoint failed: %s", error)
            return False
        # What somebody still reads behind is not copied, and tried again when there is as much more.
        size = self._log.size()
        self._due_frames = size.frames - size.checkpointed + CHECKPOINT_FRAMES
        return not is_busy

    def with_reserve(self, connection: sqlite3.Connection, work: Callable[[], T]) -> T:
        """Does something that frees room in the database, with the room that is kept for that."""
        self._reserve.release()
        mode = "TRUNCATE"
        try:
            # So that the database's file has grown as far as it must before the log takes the rest.
            self._checkpoint(connection, "PASSIVE")
            done = work()
            # Else the log stays as long as it is, and what was freed is of no use to anybody.
            mode = "PASSIVE"
        finally:
            # What did not fit even so has left its room in the log's file.
            self._checkpoint(connection, mode)
            self._reserve.fill()
        return done

    def refill(self) -> None:
        """Takes the room for deletions again, where there is some."""
        self._reserve.fill()

    def prepare_to_close(self, connection: sqlite3.Connection) -> bool:
        """Whether the connection may be closed, which checkpoints: not with a log that may not be on the disk."""
        if self._presence.log_was_left():
            self._take_log_away(connection)
            return True
        if not self._mistrusts_log:
            return True
        try:
            self.before_writing()
        except StoreError as error:
            _log.error("the store is left as it is, for the next start to recover: %s", error)
            return False
        return True

    def _take_log_away(self, connection: sqlite3.Connection) -> None:
        """Leaves no log of a database that is elsewhere: whoever opens another one here would take it for its own.

        SQLite leaves it there when it closes a database that is not in its place. A start refuses to begin one beside
        it, and we have told that a restart does begin with what is there.
        """
        if self._empty_log(connection):
            return
        kept = unused_name(self._log.path.with_name(f"{self._log.path.name}.replaced"))
        try:
            self._log.path.replace(kept)
        except OSError as error:
            _log.error("remove %s, which belongs to the database that was here: %s", self._log.path, error)
            return
        _log.error("the newest writes to the database that was here are not in it; they are kept as %s", kept.name)

    def _empty_log(self, connection: sqlite3.Connection) -> bool:
        """Copies all of the log to where the database went; whether that was possible."""
        try:
            if self._mistrusts_log:
                self._log.write_committed_again()
                self._log.checkpoint_anew()
            is_busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except (sqlite3.Error, MemoryError, OSError, StoreError) as error:
            _log.warning("the log of a database that is elsewhere by now could not be copied: %s", error)
            return False
        return not is_busy

    def close(self) -> None:
        """To be called after the last connection is closed."""
        self._log.close()


def _copy_whole(file: Path, copy: Path) -> None:
    """Raises OSError, and leaves no part of it then."""
    try:
        shutil.copy(file, copy)
    except OSError:
        copy.unlink(missing_ok=True)
        raise


@contextmanager
def _patience(connection: sqlite3.Connection, seconds: float) -> Iterator[None]:
    """How long the statements of a block wait for locks."""
    connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(LOCK_PATIENCE_SECONDS * 1000)}")
