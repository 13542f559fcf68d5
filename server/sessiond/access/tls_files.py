"""The certificates of the listeners, in files that may be replaced while the daemon runs."""

import logging
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ReplaceableTls", "TlsContents", "TlsError", "TlsFiles"]

_log = logging.getLogger(__name__)

_Stamps = tuple[tuple[int, int], ...]


class TlsError(Exception):
    """The certificates cannot be used; the text says which file and why."""


@dataclass(frozen=True, slots=True)
class TlsContents:
    """What stood in the files, in PEM; they go together."""

    certificate: bytes
    key: bytes
    client_authority: bytes | None


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The files of a listener with TLS, in PEM.

    Attributes:
        certificate: The certificate of the server, and those between it and the authority.
        key: Its private key.
        client_authority: The authority whose client certificates are let in; None asks clients for no certificate.
    """

    certificate: Path
    key: Path
    client_authority: Path | None = None

    def paths(self) -> tuple[Path, ...]:
        """All of them."""
        more = () if self.client_authority is None else (self.client_authority,)
        return self.certificate, self.key, *more

    def stamps(self) -> _Stamps:
        """What changes when a file is replaced. Raises TlsError."""
        try:
            return tuple((status.st_ino, status.st_mtime_ns) for status in (path.stat() for path in self.paths()))
        except OSError as error:
            raise TlsError(f"cannot read {error.filename}: {error.strerror}") from error

    def load(self) -> TlsContents:
        """What stands in them. Raises TlsError."""
        # Servers take whatever bytes they are given, and fail at the first handshake.
        from sessiond.access.certificate_extensions import allows_server
        from sessiond.access.pem_files import PemError, certificate_in, check_key, read_pem

        try:
            certificate, key, *authority = map(read_pem, self.paths())
            leaf = certificate_in(certificate, self.certificate)
            for content, path in zip(authority, self.paths()[2:], strict=True):
                certificate_in(content, path)
            check_key(key, self.key, leaf, self.certificate)
        except PemError as error:
            raise TlsError(str(error)) from error
        if not allows_server(leaf):
            raise TlsError(
                f"{self.certificate} is not for a server, as its extended key usage says; name another one, or make"
                " one with `sessiond tls server`"
            )
        return TlsContents(certificate, key, authority[0] if authority else None)


class ReplaceableTls:
    """What stands in the files, read again when they were replaced. Raises TlsError when they cannot be used at first.

    Attributes:
        contents: The newest that could be used.
    """

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._stamps = files.stamps()
        self.contents = files.load()

    def replaced(self) -> bool:
        """Whether the files were replaced since the last look; then `contents` are new.

        Files that cannot be used are reported, and what was read before stays.
        """
        try:
            stamps = self._files.stamps()
            if stamps == self._stamps:
                return False
            # Two files are not replaced in one step: what does not fit yet is looked at again at the next connection.
            self.contents = self._files.load()
        except TlsError as error:
            _log.error("%s; the certificate stays as it was", error)
            return False
        self._stamps = stamps
        _log.info("the certificate was replaced")
        return True
