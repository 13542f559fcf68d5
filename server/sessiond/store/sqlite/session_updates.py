"""The mutations that change a session itself."""

from sessiond.contract.limits import Limits
from sessiond.contract.masks import replace_masked
from sessiond.contract.secrets import keep_redacted, naming_redacted, stored_credentials
from sessiond.contract.timestamps import from_us
from sessiond.store.errors import NotFoundError, TooLargeError
from sessiond.store.sqlite.misses import check_missing_message
from sessiond.store.sqlite.session_configs import StoredConfig, read_config, write_config
from sessiond.store.sqlite.session_metadata import labels_checksum, replace_metadata
from sessiond.store.sqlite.session_rows import SessionRow, row_info
from sessiond.store.sqlite.transaction import WriteTransaction
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import Session, SessionConfig

__all__ = ["SetActiveMessage", "UpdateSession"]


class SetActiveMessage:
    """Sets or clears the message that heads the selected branch."""

    _FIND = "SELECT 1 FROM messages WHERE session_key = ? AND id = ?"

    def __init__(self, update: pb.ActiveMessageUpdate) -> None:
        self._message_id = update.message_id if update.HasField("message_id") else None

    def current(self, transaction: WriteTransaction, row: SessionRow) -> pb.MutationResult:
        """The result as of now."""
        response = pb.UpdateActiveMessageIdResponse(updated_at=from_us(row.updated_at_us))
        return pb.MutationResult(set_active_message=response)

    def apply(self, transaction: WriteTransaction, row: SessionRow) -> pb.MutationResult:
        """Makes the change. Raises NotFoundError."""
        if self._message_id is not None:
            found = transaction.connection.execute(self._FIND, (row.session_key, self._message_id)).fetchone()
            if found is None:
                check_missing_message(transaction.connection, row.session_key, self._message_id)
                raise NotFoundError.message(self._message_id)
        row.active_message_id = self._message_id
        transaction.changed(row)
        return self.current(transaction, row)


class UpdateSession:
    """Changes the configuration, status or approvals of a session."""

    def __init__(self, update: pb.SessionUpdate, limits: Limits) -> None:
        self._update = update
        self._limits = limits

    def current(self, transaction: WriteTransaction, row: SessionRow) -> pb.MutationResult:
        """The result as of now."""
        info = row_info(transaction.connection, row)
        return pb.MutationResult(update_session=pb.UpdateSessionResponse(session=info))

    def apply(self, transaction: WriteTransaction, row: SessionRow) -> pb.MutationResult:
        """Makes the change. Raises TooLargeError or InvalidFieldError."""
        stored = read_config(transaction.connection, row)
        old_metadata = dict(stored.config.metadata)
        old_sizes = _sizes(stored)
        self._change(stored.config)
        self._approve(stored.approvals)
        self._check_sizes(old_sizes, _sizes(stored))
        write_config(transaction.connection, row, stored)
        labels = dict(stored.config.metadata)
        replace_metadata(transaction.connection, row.session_key, row.created_at_us, old_metadata, labels)
        row.labels_checksum = labels_checksum((key, value, row.created_at_us) for key, value in labels.items())
        if self._update.HasField("status"):
            row.status = int(self._update.status)
        transaction.changed(row)
        return self.current(transaction, row)

    def _change(self, config: SessionConfig) -> None:
        update = self._update
        credentials = stored_credentials(config)
        if update.HasField("config") and update.HasField("update_mask"):
            replace_masked(config, update.config, naming_redacted(update.update_mask, update.config))
        elif update.HasField("config"):
            config.CopyFrom(update.config)
        keep_redacted(config, credentials)
        config.metadata.update(update.set_metadata)
        for key in update.delete_metadata_keys:
            config.metadata.pop(key, None)

    def _approve(self, approvals: Session) -> None:
        for stored, added in (
            (approvals.state.approved_tools, self._update.add_approved_tools),
            (approvals.state.approved_bash_patterns, self._update.add_approved_bash_patterns),
        ):
            known = set(stored)
            for value in added:
                if value not in known:
                    known.add(value)
                    stored.append(value)

    def _check_sizes(self, old: tuple[int, int], new: tuple[int, int]) -> None:
        # What was stored under larger limits may be changed, as long as it does not grow.
        limits = (self._limits.max_item_bytes, self._limits.max_metadata_bytes)
        for field, before, after, limit in zip(("update", "update.set_metadata"), old, new, limits, strict=True):
            if after > max(before, limit):
                raise TooLargeError(field, after, limit)


def _sizes(stored: StoredConfig) -> tuple[int, int]:
    """The bytes of a configuration with its approvals, and those of its metadata."""
    metadata_bytes = sum(len(key.encode()) + len(value.encode()) for key, value in stored.config.metadata.items())
    return stored.config.ByteSize() + stored.approvals.ByteSize(), metadata_bytes
