"""Why a call is refused before it is looked at."""

from sessiond.access.rights import Right
from sessiond.store.errors import StoreError
from sessionstore.v1.error_reason_pb2 import ErrorReason

__all__ = ["PermissionDeniedError", "UnauthenticatedError"]


class UnauthenticatedError(StoreError):
    """Nobody knows who calls. The text never repeats what was presented."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ErrorReason.ERROR_REASON_UNAUTHENTICATED)


class PermissionDeniedError(StoreError):
    """The caller is known and may not do this."""

    def __init__(self, what: str, *, required: Right, granted: Right) -> None:
        super().__init__(
            f"{what} needs the right {required}, and these credentials give {granted}; use others",
            ErrorReason.ERROR_REASON_PERMISSION_DENIED,
            {"required_right": str(required), "granted_right": str(granted)},
        )
