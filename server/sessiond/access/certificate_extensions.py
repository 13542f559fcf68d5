"""What a certificate says in its extensions: what it is for, and for whom."""

from typing import TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

__all__ = ["allows_server", "named_hosts", "named_uses"]

E = TypeVar("E", bound=x509.ExtensionType)


def named_uses(certificate: x509.Certificate) -> frozenset[x509.ObjectIdentifier]:
    """The uses that it names; none when it does not restrict them."""
    return frozenset(_extension(certificate, x509.ExtendedKeyUsage) or ())


def allows_server(certificate: x509.Certificate) -> bool:
    """Whether a server may show it."""
    uses = named_uses(certificate)
    return not uses or not uses.isdisjoint(
        (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    )


def named_hosts(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names and addresses by which the server that shows it is reached."""
    names = _extension(certificate, x509.SubjectAlternativeName)
    if names is None:
        return ()
    addresses = names.get_values_for_type(x509.IPAddress)
    return (*names.get_values_for_type(x509.DNSName), *map(str, addresses))


def _extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        # What cannot be read is for the other side of the connection to judge.
        return None
