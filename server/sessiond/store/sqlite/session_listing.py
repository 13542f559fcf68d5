"""Lists of sessions and of archives, by pages that begin after the last row of the page before."""

import sqlite3
from dataclasses import dataclass, field

from sessiond.contract.limits import DEFAULT_PAGE_SIZE
from sessiond.contract.timestamps import ceil_us, floor_us
from sessiond.store.errors import CorruptedError
from sessiond.store.sqlite.index_copies import check_copies, check_order
from sessiond.store.sqlite.page_tokens import decode_token, encode_token
from sessiond.store.sqlite.session_rows import ROW_COLUMNS, SessionRow, archive_infos, row_infos
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb

__all__ = ["list_archives", "list_sessions"]

PAGE_BYTES = 1024 * 1024
SELECTIVE_MATCHES = 1000
"""Up to so many sessions with a metadata pair, they are looked up and sorted; beyond, the sorted order is walked.

In the order of creation they lie sorted beside the pair, and this is of no concern.
"""

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
_INDEXES = {"updated_at_us": "sessions_by_updated_at", "message_count": "sessions_by_message_count"}
"""Of the orders whose index exists once."""

_COLUMNS = ", ".join(f"s.{name.strip()}" for name in ROW_COLUMNS.split(","))


@dataclass(slots=True)
class _Conditions:
    """A FROM clause and a WHERE clause, with their values."""

    source: str = "sessions s"
    lead: str = "s"
    """The table that has the sorted column and the key, which breaks ties: the sessions, or their labels."""
    terms: list[str] = field(default_factory=lambda: ["s.archived_at_us IS NULL"])
    values: list[object] = field(default_factory=list)
    copied: tuple[str, str] | None = None
    """The index that exists twice and is walked over, after its table; None when another one is."""
    from_labels: bool = False
    """Whether the walk is over labels, and from there to the sessions."""
    range_terms: list[str] = field(default_factory=list)
    range_values: list[object] = field(default_factory=list)
    """The conditions that make the range of it."""

    def add(self, term: str, *values: object) -> None:
        self.terms.append(term)
        self.values += values

    def add_range(self, term: str, *values: object) -> None:
        self.range_terms.append(term)
        self.range_values += values

    @property
    def where(self) -> str:
        others = " AND ".join(self.terms)
        if self.from_labels:
            # A session that is not there is not to be left out: its row is damaged.
            others = f"(s.session_key IS NULL OR ({others}))"
        return " AND ".join([*self.range_terms, others])

    @property
    def all_values(self) -> list[object]:
        return [*self.range_values, *self.values]

    def order(self, column: str, *, ascending: bool) -> str:
        direction = "ASC" if ascending else "DESC"
        return f"ORDER BY {self.lead}.{column} {direction}, {self.lead}.session_key {direction}"


def _conditions(connection: sqlite3.Connection, request: pb.ListSessionsRequest) -> _Conditions:
    conditions = _Conditions()
    chosen = request.filter
    by_creation = _ORDER_COLUMNS[request.order_by] == "created_at_us"
    _add_metadata(connection, conditions, dict(chosen.metadata), by_creation=by_creation)
    if by_creation and conditions.copied is None:
        conditions.copied = ("sessions s", "sessions_by_created_at")
        conditions.range_terms.append("s.archived_at_us IS NULL")
    add_created = conditions.add_range if by_creation else conditions.add
    for name, column, operator, convert, add in (
        ("created_after", f"{conditions.lead}.created_at_us", ">=", ceil_us, add_created),
        ("created_before", f"{conditions.lead}.created_at_us", "<=", floor_us, add_created),
        ("updated_after", "s.updated_at_us", ">=", ceil_us, conditions.add),
        ("updated_before", "s.updated_at_us", "<=", floor_us, conditions.add),
    ):
        if chosen.HasField(name):
            add(f"{column} {operator} ?", convert(getattr(chosen, name)))
    if chosen.HasField("status"):
        conditions.add("s.status = ?", int(chosen.status))
    if chosen.id_prefix:
        _add_prefix(conditions, chosen.id_prefix)
    return conditions


