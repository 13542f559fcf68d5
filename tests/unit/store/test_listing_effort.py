"""What a page of a list costs does not depend on how many sessions there are."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sessiond.store.sqlite import session_listing
from sessiond.store.sqlite.session_listing import list_sessions
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.benchmarks.scale.contents import Contents
from tests.benchmarks.scale.filling import fill

CREATED = pb.SessionOrder.SESSION_ORDER_CREATED_AT
UPDATED = pb.SessionOrder.SESSION_ORDER_UPDATED_AT
COUNT = pb.SessionOrder.SESSION_ORDER_MESSAGE_COUNT

FEW, MANY = 1500, 6000
STEPS_A_CALL = 50


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Databases of few and of many sessions of the same kind."""
    folder = tmp_path_factory.mktemp("filled")
    paths = {sessions: folder / f"{sessions}.db" for sessions in (FEW, MANY)}
    for sessions, path in paths.items():
        fill(path, Contents(sessions, events=1))
    return paths


def effort(path: Path, request: pb.ListSessionsRequest) -> int:
    """About how many steps SQLite takes for a page and the next one, both full."""
    calls = 0

    def count() -> int:
        nonlocal calls
        calls += 1
        return 0

    with closing(sqlite3.connect(path)) as connection:
        connection.set_progress_handler(count, STEPS_A_CALL)
        first = list_sessions(connection, request)
        second = pb.ListSessionsRequest()
        second.CopyFrom(request)
        second.page_token = first.next_page_token
        found = [len(page.sessions) for page in (first, list_sessions(connection, second))]
    assert [request.page_size] * 2 == found
    return calls * STEPS_A_CALL


@pytest.mark.parametrize("ascending", [False, True])
@pytest.mark.parametrize(
    ("order", "metadata"),
    [
        *((order, metadata) for order in (CREATED, UPDATED, COUNT) for metadata in ({}, {"team": "team-1"})),
        # The sessions with a label may lie anywhere: newest, oldest, or far between.
        *((order, {"era": era}) for order in (CREATED, UPDATED, COUNT) for era in ("era-0", "era-5", "era-9")),
        *((order, {"language": "language-3"}) for order in (UPDATED, COUNT)),
        (CREATED, {"ticket": "ticket-0"}),
    ],
)
def test_many_sessions_cost_no_more_than_few(
    filled: dict[int, Path],
    monkeypatch: pytest.MonkeyPatch,
    order: pb.SessionOrder,
    metadata: dict[str, str],
    ascending: bool,
) -> None:
    """Only what is on the page is looked at, also where too many have the label to look up all of them."""
    monkeypatch.setattr(session_listing, "SELECTIVE_MATCHES", 50)
    request = pb.ListSessionsRequest(
        order_by=order, ascending=ascending, page_size=20, filter=pb.SessionFilter(metadata=metadata)
    )
    assert effort(filled[MANY], request) < effort(filled[FEW], request) * 1.2
