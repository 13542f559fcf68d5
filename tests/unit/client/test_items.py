"""The iterator over what a call answers: its end is that of the answer, and of nothing less."""

from collections.abc import AsyncGenerator

import grpc
import pytest

from sessionstore import Items, SessionStoreError
from sessionstore.errors import ServerUnavailableError


async def breaking() -> AsyncGenerator[list[int], None]:
    yield [1, 2]
    raise ServerUnavailableError("the server went away", code=grpc.StatusCode.UNAVAILABLE)


async def test_who_reads_on_after_a_failure_is_not_told_of_an_end() -> None:
    """Else what came before the failure would pass for the whole."""
    items = Items(breaking())
    assert [1, 2] == [await anext(items), await anext(items)]
    with pytest.raises(ServerUnavailableError):
        await anext(items)
    for _ in range(2):
        with pytest.raises(SessionStoreError, match="begin it anew") as told:
            await anext(items)
        # A loop that repeats what is unavailable must not go round for ever.
        assert (SessionStoreError, grpc.StatusCode.FAILED_PRECONDITION) == (type(told.value), told.value.code)
    await items.aclose()
    assert [] == [item async for item in items]
