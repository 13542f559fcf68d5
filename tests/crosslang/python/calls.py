"""The calls of both services by name, with their generated stubs and types."""

from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from sessionstore.v1 import admin_service_pb2, session_store_service_pb2
from sessionstore.v1.admin_service_pb2_grpc import AdminServiceStub
from sessionstore.v1.session_store_service_pb2_grpc import SessionStoreServiceStub

__all__ = ["Call", "call_named"]

_SERVICES: dict[Any, Any] = {
    session_store_service_pb2.DESCRIPTOR.services_by_name["SessionStoreService"]: SessionStoreServiceStub,
    admin_service_pb2.DESCRIPTOR.services_by_name["AdminService"]: AdminServiceStub,
}


class Call:
    """One call of a service."""

    def __init__(self, method: MethodDescriptor, stub: Any) -> None:
        self._method = method
        self._stub = stub
        self.path = f"/{method.containing_service.full_name}/{method.name}"
        self.is_streaming = method.server_streaming
        self.request_type: type[Message] = GetMessageClass(method.input_type)
        self.answer_type: type[Message] = GetMessageClass(method.output_type)

    def on(self, channel: grpc.aio.Channel) -> Any:
        """The callable of the generated stub."""
        return getattr(self._stub(channel), self._method.name)


def call_named(name: str) -> Call:
    """The call of this name; names are unique over both services. Raises KeyError."""
    for service, stub in _SERVICES.items():
        if name in service.methods_by_name:
            return Call(service.methods_by_name[name], stub)
    raise KeyError(f"no call {name}")
