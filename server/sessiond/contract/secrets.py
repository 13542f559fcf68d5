"""The credentials inside a session's configuration: left out of answers, and kept when such an answer comes back."""

from google.protobuf.field_mask_pb2 import FieldMask

from sessiond.store.errors import InvalidFieldError
from sessionstore.v1.session_pb2 import RemoteAuth, SessionConfig

__all__ = ["keep_redacted", "naming_redacted", "redact", "refuse_redacted", "stored_credentials"]

_AUTH = "workspace.remote.auth"
_FIELD = f"config.{_AUTH}.redacted"


def _auth(config: SessionConfig) -> RemoteAuth | None:
    if config.workspace.WhichOneof("kind") == "remote" and config.workspace.remote.HasField("auth"):
        return config.workspace.remote.auth
    return None


def redact(config: SessionConfig) -> None:
    """Takes the values of credentials out of a configuration; of which kind they are stays."""
    auth = _auth(config)
    if auth is None:
        return
    kind = auth.WhichOneof("kind")
    # What a newer client stored beside may be a secret too.
    auth.Clear()
    if kind is not None:
        setattr(auth, kind, "")
    auth.redacted = True


def refuse_redacted(config: SessionConfig) -> None:
    """Raises InvalidFieldError when a new configuration lacks the values of its credentials."""
    auth = _auth(config)
    if auth is not None and auth.redacted:
        raise InvalidFieldError(_FIELD, "is true, and nothing is stored that could be kept; give the credentials")


def naming_redacted(mask: FieldMask, given: SessionConfig) -> FieldMask:
    """The mask of an update; where it names the value of credentials that was left out, it also names that it was."""
    auth = _auth(given)
    if auth is None or not auth.redacted or not any(path.startswith(f"{_AUTH}.") for path in mask.paths):
        return mask
    return FieldMask(paths=[*mask.paths, f"{_AUTH}.redacted"])


def keep_redacted(config: SessionConfig, stored: RemoteAuth | None) -> None:
    """Puts the stored credentials where a configuration says that they were left out.

    Raises InvalidFieldError when none of that kind are stored.
    """
    auth = _auth(config)
    if auth is None or not auth.redacted:
        return
    kind = auth.WhichOneof("kind")
    if stored is None or stored.WhichOneof("kind") != kind:
        raise InvalidFieldError(
            f"update.{_FIELD}", "is true, and no credentials of this kind are stored that could be kept; give them"
        )
    auth.CopyFrom(stored)


def stored_credentials(config: SessionConfig) -> RemoteAuth | None:
    """A copy of the credentials of a configuration; None when it has none."""
    auth = _auth(config)
    if auth is None:
        return None
    copy = RemoteAuth()
    copy.CopyFrom(auth)
    return copy
