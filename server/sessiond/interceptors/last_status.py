"""Remembers the status of a refusal for the next one, of streams whose commits are all refused for the same reason."""

from google.rpc.status_pb2 import Status

from sessiond.interceptors.statuses import internal_status, status_of
from sessiond.store.errors import StoreError

__all__ = ["LastStatus"]


class LastStatus:
    """The last status that one stream was given. Not to be shared: how long a refusal takes is nobody else's to see."""

    def __init__(self) -> None:
        self._said: object = None
        """All that the status was made of, and not the error, which may hold what it was raised through."""
        self._status = Status()

    def of(self, error: BaseException) -> Status:
        """The status of an error, which must not be changed."""
        if not isinstance(error, StoreError):
            return internal_status()
        said = (type(error), error.args, vars(error))
        if said != self._said:
            self._status = status_of(error)
            self._said = said
        return self._status
