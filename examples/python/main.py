"""Writes to a session, or follows it.

python main.py write ADDRESS SESSION
python main.py tail ADDRESS SESSION
"""

import asyncio
import os
import sys
from pathlib import Path

import grpc
from resuming_tail import resuming_tail

from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.event_pb2 import Event, MessageComplete
from sessionstore.v1.message_pb2 import AssistantContent, AssistantMessage, Message
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub

TOKEN = os.environ.get("SESSIOND_TOKEN")
METADATA = (("authorization", f"Bearer {TOKEN}"),) if TOKEN else ()


def channel_to(address: str) -> grpc.aio.Channel:
    """A channel; SESSIOND_TLS_CA names the authority of a server with TLS."""
    authority = os.environ.get("SESSIOND_TLS_CA")
    if authority:
        return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(Path(authority).read_bytes()))
    # The path of a socket is no host name.
    return grpc.aio.insecure_channel(address, options=[("grpc.default_authority", "localhost")])


async def write(stub: SessionStoreServiceStub, session_id: str) -> None:
    """Commits a message together with the event that announces it. May be repeated: everything has an id."""
    await stub.CreateSession(pb.CreateSessionRequest(session_id=session_id), metadata=METADATA)
    message = Message(id="hello", assistant=AssistantMessage(content=[AssistantContent(text="Hello.")]))
    event = Event(message_complete=MessageComplete(message=message, model="some-model"))
    announce = pb.EventAppend(event_id="hello", event=event)
    mutations = [pb.Mutation(append_message=message), pb.Mutation(append_event=announce)]
    answer = await stub.Commit(pb.CommitRequest(session_id=session_id, mutations=mutations), metadata=METADATA)
    print("committed", answer.results[1].append_event.sequence)


async def follow(stub: SessionStoreServiceStub, session_id: str) -> None:
    """Prints each event, until the session is deleted."""
    async for stored in resuming_tail(stub, session_id, metadata=METADATA):
        print(stored.sequence, stored.event.WhichOneof("kind"), flush=True)


async def main() -> None:
    """Does what the command line says."""
    commands = {"write": write, "tail": follow}
    if len(sys.argv) != 4 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    async with channel_to(sys.argv[2]) as channel:
        try:
            await commands[sys.argv[1]](SessionStoreServiceStub(channel), sys.argv[3])
        except grpc.aio.AioRpcError as error:
            sys.exit(f"{error.code().name}: {error.details()}")


if __name__ == "__main__":
    asyncio.run(main())
