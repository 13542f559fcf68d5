"""Few calls have a queue of their own at gRPC, and all are answered."""

from typing import Any

from sessiond.services.call_queues import QUEUED_APART, CallQueues
from sessionstore.v1.admin_service_pb2_grpc import AdminServiceServicer, add_AdminServiceServicer_to_server
from sessionstore.v1.session_store_service_pb2 import DESCRIPTOR
from sessionstore.v1.session_store_service_pb2_grpc import (
    SessionStoreServiceServicer,
    add_SessionStoreServiceServicer_to_server,
)

SERVICE = DESCRIPTOR.services_by_name["SessionStoreService"]


class Server:
    """Notes what is added."""

    def __init__(self) -> None:
        self.services: list[str] = []
        self.registered: set[str] = set()

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        self.services += [handler.service_name() for handler in handlers]

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        self.registered |= {f"{service}/{name}" for name in handlers}


def test_only_what_programs_call_all_the_time_has_a_queue_of_its_own() -> None:
    server: Any = Server()
    queues: Any = CallQueues(server)

    add_SessionStoreServiceServicer_to_server(SessionStoreServiceServicer(), queues)
    add_AdminServiceServicer_to_server(AdminServiceServicer(), queues)

    assert server.registered == {f"{SERVICE.full_name}/{name}" for name in QUEUED_APART}
    assert server.services == [SERVICE.full_name, "sessionstore.v1.AdminService"]
