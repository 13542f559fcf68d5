"""The status of a refusal that is like the one before."""

import weakref

import pytest

from sessiond.interceptors.last_status import LastStatus
from sessiond.interceptors.statuses import internal_status, status_of
from sessiond.store import errors
from sessionstore.v1.error_reason_pb2 import ErrorReason
from tests.unit.interceptors.test_statuses import TABLE

REFUSALS = [error for error, *_ in TABLE]


@pytest.mark.parametrize("before", REFUSALS, ids=[type(error).__name__ for error in REFUSALS])
def test_each_error_has_its_own_status_whatever_was_refused_before(before: errors.StoreError) -> None:
    """Code, message and details are what they would be without a memory."""
    for error in REFUSALS:
        last = LastStatus()
        assert status_of(before) == last.of(before)
        assert status_of(error) == last.of(error)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (errors.NotFoundError.session("a"), errors.NotFoundError.session("b")),
        (errors.NotFoundError.session("a"), errors.NotFoundError("session", "a", errors.DrainingError().reason)),
        (
            errors.InvalidRequestError("no", ErrorReason.ERROR_REASON_MALFORMED_REQUEST),
            errors.StorageUnavailableError("no"),
        ),
        (
            errors.StorageUnavailableError("gone"),
            errors.StorageUnavailableError("full"),
        ),
        (errors.TooLargeError("a", 2, 1), errors.TooLargeError("a", 3, 1)),
    ],
    ids=["id", "reason", "class", "message", "facts"],
)
def test_what_differs_in_one_thing_is_not_alike(one: errors.StoreError, other: errors.StoreError) -> None:
    """Nobody is told what belongs to another refusal."""
    last = LastStatus()
    first = last.of(one)
    assert first != last.of(other)
    assert status_of(other) == last.of(other)


def test_one_that_is_alike_is_made_once() -> None:
    """A flood of refusals that all say the same costs one."""
    last = LastStatus()
    assert last.of(errors.NotFoundError.session("a")) is last.of(errors.NotFoundError.session("a"))


def test_what_nobody_foresaw_tells_nothing() -> None:
    """As without a memory."""
    assert internal_status() == LastStatus().of(RuntimeError("secret"))


def test_where_an_error_was_raised_is_let_go_of() -> None:
    """A stream may live for days, and the frames hold the writes of everybody."""

    class Held:
        pass

    def refuse() -> tuple[errors.StoreError, "weakref.ref[Held]"]:
        held = Held()
        try:
            raise errors.BusyError
        except errors.BusyError as error:
            return error, weakref.ref(held)

    last = LastStatus()
    error, held = refuse()
    last.of(error)
    del error
    assert held() is None
