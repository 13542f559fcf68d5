"""What becomes of an error that a handler raises."""

import asyncio
import gc
import logging
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import grpc
import pytest

from sessiond.call_counts import CallCounts
from sessiond.interceptors.errors import ErrorInterceptor
from sessiond.store.errors import NotFoundError, OutOfMemoryError

INSIDE = "what only the log may tell"


class Details(grpc.HandlerCallDetails):
    """What gRPC tells an interceptor of a call."""

    method = "/service/Call"
    invocation_metadata = ()


class Context:
    """Notes what was answered and how a call was ended, as gRPC's own context would answer and end it."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.ended: tuple[grpc.StatusCode, str] | None = None

    async def write(self, answer: str) -> None:
        assert None is self.ended
        self.answers.append(answer)

    async def abort(self, code: grpc.StatusCode, details: str, _trailing_metadata: Any) -> None:
        assert None is self.ended
        self.ended = code, details
        raise grpc.aio.AbortError


async def guarded(kind: str, unary: Any, stream: Any, counts: CallCounts | None = None) -> Any:
    """One of the handlers, by the kind of its call, with the interceptor around it."""

    async def continuation(_: grpc.HandlerCallDetails) -> Any:
        make: Any = getattr(grpc, f"{kind}_rpc_method_handler")
        return make(unary if kind.endswith("_unary") else stream)

    handler = await ErrorInterceptor(counts or CallCounts()).intercept_service(continuation, Details())
    return getattr(handler, kind)


async def finish(kind: str, error: BaseException, context: Context, counts: CallCounts | None = None) -> list[str]:
    """Runs a guarded handler that raises an error, after an answer when it streams; returns what it answered."""

    async def unary(_request: Any, _context: Any) -> str:
        raise error

    async def stream(_request: Any, _context: Any) -> AsyncIterator[str]:
        yield "answer"
        raise error

    handler = await guarded(kind, unary, stream, counts)
    with suppress(grpc.aio.AbortError):
        await handler("request", context)
    return context.answers


KINDS = ["unary_unary", "unary_stream", "stream_unary", "stream_stream"]


@pytest.mark.parametrize("kind", KINDS)
async def test_an_error_of_the_store_ends_the_call_with_its_status(kind: str) -> None:
    """In the middle of a stream too, after what was answered before."""
    context = Context()
    assert ["answer"] * kind.endswith("_stream") == await finish(kind, NotFoundError.session("s"), context)
    assert (grpc.StatusCode.NOT_FOUND, "no session 's'") == context.ended


@pytest.mark.parametrize("kind", KINDS)
async def test_missing_memory_is_told_as_such(kind: str) -> None:
    """Wherever it was missed: nobody made a mistake."""
    context = Context()
    await finish(kind, MemoryError(), context)
    assert (grpc.StatusCode.RESOURCE_EXHAUSTED, str(OutOfMemoryError())) == context.ended


@pytest.mark.parametrize("kind", KINDS)
async def test_an_unforeseen_error_stays_in_the_log(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """The client learns INTERNAL and nothing of the text; the log has the traceback."""
    context = Context()
    await finish(kind, RuntimeError(INSIDE), context)
    assert context.ended is not None
    code, details = context.ended
    assert grpc.StatusCode.INTERNAL == code
    assert INSIDE not in details
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "/service/Call failed unexpectedly" == record.getMessage()
    assert record.exc_info is not None
    assert INSIDE == str(record.exc_info[1])


@pytest.mark.parametrize("kind", KINDS)
async def test_a_cancellation_passes_as_it_is(kind: str) -> None:
    """It is neither swallowed nor turned into a status."""
    context = Context()
    with pytest.raises(asyncio.CancelledError):
        await finish(kind, asyncio.CancelledError(), context)
    assert None is context.ended


@pytest.mark.parametrize("kind", KINDS)
async def test_a_call_that_its_handler_ended_is_ended_once(kind: str) -> None:
    """What gRPC raises to unwind the handler is no error of its own."""
    context = Context()
    await finish(kind, grpc.aio.AbortError(), context)
    assert None is context.ended


@pytest.mark.parametrize("kind", ["unary_stream", "stream_stream"])
async def test_a_client_that_is_gone_is_no_error(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """A write that gRPC cannot carry out ends the handler as a cancellation does, and nothing is logged or counted."""

    class Gone(Context):
        async def write(self, answer: str) -> None:
            raise grpc.aio.InternalError

    context, counts = Gone(), CallCounts()
    with pytest.raises(asyncio.CancelledError):
        await finish(kind, AssertionError("the handler went on"), context, counts)
    assert (None, {}, 0) == (context.ended, dict(counts.refusals), counts.open_calls)
    assert [] == caplog.records


class Request:
    """Something large."""


@pytest.fixture
def no_collections() -> Iterator[None]:
    """Nothing is collected meanwhile that references alone keep."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collections")
@pytest.mark.parametrize("kind", KINDS)
async def test_a_refused_call_is_let_go_of_at_once_with_its_request(kind: str) -> None:
    """What gRPC raises to end a call it keeps in the call itself: where that led back to it, both would stay.

    A flood of refusals left sixteen objects each, of which one collection took more than a second.
    """

    async def end(error: grpc.aio.AbortError) -> None:
        raise error

    class Call(Context):
        def abort(self, *_: object) -> Any:
            # What raises it is written in Cython, whose frames keep nothing.
            self.kept = grpc.aio.AbortError()
            return end(self.kept)

    async def unary(request: Request, _context: Any) -> str:
        made_of_it = [request]
        raise NotFoundError.session(str(len(made_of_it)))

    async def stream(request: Request, _context: Any) -> AsyncIterator[str]:
        made_of_it = [request]
        yield "answer"
        raise NotFoundError.session(str(len(made_of_it)))

    request, call = Request(), Call()
    seen: list[weakref.ref[Any]] = [weakref.ref(request), weakref.ref(call)]
    handling = (await guarded(kind, unary, stream))(request, call)
    del request, call

    with pytest.raises(grpc.aio.AbortError):
        await handling

    del handling
    assert [None, None] == [each() for each in seen]
