"""The commit that most clients of the crash campaign send: so small that many of them meet one death."""

from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, custom, part, user_message

__all__ = ["message_between_events"]


def message_between_events(name: str) -> list[pb.Mutation]:
    """A message, an event before it and one after it, all named after the commit."""
    return [
        append(part(name), f"{name}-a"),
        pb.Mutation(append_message=user_message(name)),
        append(custom("end", name.encode()), f"{name}-b"),
    ]
