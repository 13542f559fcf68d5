"""Imports a transcript into a store, as the command does into a server."""

from contextlib import suppress

from sessiond.importers import ImportTally, Transcript
from sessiond.store.errors import AlreadyExistsError
from sessiond.store.sqlite.engine import SqliteStore

__all__ = ["import_transcript"]


async def import_transcript(store: SqliteStore, transcript: Transcript) -> ImportTally:
    """Creates the session where it is new, applies every commit, and says what was new."""
    with suppress(AlreadyExistsError):
        await store.create_session(transcript.create)
    tally = ImportTally()
    for step in transcript.steps():
        if step.commit is not None:
            tally.count(step, await store.submit(step.commit))
    return tally
