"""Certificates and private keys in PEM, looked at before gRPC gets them: it takes whatever bytes it is given."""

from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

__all__ = ["PemError", "certificate_in", "check_authorities", "check_key", "read_pem"]


class PemError(ValueError):
    """A file is not what it should be; the text says which and why."""


def read_pem(path: Path) -> bytes:
    """What stands in a file. Raises PemError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise PemError(f"cannot read {path}: {error.strerror}") from error


def certificate_in(content: bytes, path: Path) -> x509.Certificate:
    """The first certificate of a file, in which every one must be whole. Raises PemError."""
    try:
        return x509.load_pem_x509_certificates(content)[0]
    except ValueError as error:
        raise PemError(f"{path} holds no certificate in PEM") from error


def check_authorities(content: bytes, path: Path) -> None:
    """Checks that a file begins with an authority. Raises PemError."""
    # The rest is not looked at: bundles of systems hold old ones, which nobody has to like who does not use them.
    try:
        x509.load_pem_x509_certificate(content)
    except ValueError as error:
        raise PemError(f"{path} holds no certificate in PEM") from error


def check_key(content: bytes, path: Path, certificate: x509.Certificate, certificate_path: Path) -> None:
    """Checks that a file holds the private key of a certificate. Raises PemError."""
    try:
        private = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise PemError(f"{path} holds no private key in PEM without a password") from error
    if private.public_key() != certificate.public_key():
        raise PemError(f"{path} is not the key of {certificate_path}")
