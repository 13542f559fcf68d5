"""Who is told when the server shuts down."""

from collections.abc import AsyncIterator

import pytest

from sessiond.contract.limits import Limits
from sessiond.draining import Draining
from sessiond.services.write_stream import WriteStream
from sessiond.store.errors import DrainingError
from sessiond.store.sqlite.engine import SqliteStore
from sessiond.turns import Turns
from sessionstore.v1 import session_store_service_pb2 as pb


def test_each_is_told_once_it_is_set() -> None:
    draining, told = Draining(), []
    draining.tell(lambda: told.append("one"))
    draining.tell(lambda: told.append("two"))
    assert [] == told
    draining.set()
    assert ["one", "two"] == sorted(told)


def test_who_comes_later_is_told_at_once() -> None:
    draining, told = Draining(), []
    draining.set()
    draining.tell(lambda: told.append("late"))
    assert ["late"] == told


def test_who_is_forgotten_is_not_told() -> None:
    """And may be while others are told."""
    draining, told = Draining(), []

    def first() -> None:
        told.append("first")
        draining.forget(first)

    def left() -> None:
        told.append("left")

    draining.tell(first)
    draining.tell(left)
    draining.forget(left)
    draining.set()
    assert ["first"] == told


async def nothing() -> AsyncIterator[pb.WriteRequest]:
    """The requests of a client that ends its stream at once."""
    requests: list[pb.WriteRequest] = []
    for request in requests:
        yield request


async def test_a_stream_that_ended_is_not_kept(store: SqliteStore) -> None:
    """A flood of streams must leave nothing behind."""
    draining = Draining()
    assert [] == [response async for response in WriteStream(store, Limits(), draining, Turns()).responses(nothing())]
    assert not draining._calls


async def test_a_stream_that_comes_later_is_refused(store: SqliteStore) -> None:
    draining = Draining()
    draining.set()
    with pytest.raises(DrainingError):
        await anext(WriteStream(store, Limits(), draining, Turns()).responses(nothing()))
