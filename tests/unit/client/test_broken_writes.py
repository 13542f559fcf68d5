"""A status that grpc.aio makes up when a write meets the end of its stream."""

import grpc
from grpc.aio import AioRpcError, Metadata

from sessionstore.errors import InternalServerError, ServerUnavailableError, error_from_call


def error(details: str) -> AioRpcError:
    return AioRpcError(grpc.StatusCode.INTERNAL, Metadata(), Metadata(), details)


def test_a_broken_write_counts_as_a_server_that_went_away() -> None:
    """It hides what the stream really ended with, and happens when a daemon is killed: the client tries again."""
    mapped = error_from_call(error("Internal error from Core"))
    assert isinstance(mapped, ServerUnavailableError)
    assert grpc.StatusCode.UNAVAILABLE == mapped.code


def test_an_internal_error_of_the_server_stays_one() -> None:
    """Nothing else of this status is tried again."""
    assert isinstance(error_from_call(error("the server failed unexpectedly")), InternalServerError)
