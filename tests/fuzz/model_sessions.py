"""One session of the model, and how it is shown."""

from collections.abc import Iterable
from copy import deepcopy
from typing import cast

from sessiond.contract.timestamps import from_us
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import Event, StoredEvent
from sessionstore.v1.message_pb2 import StoredMessage
from sessionstore.v1.session_pb2 import Session, SessionConfig, SessionInfo, SessionState, SessionStatus
from sessionstore.v1.tool_pb2 import ToolCallState

__all__ = ["ModelSession", "Refused", "redacted", "type_passes"]

INACTIVE = 1


class Refused(Exception):  # noqa: N818 - it is an answer
    """A call is refused for a reason of ErrorReason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ModelSession:
    """A session with everything in it. Times are in microseconds."""

    def __init__(self, session_id: str, request_id: str | None, config: SessionConfig, now_us: int) -> None:
        self.id = session_id
        self.request_id = request_id
        self.created_with = deepcopy(config)
        self.config = deepcopy(config)
        self.status = INACTIVE
        self.created_us = self.updated_us = now_us
        self.archived_us: int | None = None
        self.messages: list[StoredMessage] = []
        self.tool_calls: dict[str, ToolCallState] = {}
        self.events: list[StoredEvent] = []
        """Those that were not deleted."""
        self.next_event = self.first_event = 0
        self.active_message_id: str | None = None
        self.last_model: str | None = None
        self.approved_tools: list[str] = []
        self.approved_bash_patterns: list[str] = []

    @property
    def last_event(self) -> int | None:
        """The sequence of the newest event ever appended."""
        return self.next_event - 1 if self.next_event else None

    def touch(self, now_us: int) -> None:
        """Notes a change."""
        self.updated_us = max(self.updated_us, now_us)

    def info(self) -> SessionInfo:
        """The session without its content."""
        return SessionInfo(
            id=self.id,
            created_at=from_us(self.created_us),
            updated_at=from_us(self.updated_us),
            last_model=self.last_model,
            message_count=len(self.messages),
            metadata=dict(self.config.metadata),
            status=cast("SessionStatus", self.status),
            last_event_sequence=self.last_event,
        )

    def as_created(self, *, already_existed: bool) -> pb.CreateSessionResponse:
        """The session as it was at its creation."""
        session = Session(
            id=self.id,
            config=self.created_with,
            status=cast("SessionStatus", INACTIVE),
            created_at=from_us(self.created_us),
            updated_at=from_us(self.created_us),
            state=SessionState(),
        )
        redacted(session.config)
        return pb.CreateSessionResponse(session=session, already_existed=already_existed)

    def whole(self, *, omit_content: bool) -> Session:
        """The session as GetSession merges it."""
        patterns = list(self.config.tool_config.tools["bash"].bash.approved_patterns) if self._has_bash else []
        patterns += [pattern for pattern in self.approved_bash_patterns if pattern not in patterns]
        state = SessionState(
            messages=[] if omit_content else self.messages,
            tool_calls=[] if omit_content else self.tool_calls.values(),
            approved_tools=self.approved_tools,
            approved_bash_patterns=patterns,
            last_event_sequence=self.last_event,
            first_available_sequence=self.first_event,
            active_message_id=self.active_message_id,
            last_model=self.last_model,
            message_count=len(self.messages),
        )
        return Session(
            id=self.id,
            config=self.config,
            status=cast("SessionStatus", self.status),
            created_at=from_us(self.created_us),
            updated_at=from_us(self.updated_us),
            state=state,
        )

    @property
    def _has_bash(self) -> bool:
        return "bash" in self.config.tool_config.tools


def redacted(config: SessionConfig) -> None:
    """Leaves the credentials of a configuration out."""
    if not config.workspace.remote.HasField("auth"):
        return
    auth = config.workspace.remote.auth
    kind = auth.WhichOneof("kind")
    auth.Clear()
    if kind is not None:
        setattr(auth, kind, "")
    auth.redacted = True


def type_passes(event: Event, types: Iterable[str]) -> bool:
    """Whether a filter by types lets an event through."""
    kind = str(event.WhichOneof("kind"))
    full = f"custom:{event.custom.type}" if kind == "custom" else kind
    return not list(types) or kind in types or full in types
