"""Short ways to make and to read the sessions of the store's tests."""

from sessiond.store.sqlite.engine import SqliteStore
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import Session, SessionConfig, SessionInfo
from tests.builders import commit

__all__ = ["create", "fragments_of", "info", "listed", "merged", "submit"]


async def create(store: SqliteStore, session_id: str = "s", config: SessionConfig | None = None) -> Session:
    """Makes a session."""
    request = pb.CreateSessionRequest(session_id=session_id, config=config)
    return (await store.create_session(request)).session


async def submit(store: SqliteStore, *mutations: pb.Mutation, session_id: str = "s") -> list[pb.MutationResult]:
    """Applies one commit."""
    return list((await store.submit(commit(session_id, *mutations))).results)


async def fragments_of(store: SqliteStore, session_id: str = "s", *, omit_content: bool = False) -> list[Session]:
    """The fragments of a session."""
    request = pb.GetSessionRequest(session_id=session_id, omit_content=omit_content)
    return [fragment.session async for fragment in store.get_session(request)]


async def merged(store: SqliteStore, session_id: str = "s") -> Session:
    """A whole session."""
    session = Session()
    for fragment in await fragments_of(store, session_id):
        session.MergeFrom(fragment)
    return session


async def info(store: SqliteStore, session_id: str = "s") -> SessionInfo:
    """A session as lists show it."""
    request = pb.ListSessionsRequest(filter=pb.SessionFilter(id_prefix=session_id))
    (found,) = [item for item in (await store.list_sessions(request)).sessions if item.id == session_id]
    return found


async def listed(store: SqliteStore, request: pb.ListSessionsRequest) -> list[str]:
    """The ids of a page."""
    return [session.id for session in (await store.list_sessions(request)).sessions]
