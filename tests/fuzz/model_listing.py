"""Which sessions a list shows, and in which order."""

from collections.abc import Iterable

from google.protobuf.timestamp_pb2 import Timestamp

from sessionstore.v1 import session_store_service_pb2 as pb
from tests.fuzz.model_sessions import ModelSession

__all__ = ["listed"]


def listed(sessions: Iterable[ModelSession], request: pb.ListSessionsRequest) -> list[ModelSession]:
    """The sessions, given in the order of their creation, that all pages of a list hold together."""
    found = [session for session in sessions if _matches(session, request.filter)]
    # Ties are broken by the order of creation, in the direction of the list.
    found.sort(key=lambda session: _key(session, request.order_by))
    if not request.ascending:
        found.reverse()
    found = found[request.offset :]
    return found[: request.limit] if request.HasField("limit") else found


def _key(session: ModelSession, order: int) -> int:
    match order:
        case pb.SessionOrder.SESSION_ORDER_UPDATED_AT:
            return session.updated_us
        case pb.SessionOrder.SESSION_ORDER_MESSAGE_COUNT:
            return len(session.messages)
        case _:
            return session.created_us


def _matches(session: ModelSession, wanted: pb.SessionFilter) -> bool:
    created, updated = session.created_us * 1000, session.updated_us * 1000
    return (
        (not wanted.HasField("created_after") or created >= _nanoseconds(wanted.created_after))
        and (not wanted.HasField("created_before") or created <= _nanoseconds(wanted.created_before))
        and (not wanted.HasField("updated_after") or updated >= _nanoseconds(wanted.updated_after))
        and (not wanted.HasField("updated_before") or updated <= _nanoseconds(wanted.updated_before))
        and (not wanted.HasField("status") or session.status == wanted.status)
        and dict(wanted.metadata).items() <= dict(session.config.metadata).items()
        and session.id.startswith(wanted.id_prefix)
    )


def _nanoseconds(time: Timestamp) -> int:
    return time.seconds * 1_000_000_000 + time.nanos
