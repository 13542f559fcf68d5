"""What the driver's errors mean, in the terms of the store."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sessiond.store.errors import (
    CorruptedError,
    OutOfMemoryError,
    StorageFullError,
    StorageUnavailableError,
    StoreError,
)

__all__ = ["is_io_error", "is_read_only", "reading", "translate", "translated"]

_log = logging.getLogger(__name__)

_PRIMARY_CODE_MASK = 0xFF
_CORRUPTED = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    # What we store keeps all constraints, and is of the right types.
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
}
_NO_TEXT = "Could not decode to UTF-8"
"""How the driver's error begins for a text that is none; it has no code."""

_NO_NAME = ("no such column", "no such table", "has no column named", "cannot join using column")
"""In what the driver says of names that the schema lost by damage: the migrations made all that we use."""

_UNAVAILABLE = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}


def is_io_error(error: sqlite3.Error) -> bool:
    """Whether the operating system could not read, write or sync a file."""
    return _primary_code(error) == sqlite3.SQLITE_IOERR


def is_read_only(error: sqlite3.Error) -> bool:
    """Whether the database may not be written."""
    return _primary_code(error) == sqlite3.SQLITE_READONLY


def _primary_code(error: sqlite3.Error) -> int | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & _PRIMARY_CODE_MASK


def translate(error: sqlite3.Error) -> StoreError | None:
    """The store error that a driver error stands for, or None when it is a mistake of ours."""
    primary = _primary_code(error)
    if primary is None and str(error).startswith(_NO_TEXT):
        return CorruptedError("the database")
    if primary == sqlite3.SQLITE_ERROR and any(text in str(error) for text in _NO_NAME):
        return CorruptedError("the schema of the database")
    if primary == sqlite3.SQLITE_BUSY:
        return StorageUnavailableError(
            "another program has locked the store's database; end it, or wait until it is done, and repeat the call"
        )
    if primary == sqlite3.SQLITE_FULL:
        return StorageFullError()
    if primary in _CORRUPTED:
        return CorruptedError("the database")
    if primary in _UNAVAILABLE:
        return StorageUnavailableError()
    return None


@contextmanager
def reading() -> Iterator[None]:
    """Turns what Python makes of values that nobody stored into CorruptedError; its traceback is logged.

    A read was checked before it began: what is of the wrong type, or out of range, comes from a row.
    """
    try:
        yield
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        _log.warning("a stored value is not what was ever stored", exc_info=error)
        raise CorruptedError("what was read") from error


@contextmanager
def translated() -> Iterator[None]:
    """Turns the driver's errors into store errors; the original stays as the cause, for the log."""
    try:
        yield
    except MemoryError as error:
        _log.warning("storage: no memory")
        raise OutOfMemoryError from error
    except UnicodeDecodeError as error:
        # What the driver says of a name in the schema that is no text.
        _log.warning("storage: %s", error)
        raise CorruptedError("the schema of the database") from error
    except sqlite3.Error as error:
        meaning = translate(error)
        if meaning is None:
            raise
        _log.warning("storage: %s (%s)", error, getattr(error, "sqlite_errorname", "?"))
        raise meaning from error
