"""What gRPC logs and nobody has to know."""

import logging

import grpc

__all__ = ["leave_out_lost_answers"]


def leave_out_lost_answers() -> None:
    """Keeps gRPC from telling, as an error with a traceback, that an answer found nobody any more.

    That is how it takes a deadline that expires, or a client that leaves, while the status of a call is on its way and
    before gRPC's own bookkeeping has heard of it. At the level of debugging it is told all the same.
    """
    logging.getLogger("grpc._cython.cygrpc").addFilter(_tells_of_more)


def _tells_of_more(record: logging.LogRecord) -> bool:
    lost = record.exc_info is not None and isinstance(record.exc_info[1], grpc.aio.InternalError)
    return not lost or logging.getLogger(record.name).isEnabledFor(logging.DEBUG)
