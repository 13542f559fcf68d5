"""Lists of sessions and of archives, by pages that begin after the last row of the page before."""

import sqlite3

from sessiond.contract.limits import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from sessiond.store.errors import CorruptedError
from sessiond.store.sqlite.index_copies import check_copies, check_order, has_few_sessions
from sessiond.store.sqlite.label_walks import horizon_for, walk_by_horizon
from sessiond.store.sqlite.listing_conditions import Conditions, Label, Span
from sessiond.store.sqlite.page_tokens import decode_token, encode_token, not_answered
from sessiond.store.sqlite.session_rows import (
    COLUMNS_OF_S,
    GONE_AT_US,
    ROW_COLUMNS,
    SessionRow,
    archive_infos,
    row_infos,
)
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["list_archives", "list_at_once", "list_sessions"]

PAGE_BYTES = 1024 * 1024
SELECTIVE_MATCHES = 1000
"""Up to so many sessions with a metadata pair, they are looked up and sorted; beyond, they are walked in their order.

In the order of creation they lie sorted beside the pair, and this is of no concern.
"""

FEW_SESSIONS = 1000
"""So many are looked at in about the time that a page of them takes."""

_ARE_MORE = "SELECT count(*) > ? FROM (SELECT 1 FROM sessions LIMIT ? + 1)"
"""Archived ones count: a walk over labels meets them, too."""

_NO_LIMIT = -1
_ORDER_COLUMNS = {
    pb.SessionOrder.SESSION_ORDER_UNSPECIFIED: "created_at_us",
    pb.SessionOrder.SESSION_ORDER_CREATED_AT: "created_at_us",
    pb.SessionOrder.SESSION_ORDER_UPDATED_AT: "updated_at_us",
    pb.SessionOrder.SESSION_ORDER_MESSAGE_COUNT: "message_count",
}
_ARCHIVES = f"""
    SELECT {ROW_COLUMNS} FROM sessions WHERE archived_at_us IS NOT NULL AND (archived_at_us, session_key) < (?, ?)
    ORDER BY archived_at_us DESC, session_key DESC LIMIT ?
"""  # noqa: S608 - our own names
_ALL_ARCHIVES = (GONE_AT_US, 0)
"""Where they end: the sessions that are deleted and not removed yet lie behind it."""
_INDEXES = {"updated_at_us": "sessions_by_updated_at", "message_count": "sessions_by_message_count"}
"""Of the orders whose index exists once."""


def list_sessions(connection: sqlite3.Connection, request: pb.ListSessionsRequest) -> pb.ListSessionsResponse:
    """A page of the live sessions that match. Raises CorruptedError, and InvalidFieldError for a bad page token."""
    column = _ORDER_COLUMNS[request.order_by]
    remaining = request.limit if request.HasField("limit") else _NO_LIMIT
    after, offset = None, request.offset
    if request.page_token:
        value, key, remaining = decode_token(request, request.page_token, 3)
        # To the database any other number below zero would be no limit at all.
        if remaining < _NO_LIMIT:
            raise not_answered()
        after, offset = (value, key), 0
    size = request.page_size or DEFAULT_PAGE_SIZE
    size = size if remaining == _NO_LIMIT else min(size, remaining)
    rows = _walk(connection, request, column, Span(after, offset, size + 1))
    _check_sorted(rows, column, ascending=request.ascending)
    response = pb.ListSessionsResponse()
    size_bytes = 0
    page = rows[:size]
    for row, info in zip(page, row_infos(connection, page), strict=True):
        size_bytes += info.ByteSize()
        if response.sessions and size_bytes > PAGE_BYTES:
            break
        response.sessions.append(info)
        last = row
    count = len(response.sessions)
    remaining = remaining if remaining == _NO_LIMIT else remaining - count
    if count and len(rows) > count and remaining != 0:
        response.next_page_token = encode_token(request, getattr(last, column), last.session_key, remaining)
    return response


def list_at_once(connection: sqlite3.Connection, request: pb.ListSessionsRequest) -> pb.ListSessionsResponse | None:
    """What `list_sessions` gives; None where many sessions may have to be looked at for it. Raises as that does."""
    if _is_searched_for(request) and connection.execute(_ARE_MORE, (FEW_SESSIONS, FEW_SESSIONS)).fetchone()[0]:
        return None
    return list_sessions(connection, request)


def _is_searched_for(request: pb.ListSessionsRequest) -> bool:
    """Whether a page may have to look at sessions that are not on it, up to all that there are."""
    chosen, column = request.filter, _ORDER_COLUMNS[request.order_by]
    by_creation = chosen.HasField("created_after") or chosen.HasField("created_before")
    by_update = chosen.HasField("updated_after") or chosen.HasField("updated_before")
    return (
        request.offset > MAX_PAGE_SIZE
        or len(chosen.metadata) > 1
        or chosen.HasField("status")
        or bool(chosen.id_prefix)
        or (by_creation and column != "created_at_us")
        or (by_update and column != "updated_at_us")
    )


