"""Walks over the sessions with a label that many have, in the order of their updates or of their numbers of messages.

The cold sessions are walked by the index of their labels in that order, the hot ones one by one; see label_horizon.
"""

import sqlite3

from sessiond.store.errors import CorruptedError
from sessiond.store.sqlite.label_horizon import AT_ONCE, HOT_SESSIONS, Horizon, count_hot, read_horizon
from sessiond.store.sqlite.listing_conditions import Conditions, Label, Span
from sessiond.store.sqlite.session_rows import COLUMNS_OF_S, SessionRow
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["horizon_for", "walk_by_horizon"]

MOST_HOT = 4 * (HOT_SESSIONS + AT_ONCE)
"""A list by messages has to look at all that are hot. Where more are, until the horizon has come to them, it is quicker
to walk over all sessions."""

_UPDATED = "updated_at_us"
_INDEXES = {_UPDATED: "session_metadata_by_update", "message_count": "session_metadata_by_messages"}


def horizon_for(connection: sqlite3.Connection, column: str) -> Horizon | None:
    """The horizon, by which a list in this order is to be walked; None where it is quicker without.

    Raises CorruptedError.
    """
    horizon = read_horizon(connection)
    if column != _UPDATED and count_hot(connection, horizon, MOST_HOT + 1) > MOST_HOT:
        return None
    return horizon


def walk_by_horizon(
    connection: sqlite3.Connection,
    request: pb.ListSessionsRequest,
    column: str,
    labels: list[Label],
    horizon: Horizon,
    span: Span,
) -> list[SessionRow]:
    """The sessions of a part of the list; they have all these labels, of which the first is the rarest.

    Raises CorruptedError.
    """
    hot = Conditions(column, source="sessions s INDEXED BY sessions_by_updated_at")
    hot.add_labels(labels)
    hot.add("(s.updated_at_us, s.session_key) > (?, ?)", *horizon)
    cold = Conditions(column)
    cold.walk_label(labels[0], _INDEXES[column])
    cold.add_range(f"m.{column} IS NOT NULL")
    cold.add_labels(labels[1:])
    # What was cold once and is hot has its old place in the index.
    cold.add("(s.updated_at_us, s.session_key) <= (?, ?)", *horizon)
    for conditions in (hot, cold):
        conditions.add_filter(request.filter)
        conditions.begin_after(span.after, ascending=request.ascending)
    direction = "ASC" if request.ascending else "DESC"
    order = f"ORDER BY 1 {direction}, 2 {direction}"
    parts = [hot, cold]
    if column == _UPDATED:
        # One after the other: all that is hot was updated after all that is cold, and the second part is looked at
        # when the first one does not fill the page. LIMIT: without one the order could be left out.
        if request.ascending:
            parts.reverse()
        query = " UNION ALL ".join(f"SELECT * FROM ({_select(part)} {order} LIMIT -1)" for part in parts)  # noqa: S608
    else:
        query = f"{' UNION ALL '.join(map(_select, parts))} {order}"
    values = [value for part in parts for value in part.all_values]
    found = connection.execute(f"{query} LIMIT ? OFFSET ?", (*values, span.limit, span.offset)).fetchall()
    return [_row(column, *columns) for columns in found]


def _select(conditions: Conditions) -> str:
    return f"SELECT {conditions.place}, {COLUMNS_OF_S} FROM {conditions.source} WHERE {conditions.where}"  # noqa: S608


def _row(column: str, value: int, key: int, *columns: object) -> SessionRow:
    row = SessionRow.of(columns)
    if (getattr(row, column), row.session_key) != (value, key):
        raise CorruptedError("an index of sessions")
    return row
