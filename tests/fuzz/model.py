"""The contract as a small model in memory: what each call answers, or the reason for which it is refused.

It is written from the protos and shares nothing with the store: lists and dictionaries, no SQL, no encoding. The time
of each call is given. What only the store can choose is taken from its answer: the ids of sessions, and positions,
which are left out.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from google.protobuf.message import Message

from sessiond.contract.timestamps import from_us
from sessionstore.v1 import admin_service_pb2 as admin_pb
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.fuzz.model_commits import apply_commit
from tests.fuzz.model_listing import listed
from tests.fuzz.model_sessions import ModelSession, Refused, redacted, type_passes

__all__ = ["Model", "Refused"]


class Model:
    """All sessions, and what each call makes of them."""

    def __init__(self) -> None:
        self.sessions: dict[str, ModelSession] = {}
        """By id, the archived ones too, in the order of their creation."""
        self.now_us = 0
        self.chosen_id = ""
        """The id that the store has chosen for a session that is created without one."""

    def call(self, name: str, request: Any) -> list[Any]:
        """The answers of a call. Raises Refused."""
        answers = getattr(self, name)(request)
        return list(answers) if isinstance(answers, Iterator) else [answers]

    def live(self, session_id: str) -> ModelSession:
        """A session that is not archived."""
        session = self.sessions.get(session_id)
        if session is None or session.archived_us is not None:
            raise Refused("SESSION_NOT_FOUND")
        return session

    def archived(self, session_id: str) -> ModelSession:
        """A session that is archived."""
        session = self.sessions.get(session_id)
        if session is None or session.archived_us is None:
            raise Refused("ARCHIVE_NOT_FOUND")
        return session

    def CreateSession(self, request: pb.CreateSessionRequest) -> pb.CreateSessionResponse:  # noqa: N802
        session_id = request.session_id if request.HasField("session_id") else None
        request_id = request.request_id if request.HasField("request_id") else None
        known = [
            session
            for session in self.sessions.values()
            if (session_id is not None and session.id == session_id)
            or (request_id is not None and session.request_id == request_id)
        ]
        if known:
            (first, *others) = known
            if others or first.archived_us is not None or session_id not in (None, first.id):
                raise Refused("SESSION_ALREADY_EXISTS")
            if first.created_with != request.config:
                raise Refused("SESSION_ALREADY_EXISTS")
            return first.as_created(already_existed=True)
        session = ModelSession(session_id or self.chosen_id, request_id, request.config, self.now_us)
        if session.id in self.sessions:
            raise AssertionError("the store chose an id that is taken")
        self.sessions[session.id] = session
        return session.as_created(already_existed=False)

    def GetSession(self, request: pb.GetSessionRequest) -> pb.GetSessionResponse:  # noqa: N802
        session = self.live(request.session_id).whole(omit_content=request.omit_content)
        if not request.include_secrets:
            redacted(session.config)
        return pb.GetSessionResponse(session=session)

    def DeleteSession(self, request: pb.DeleteSessionRequest) -> pb.DeleteSessionResponse:  # noqa: N802
        session = self.live(request.session_id)
        del self.sessions[session.id]
        return pb.DeleteSessionResponse(
            deleted_messages=len(session.messages),
            deleted_tool_calls=len(session.tool_calls),
            deleted_events=len(session.events),
        )

    def ListSessions(self, request: pb.ListSessionsRequest) -> pb.ListSessionsResponse:  # noqa: N802
        """All pages as one."""
        live = [session for session in self.sessions.values() if session.archived_us is None]
        return pb.ListSessionsResponse(sessions=[session.info() for session in listed(live, request)])

    def GetMessages(self, request: pb.GetMessagesRequest) -> pb.GetMessagesResponse:  # noqa: N802
        messages = self.live(request.session_id).messages
        if request.HasField("after_sequence"):
            messages = [message for message in messages if message.sequence > request.after_sequence]
        return pb.GetMessagesResponse(messages=messages[: request.limit] if request.HasField("limit") else messages)

    def ListMessages(self, request: pb.ListMessagesRequest) -> pb.ListMessagesResponse:  # noqa: N802
        """All pages as one."""
        return pb.ListMessagesResponse(messages=self.live(request.session_id).messages)

    def GetPendingToolCalls(  # noqa: N802
        self, request: pb.GetPendingToolCallsRequest
    ) -> pb.GetPendingToolCallsResponse:
        wanted = {1, 2, 4} if request.include_unfinished else {1}
        calls = self.live(request.session_id).tool_calls.values()
        return pb.GetPendingToolCallsResponse(tool_calls=[call for call in calls if call.status in wanted])

    def GetEvents(self, request: pb.GetEventsRequest) -> pb.GetEventsResponse:  # noqa: N802
        session = self.live(request.session_id)
        after = request.after_sequence if request.HasField("after_sequence") else -1
        if request.HasField("after_sequence") and not request.descending:
            _check_cursor(session, after, skip_trimmed=request.skip_trimmed)
        before = request.before_sequence if request.HasField("before_sequence") else session.next_event
        events = [event for event in session.events if after < event.sequence < before]
        events = [event for event in events if type_passes(event.event, request.types)]
        if request.descending:
            events.reverse()
        return pb.GetEventsResponse(events=events[: request.limit] if request.HasField("limit") else events)

    def TailEvents(self, request: pb.TailEventsRequest) -> Iterator[pb.TailEventsResponse]:  # noqa: N802
        """The frames up to the one that says that everything was sent; all events are in one batch."""
        session = self.live(request.session_id)
        cursor = session.first_event - 1
        if request.WhichOneof("start") == "after_sequence":
            cursor = request.after_sequence
            _check_cursor(session, cursor, skip_trimmed=request.skip_trimmed)
        elif request.WhichOneof("start") == "from_now":
            cursor = session.next_event - 1
        events = [
            event for event in session.events if event.sequence > cursor and type_passes(event.event, request.types)
        ]
        last = session.next_event - 1
        if events:
            batch = pb.TailedEvents(first_sequence=cursor + 1, last_sequence=last, events=events)
            yield pb.TailEventsResponse(events=batch)
        yield pb.TailEventsResponse(caught_up=pb.CaughtUp(last_sequence=last if last >= 0 else None))

    def DeleteEventsBefore(self, request: pb.DeleteEventsBeforeRequest) -> pb.DeleteEventsBeforeResponse:  # noqa: N802
        session = self.live(request.session_id)
        first = max(session.first_event, min(request.before_sequence, session.next_event))
        deleted = first - session.first_event
        if deleted:
            del session.events[:deleted]
            session.first_event = first
            session.touch(self.now_us)
        return pb.DeleteEventsBeforeResponse(deleted_count=deleted, first_available_sequence=first)

    def Commit(self, request: pb.CommitRequest) -> pb.CommitResponse:  # noqa: N802
        """All of it, or nothing: it is tried on a copy."""
        changed = deepcopy(self.live(request.session_id))
        response = apply_commit(changed, request, self.now_us)
        self.sessions[changed.id] = changed
        return response

    def Write(self, request: pb.WriteRequest) -> Iterator[Message | str]:  # noqa: N802
        """The result of each commit, or the reason of its refusal."""
        for commit in request.commits:
            try:
                yield self.Commit(commit)
            except Refused as refused:
                yield refused.reason

    def _single(self, request: Any, mutation: pb.Mutation) -> Any:
        """The one mutation of a unary write."""
        result = self.Commit(pb.CommitRequest(session_id=request.session_id, mutations=[mutation])).results[0]
        return getattr(result, str(result.WhichOneof("kind")))

    def UpdateSession(self, request: pb.UpdateSessionRequest) -> Any:  # noqa: N802
        return self._single(request, pb.Mutation(update_session=request.update))

    def AppendMessage(self, request: pb.AppendMessageRequest) -> Any:  # noqa: N802
        return self._single(request, pb.Mutation(append_message=request.message))

    def CreateToolCall(self, request: pb.CreateToolCallRequest) -> Any:  # noqa: N802
        return self._single(request, pb.Mutation(create_tool_call=request.tool_call))

    def UpdateToolCall(self, request: pb.UpdateToolCallRequest) -> Any:  # noqa: N802
        return self._single(request, pb.Mutation(update_tool_call=request.update))

    def UpdateActiveMessageId(self, request: pb.UpdateActiveMessageIdRequest) -> Any:  # noqa: N802
        update = pb.ActiveMessageUpdate()
        if request.HasField("message_id"):
            update.message_id = request.message_id
        return self._single(request, pb.Mutation(set_active_message=update))

    def AppendEvent(self, request: pb.AppendEventRequest) -> Any:  # noqa: N802
        append = pb.EventAppend(event=request.event)
        if request.HasField("event_id"):
            append.event_id = request.event_id
        commit = pb.CommitRequest(session_id=request.session_id, mutations=[pb.Mutation(append_event=append)])
        if (expectation := request.WhichOneof("expectation")) is not None:
            setattr(commit, expectation, getattr(request, expectation))
        return self.Commit(commit).results[0].append_event

    def ArchiveSession(self, request: admin_pb.ArchiveSessionRequest) -> admin_pb.ArchiveSessionResponse:  # noqa: N802
        session = self.sessions.get(request.session_id) or self.live(request.session_id)
        if session.archived_us is None:
            session.archived_us = self.now_us
        return admin_pb.ArchiveSessionResponse(archive=_archive(session))

    def RestoreSession(self, request: admin_pb.RestoreSessionRequest) -> admin_pb.RestoreSessionResponse:  # noqa: N802
        session = self.archived(request.session_id)
        session.archived_us = None
        return admin_pb.RestoreSessionResponse(session=session.info())

    def ListArchives(self, request: admin_pb.ListArchivesRequest) -> admin_pb.ListArchivesResponse:  # noqa: N802
        """All pages as one."""
        created = list(self.sessions.values())
        found = [session for session in reversed(created) if session.archived_us is not None]
        found.sort(key=lambda session: session.archived_us or 0, reverse=True)
        return admin_pb.ListArchivesResponse(archives=[_archive(session) for session in found])

    def DeleteArchive(self, request: admin_pb.DeleteArchiveRequest) -> admin_pb.DeleteArchiveResponse:  # noqa: N802
        session = self.archived(request.session_id)
        del self.sessions[session.id]
        return admin_pb.DeleteArchiveResponse(deleted_events=len(session.events))


def _archive(session: ModelSession) -> admin_pb.ArchiveInfo:
    return admin_pb.ArchiveInfo(session=session.info(), archived_at=from_us(session.archived_us or 0))


def _check_cursor(session: ModelSession, after: int, *, skip_trimmed: bool) -> None:
    if after >= session.next_event:
        raise Refused("CURSOR_AHEAD")
    if after + 1 < session.first_event and not skip_trimmed:
        raise Refused("HISTORY_TRIMMED")