def _add_prefix(conditions: _Conditions, prefix: str) -> None:
    # Text compares byte by byte, which for UTF-8 is the order of the code points.
    conditions.add("s.id >= ? AND substr(s.id, 1, ?) = ?", prefix, len(prefix), prefix)
    code = ord(prefix[-1]) + 1
    code = 0xE000 if 0xD800 <= code <= 0xDFFF else code
    if code <= 0x10FFFF:
        conditions.add("s.id < ?", prefix[:-1] + chr(code))


def _add_metadata(
    connection: sqlite3.Connection, conditions: _Conditions, pairs: dict[str, str], *, by_creation: bool
) -> None:
    counts = {pair: _count_matches(connection, *pair) for pair in pairs.items()}
    rarest = min(counts, key=lambda pair: counts[pair], default=None)
    for pair in pairs.items():
        if pair == rarest and (by_creation or counts[pair] <= SELECTIVE_MATCHES):
            # LEFT JOIN keeps the order of the tables: the matches first, then their sessions.
            conditions.source = "session_metadata m LEFT JOIN sessions s ON s.session_key = m.session_key"
            conditions.from_labels = True
            conditions.copied = ("session_metadata m", "session_metadata_by_value")
            conditions.add_range("m.key = ? AND m.value = ?", *pair)
            if by_creation:
                # The index of the labels has them in this order: the walk ends when the page is full.
                conditions.lead = "m"
        else:
            conditions.add(
                "EXISTS (SELECT 1 FROM session_metadata x WHERE x.session_key = s.session_key AND x.key = ?"
                " AND x.value = ?)",
                *pair,
            )


def _count_matches(connection: sqlite3.Connection, key: str, value: str) -> int:
    query = "SELECT count(*) FROM (SELECT 1 FROM session_metadata WHERE key = ? AND value = ? LIMIT ?)"
    return int(connection.execute(query, (key, value, SELECTIVE_MATCHES + 1)).fetchone()[0])


def list_sessions(connection: sqlite3.Connection, request: pb.ListSessionsRequest) -> pb.ListSessionsResponse:
    """A page of the live sessions that match. Raises CorruptedError, and InvalidFieldError for a bad page token."""
    column = _ORDER_COLUMNS[request.order_by]
    conditions = _conditions(connection, request)
    place = f"({conditions.lead}.{column}, {conditions.lead}.session_key)"
    by_creation = column == "created_at_us"
    remaining = request.limit if request.HasField("limit") else _NO_LIMIT
    offset = request.offset
    if request.page_token:
        offset = 0
        value, key, remaining = decode_token(request, request.page_token, 3)
        add = conditions.add_range if by_creation else conditions.add
        add(f"{place} {'>' if request.ascending else '<'} (?, ?)", value, key)
    size = request.page_size or DEFAULT_PAGE_SIZE
    size = size if remaining == _NO_LIMIT else min(size, remaining)
    order = conditions.order(column, ascending=request.ascending)
    query = f"SELECT {_COLUMNS} FROM {conditions.source} WHERE {conditions.where} {order} LIMIT ? OFFSET ?"  # noqa: S608
    found = connection.execute(query, (*conditions.all_values, size + 1, offset)).fetchall()
    rows = [SessionRow.of(columns) for columns in found]
    _check_sorted(rows, column, ascending=request.ascending)
    if by_creation and len(rows) > size:
        last = rows[-1]
        end = f"{place} {'<=' if request.ascending else '>='} (?, ?)"
        conditions.add_range(end, last.created_at_us, last.session_key)
    if conditions.copied is not None:
        walk = order if by_creation else ""
        check_copies(connection, *conditions.copied, conditions.range_terms, conditions.range_values, walk)
    if not by_creation and not conditions.from_labels:
        check_order(connection, _INDEXES[column])
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
    start = decode_token(request, request.page_token, 2) if request.page_token else (2**63 - 1, 2**63 - 1)
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