def _walk(connection: sqlite3.Connection, request: pb.ListSessionsRequest, column: str, span: Span) -> list[SessionRow]:
    """The sessions of a part of the list. Raises CorruptedError."""
    counts = {label: _count_matches(connection, label) for label in request.filter.metadata.items()}
    labels = sorted(counts, key=lambda label: counts[label])
    by_creation = column == "created_at_us"
    is_selective = bool(labels) and (by_creation or counts[labels[0]] <= SELECTIVE_MATCHES)
    if labels and not is_selective and not has_few_sessions(connection):
        horizon = horizon_for(connection, column)
        if horizon is not None:
            return walk_by_horizon(connection, request, column, labels, horizon, span)
    conditions = Conditions(column)
    if is_selective:
        conditions.walk_label(labels.pop(0))
        conditions.copied = ("session_metadata m", "session_metadata_by_value")
    elif by_creation:
        conditions.copied = ("sessions s", "sessions_by_created_at")
        conditions.range_terms.append("s.archived_at_us IS NULL")
    conditions.add_labels(labels)
    conditions.add_filter(request.filter)
    conditions.begin_after(span.after, ascending=request.ascending)
    order = conditions.order(ascending=request.ascending)
    query = f"SELECT {COLUMNS_OF_S} FROM {conditions.source} WHERE {conditions.where} {order} LIMIT ? OFFSET ?"  # noqa: S608
    found = connection.execute(query, (*conditions.all_values, span.limit, span.offset)).fetchall()
    rows = [SessionRow.of(columns) for columns in found]
    if by_creation and len(rows) == span.limit:
        last = rows[-1]
        end = f"({conditions.place}) {'<=' if request.ascending else '>='} (?, ?)"
        conditions.add_range(end, last.created_at_us, last.session_key)
    if conditions.copied is not None:
        walk = order if by_creation else ""
        check_copies(connection, *conditions.copied, conditions.range_terms, conditions.range_values, walk)
    else:
        check_order(connection, _INDEXES[column])
    return rows


def _count_matches(connection: sqlite3.Connection, label: Label) -> int:
    query = "SELECT count(*) FROM (SELECT 1 FROM session_metadata WHERE key = ? AND value = ? LIMIT ?)"
    return int(connection.execute(query, (*label, SELECTIVE_MATCHES + 1)).fetchone()[0])


def _check_sorted(rows: list[SessionRow], column: str, *, ascending: bool) -> None:
    """Raises CorruptedError where an index leads to a session twice, or to one that has another place."""
    places = [(getattr(row, column), row.session_key) for row in rows]
    later, earlier = (places[1:], places[:-1]) if ascending else (places[:-1], places[1:])
    if any(before >= after for before, after in zip(earlier, later, strict=True)):
        raise CorruptedError("the order of sessions")


def list_archives(
    connection: sqlite3.Connection, request: admin_pb.ListArchivesRequest
) -> admin_pb.ListArchivesResponse:
    """A page of the archived sessions, newest archive first.

    Raises CorruptedError, and InvalidFieldError for a bad page token.
    """
    start = _ALL_ARCHIVES
    if request.page_token:
        archived_at_us, session_key = decode_token(request, request.page_token, 2)
        start = min(start, (archived_at_us, session_key))
    size = request.page_size or DEFAULT_PAGE_SIZE
    rows = [SessionRow.of(found) for found in connection.execute(_ARCHIVES, (*start, size + 1))]
    terms, values = ["archived_at_us IS NOT NULL", "(archived_at_us, session_key) < (?, ?)"], [*start]
    if len(rows) > size:
        terms.append("(archived_at_us, session_key) >= (?, ?)")
        values += [rows[-1].archived_at_us or 0, rows[-1].session_key]
    order = "ORDER BY archived_at_us DESC, session_key DESC"
    check_copies(connection, "sessions", "sessions_by_archived_at", terms, values, order)
    response = admin_pb.ListArchivesResponse()
    size_bytes = 0
    for row, info in zip(rows[:size], archive_infos(connection, rows[:size]), strict=True):
        size_bytes += info.ByteSize()
        if response.archives and size_bytes > PAGE_BYTES:
            break
        response.archives.append(info)
        last = (row.archived_at_us or 0, row.session_key)
    if response.archives and len(rows) > len(response.archives):
        response.next_page_token = encode_token(request, *last)
    return response
