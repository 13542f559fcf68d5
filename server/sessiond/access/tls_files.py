"""The certificates of the listeners, in files that may be replaced while the daemon runs."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

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
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        from sessiond.access.certificate_extensions import allows_server

        contents = []
        for path in self.paths():
            try:
                contents.append(path.read_bytes())
            except OSError as error:
                raise TlsError(f"cannot read {path}: {error.strerror}") from error
        certificate, key, *authority = contents
        leaf = _first(certificate, self.certificate)
        for content in authority:
            _first(content, self.client_authority)
        try:
            private = load_pem_private_key(key, password=None)
        except (ValueError, TypeError) as error:
            raise TlsError(f"{self.key} holds no private key in PEM without a password") from error
        if private.public_key() != leaf.public_key():
            raise TlsError(f"{self.key} is not the key of {self.certificate}")
        if not allows_server(leaf):
            raise TlsError(
                f"{self.certificate} is not for a server, as its extended key usage says; name another one, or make"
                " one with `sessiond tls server`"
            )
        return TlsContents(certificate, key, authority[0] if authority else None)


def _first(content: bytes, path: Path | None) -> "x509.Certificate":
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(content)[0]
    except ValueError as error:
        raise TlsError(f"{path} holds no certificate in PEM") from error


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
