"""The write that removes the oldest events of a session."""

from sessiond.store.errors import NotFoundError
from sessiond.store.sqlite.event_index import drop_entries
from sessiond.store.sqlite.operations import Operation
from sessiond.store.sqlite.publication import Publication
from sessiond.store.sqlite.session_rows import SessionRow
from sessiond.store.sqlite.transaction import WriteTransaction
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["TRIMMED_AT_ONCE", "TRIMMED_BYTES_AT_ONCE", "DeleteEventsBefore"]

TRIMMED_AT_ONCE = 4000
"""So many events go in one transaction, in some forty milliseconds: everybody's writes wait for it. With fewer it takes
longer in all, since each transaction changes some of the same pages again."""

TRIMMED_BYTES_AT_ONCE = 16 * 1024 * 1024
"""Of large events only as many as hold so much, or one: to give back the pages of one SQLite has to read each."""


class DeleteEventsBefore(Operation[pb.DeleteEventsBeforeResponse]):
    """Deletes the events before a sequence, the oldest of them; the counter of sequences stays where it is.

    Where they are too many for one transaction, `rest` deletes the others.
    """

    frees_room = True

    _SIZES = """
        SELECT sequence, coalesce(length(payload), 0) FROM events
        WHERE session_key = ? AND sequence < ? ORDER BY sequence
    """
    _DELETE = "DELETE FROM events WHERE session_key = ? AND sequence < ?"

    def __init__(self, request: pb.DeleteEventsBeforeRequest, session_key: int | None = None) -> None:
        """With a key, of that session only, whichever has the id by now."""
        self._request = request
        self._session_key = session_key
        self.rest: DeleteEventsBefore | None = None
        """What is still to be applied, as of the last time that this was; None when all events are deleted."""

    def apply(self, transaction: WriteTransaction) -> pb.DeleteEventsBeforeResponse:
        """See Operation. Raises NotFoundError."""
        row = transaction.session(self._request.session_id)
        if self._session_key not in (None, row.session_key):
            raise NotFoundError.session(self._request.session_id)
        end = min(self._request.before_sequence, row.next_event)
        before = min(end, row.first_event + TRIMMED_AT_ONCE)
        deleted = 0
        if before > row.first_event:
            before, freed_bytes = self._as_far_as_is_short(transaction, row, before)
            drop_entries(transaction.connection, row.session_key, before)
            deleted = transaction.connection.execute(self._DELETE, (row.session_key, before)).rowcount
            row.stored_bytes -= freed_bytes
            transaction.trim_events(row, before)
            transaction.changed(row)
            transaction.publish(row.session_key, Publication(trimmed=True))
        self.rest = None
        if before < end:
            # What is appended in the meantime stays.
            rest = pb.DeleteEventsBeforeRequest(session_id=row.id, before_sequence=end)
            self.rest = DeleteEventsBefore(rest, row.session_key)
        return pb.DeleteEventsBeforeResponse(deleted_count=deleted, first_available_sequence=row.first_event)

    def _as_far_as_is_short(self, transaction: WriteTransaction, row: SessionRow, before: int) -> tuple[int, int]:
        """Before which sequence to delete, where so many events may be too large together, and what that frees."""
        freed_bytes = 0
        sizes = transaction.connection.execute(self._SIZES, (row.session_key, before)).fetchall()
        for sequence, size_bytes in sizes:
            if sequence > row.first_event and freed_bytes + size_bytes > TRIMMED_BYTES_AT_ONCE:
                return sequence, freed_bytes
            freed_bytes += size_bytes
        return before, freed_bytes
