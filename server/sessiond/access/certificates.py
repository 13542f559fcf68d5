"""A certificate authority of one's own, for daemons and clients on machines that trust nobody else."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sessiond.access.certificate_extensions import named_hosts, named_uses
from sessiond.access.private_files import write_private
from sessiond.access.rights import Right

__all__ = ["CertificateAuthority", "CertificateError", "Pair", "pair_files"]

AUTHORITY_DAYS = 3650
PAIR_DAYS = 397
"""What the platforms that check it accept at most of a server's certificate."""

_MAX_NAME_BYTES = 64  # of the common name in a certificate
_MAX_HOST_CHARACTERS = 253
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")

_OWNERS = {ExtendedKeyUsageOID.SERVER_AUTH: "a daemon", ExtendedKeyUsageOID.CLIENT_AUTH: "a client"}

_BACKDATED = timedelta(minutes=5)  # clocks differ


class CertificateError(Exception):
    """A certificate cannot be made; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The files of a certificate and its private key, in PEM."""

    certificate: Path
    key: Path


def pair_files(folder: Path, name: str) -> Pair:
    """Where the pair of this name lies."""
    return Pair(folder / f"{name}.pem", folder / f"{name}.key")


class CertificateAuthority:
    """An authority in a folder: `ca.pem`, `ca.key` of mode 0600, and the pairs that it signed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files = pair_files(folder, "ca")

    def create(self, hosts: Sequence[str] = ()) -> None:
        """Makes the authority. Raises CertificateError when there is one, whose certificates would be worth nothing.

        So it does for hosts, which a pair is to be issued for later, that are none; nothing is made then.
        """
        for host in hosts:
            _general_name(host)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            there = self.files.certificate.exists() or self.files.key.exists()
        except OSError as error:
            raise CertificateError(f"cannot make the folder {self._folder}: {error.strerror}") from error
        if there:
            raise CertificateError(
                f"there is an authority in {self._folder} already; `sessiond tls server` and `sessiond tls client NAME`"
                " make more pairs of it"
            )
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sessiond local authority")])
        usage = _key_usage(key_cert_sign=True, crl_sign=True)
        builder = _builder(subject, subject, key, AUTHORITY_DAYS)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(usage, critical=True)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(identifier, critical=False)
        _write(self.files, builder.sign(key, hashes.SHA256()), key)

    def hosts(self, name: str) -> tuple[str, ...]:
        """The names and addresses of the pair that has this name; none when there is none. Raises CertificateError."""
        _check_name(name)
        certificate = _existing(pair_files(self._folder, name))
        return () if certificate is None else named_hosts(certificate)

    def issue_server(self, name: str, hosts: Sequence[str]) -> Pair:
        """Makes a pair for a daemon that is reached by these names and addresses. Raises CertificateError.

        It takes the place of a daemon's pair of this name, and not of another one; so does that of a client.
        """
        return self._issue(name, None, ExtendedKeyUsageOID.SERVER_AUTH, [_general_name(host) for host in hosts])

    def issue_client(self, name: str, right: Right) -> Pair:
        """Makes a pair for a client, which carries its right. Raises CertificateError."""
        return self._issue(name, right, ExtendedKeyUsageOID.CLIENT_AUTH, [])

    def _issue(
        self, name: str, right: Right | None, usage: x509.ObjectIdentifier, hosts: Sequence[x509.GeneralName]
    ) -> Pair:
        _check_name(name)
        pair = pair_files(self._folder, name)
        _check_replaced(pair, usage)
        authority, authority_key = self._load()
        key = ec.generate_private_key(ec.SECP256R1())
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        if right is not None:
            attributes.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, f"sessiond:{right}"))
        builder = _builder(x509.Name(attributes), authority.subject, key, PAIR_DAYS)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(digital_signature=True), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
        builder = builder.add_extension(signer, critical=False)
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        _write(pair, builder.sign(authority_key, hashes.SHA256()), key)
        return pair

    def _load(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        try:
            certificate = x509.load_pem_x509_certificate(self.files.certificate.read_bytes())
            key = load_pem_private_key(self.files.key.read_bytes(), password=None)
        except OSError as error:
            raise CertificateError(f"there is no authority in {self._folder}; run: sessiond tls init") from error
        except (ValueError, TypeError) as error:
            raise CertificateError(f"the authority in {self._folder} is damaged") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise CertificateError(f"the authority in {self._folder} was not made by sessiond tls init")
        return certificate, key


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(tz=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=days))
    )


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _check_name(name: str) -> None:
    if name == "ca" or not name or not all(letter.isalnum() or letter in "._-" for letter in name):
        raise CertificateError(f"{name!r} is no name for a pair: letters, digits, dots, dashes, underscores, not `ca`")
    if len(name.encode()) > _MAX_NAME_BYTES:
        raise CertificateError(
            f"{name!r} is too long: the name of a pair stands in its certificate, and has at most {_MAX_NAME_BYTES}"
            " bytes; choose a shorter one"
        )


def _existing(pair: Pair) -> x509.Certificate | None:
    """The certificate of a pair; None when there is none."""
    try:
        return x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CertificateError(f"cannot read {pair.certificate}: {error.strerror}") from error
    except ValueError as error:
        raise CertificateError(
            f"{pair.certificate} holds no certificate in PEM; choose another name, or move the file away"
        ) from error


def _check_replaced(pair: Pair, usage: x509.ObjectIdentifier) -> None:
    certificate = _existing(pair)
    if certificate is not None and named_uses(certificate) != {usage}:
        raise CertificateError(
            f"{pair.certificate} is no certificate of {_OWNERS[usage]}; choose another name, or move it and its key"
            " away"
        )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    labels = host.removeprefix("*.").split(".")
    if len(host) > _MAX_HOST_CHARACTERS or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        raise CertificateError(f"{host!r} is no host name and no address; write it without a port, in ASCII")
    return x509.DNSName(host)


def _write(pair: Pair, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        write_private(pair.key, private)
        write_private(pair.certificate, certificate.public_bytes(Encoding.PEM))
    except OSError as error:
        raise CertificateError(f"cannot write {pair.certificate}: {error.strerror}") from error
