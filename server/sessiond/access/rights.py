"""The rights, and the one that each call needs."""

from collections.abc import Mapping
from enum import IntEnum

from sessionstore.v1 import admin_service_pb2, session_store_service_pb2

__all__ = ["Right", "required_right"]


class Right(IntEnum):
    """What somebody may do; each right includes those below it."""

    READ = 1
    """Read and follow sessions."""
    WRITE = 2
    """Create, change and delete sessions, too."""
    ADMIN = 3
    """Look after the archive, too."""

    def __str__(self) -> str:
        """The name by which people and files call it."""
        return self.name.lower()

    @classmethod
    def named(cls, name: str) -> "Right":
        """The right of this name. Raises ValueError."""
        try:
            return cls[name.upper()]
        except KeyError:
            raise ValueError(f"{name!r} is no right; there are {', '.join(map(str, cls))}") from None


_READING = {
    "GetSession",
    "ListSessions",
    "GetMessages",
    "ListMessages",
    "GetPendingToolCalls",
    "GetEvents",
    "TailEvents",
    "GetServerInfo",
}


def _rights() -> Mapping[str, Right]:
    store = session_store_service_pb2.DESCRIPTOR.services_by_name["SessionStoreService"]
    admin = admin_service_pb2.DESCRIPTOR.services_by_name["AdminService"]
    return {
        f"/{service.full_name}/{method.name}": Right.READ if method.name in _READING else otherwise
        for service, otherwise in ((store, Right.WRITE), (admin, Right.ADMIN))
        for method in service.methods
    }


_REQUIRED = _rights()


def required_right(method: str) -> Right:
    """The right that a call needs, by its full path. What is not ours, such as reflection, needs the right to read."""
    return _REQUIRED.get(method, Right.READ)
