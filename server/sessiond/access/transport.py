"""TLS for the listeners, from files that may be replaced while the daemon runs."""

import logging
from dataclasses import dataclass
from pathlib import Path

import grpc

__all__ = ["TlsError", "TlsFiles", "server_credentials"]

_log = logging.getLogger(__name__)

_Stamps = tuple[tuple[int, int], ...]


class TlsError(Exception):
    """The certificates cannot be used; the text says which file and why."""


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
        """What changes when a file is replaced. Raises OSError."""
        return tuple((status.st_ino, status.st_mtime_ns) for status in (path.stat() for path in self.paths()))

    def load(self) -> grpc.ServerCertificateConfiguration:
        """What gRPC needs of them. Raises TlsError."""
        # grpc takes whatever bytes it is given, and fails at the first handshake.
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        contents = []
        for path in self.paths():
            try:
                contents.append(path.read_bytes())
            except OSError as error:
                raise TlsError(f"cannot read {path}: {error.strerror}") from error
        certificate, key, *authority = contents
        try:
            leaf = x509.load_pem_x509_certificates(certificate)[0]
            authorities = [x509.load_pem_x509_certificates(content) for content in authority]
        except ValueError as error:
            raise TlsError(f"{self.certificate} or {self.client_authority} holds no certificate in PEM") from error
        try:
            private = load_pem_private_key(key, password=None)
        except (ValueError, TypeError) as error:
            raise TlsError(f"{self.key} holds no private key in PEM without a password") from error
        if private.public_key() != leaf.public_key():
            raise TlsError(f"{self.key} is not the key of {self.certificate}")
        return grpc.ssl_server_certificate_configuration(
            [(key, certificate)], root_certificates=authority[0] if authorities else None
        )


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Credentials that take up replaced files with the next connection. Raises TlsError.

    Files that cannot be used are reported, and the ones before stay in use. Connections that are open stay open.
    """
    stamps = _stamps(files)
    current = files.load()

    def changed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal stamps
        try:
            fresh = _stamps(files)
            if fresh == stamps:
                return None
            # Two files are not replaced in one step: what does not fit yet is looked at again at the next connection.
            loaded = files.load()
        except TlsError as error:
            _log.error("%s; the certificate stays as it was", error)
            return None
        stamps = fresh
        _log.info("the certificate was replaced")
        return loaded

    return grpc.dynamic_ssl_server_credentials(
        current,
        changed,  # type: ignore[arg-type]  # None is what gRPC documents for "no change"
        require_client_authentication=files.client_authority is not None,
    )


def _stamps(files: TlsFiles) -> _Stamps:
    try:
        return files.stamps()
    except OSError as error:
        raise TlsError(f"cannot read {error.filename}: {error.strerror}") from error
