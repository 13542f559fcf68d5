"""The write that removes the oldest events of a session."""

from sessiond.store.sqlite.event_index import drop_entries
from sessiond.store.sqlite.operations import Operation
from sessiond.store.sqlite.publication import Publication
from sessiond.store.sqlite.transaction import WriteTransaction
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["DeleteEventsBefore"]


class DeleteEventsBefore(Operation[pb.DeleteEventsBeforeResponse]):
    """Deletes the events before a sequence; the counter of sequences stays where it is."""

    frees_room = True

    _SIZE = "SELECT coalesce(sum(length(payload)), 0) FROM events WHERE session_key = ? AND sequence < ?"
    _DELETE = "DELETE FROM events WHERE session_key = ? AND sequence < ?"

    def __init__(self, request: pb.DeleteEventsBeforeRequest) -> None:
        self._session_id = request.session_id
        self._before = request.before_sequence

    def apply(self, transaction: WriteTransaction) -> pb.DeleteEventsBeforeResponse:
        """See Operation. Raises NotFoundError."""
        row = transaction.session(self._session_id)
        before = min(self._before, row.next_event)
        deleted = 0
        if before > row.first_event:
            (freed_bytes,) = transaction.connection.execute(self._SIZE, (row.session_key, before)).fetchone()
            drop_entries(transaction.connection, row.session_key, before)
            deleted = transaction.connection.execute(self._DELETE, (row.session_key, before)).rowcount
            row.stored_bytes -= freed_bytes
            transaction.trim_events(row, before)
            transaction.changed(row)
            transaction.publish(row.session_key, Publication(trimmed=True))
        return pb.DeleteEventsBeforeResponse(deleted_count=deleted, first_available_sequence=row.first_event)
