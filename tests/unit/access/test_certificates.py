"""The local authority and its pairs, and what a listener with TLS accepts."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sessiond.access.certificates import CertificateAuthority, CertificateError, Pair
from sessiond.access.rights import Right
from sessiond.access.tls_files import ReplaceableTls, TlsError, TlsFiles


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    made = CertificateAuthority(tmp_path / "tls")
    made.create()
    return made


def certificate_of(pair: Pair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate.read_bytes())


def test_private_keys_are_for_their_owner_alone(authority: CertificateAuthority) -> None:
    """The folder too."""
    pair = authority.issue_server("server", ["localhost"])
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in (authority.files.key, pair.key)}
    assert 0o700 == stat.S_IMODE(pair.key.parent.stat().st_mode)


def test_pairs_are_signed_by_the_authority_for_one_use(authority: CertificateAuthority) -> None:
    """A client's certificate is none for a server, and the other way round; neither signs others."""
    root = certificate_of(authority.files)
    for pair, usage in (
        (authority.issue_server("server", ["localhost", "127.0.0.1"]), ExtendedKeyUsageOID.SERVER_AUTH),
        (authority.issue_client("agent", Right.WRITE), ExtendedKeyUsageOID.CLIENT_AUTH),
    ):
        certificate = certificate_of(pair)
        certificate.verify_directly_issued_by(root)
        assert [usage] == list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_clients_certificate_carries_its_right(authority: CertificateAuthority) -> None:
    """As the daemon reads it."""
    subject = certificate_of(authority.issue_client("agent", Right.WRITE)).subject
    (unit,) = subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    assert "sessiond:write" == unit.value


def test_an_authority_is_not_replaced(authority: CertificateAuthority) -> None:
    """Everything that it signed would be worth nothing."""
    before = authority.files.key.read_bytes()
    with pytest.raises(CertificateError, match=r"already; .*`sessiond tls server`.*`sessiond tls client NAME`"):
        authority.create()
    assert before == authority.files.key.read_bytes()


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """A name that is longer than the file system has them."""
    with pytest.raises(CertificateError, match=r"cannot make the folder .*: File name too long"):
        CertificateAuthority(tmp_path / ("x" * 300)).create()


def test_without_an_authority_there_are_no_pairs(tmp_path: Path) -> None:
    """The message says how to make one."""
    with pytest.raises(CertificateError, match="sessiond tls init"):
        CertificateAuthority(tmp_path).issue_client("x", Right.READ)


@pytest.mark.parametrize("name", ["", "ca", "a/b", "../x", "a b"])
def test_the_name_of_a_pair_is_that_of_a_file(authority: CertificateAuthority, name: str) -> None:
    """And never that of the authority."""
    with pytest.raises(CertificateError, match="no name for a pair"):
        authority.issue_client(name, Right.READ)


@pytest.mark.parametrize("name", ["x" * 65, "ü" * 33])
def test_a_name_that_no_certificate_holds_is_refused(authority: CertificateAuthority, name: str) -> None:
    """With the limit, which is one of bytes."""
    with pytest.raises(CertificateError, match="at most 64"):
        authority.issue_client(name, Right.READ)
    with pytest.raises(CertificateError, match="at most 64"):
        authority.issue_server(name, ["localhost"])
    authority.issue_client(name[:32], Right.READ)


def test_a_pair_is_renewed_for_its_own_use_alone(authority: CertificateAuthority) -> None:
    """Else the daemon would be left without its certificate, or a client without its right."""
    served, shown = authority.issue_server("server", ["localhost"]), authority.issue_client("agent", Right.WRITE)
    before = [path.read_bytes() for pair in (served, shown) for path in (pair.certificate, pair.key)]
    with pytest.raises(CertificateError, match=r"server\.pem is no certificate of a client; .*another name"):
        authority.issue_client("server", Right.ADMIN)
    with pytest.raises(CertificateError, match=r"agent\.pem is no certificate of a daemon; .*another name"):
        authority.issue_server("agent", ["localhost"])
    assert before == [path.read_bytes() for pair in (served, shown) for path in (pair.certificate, pair.key)]
    authority.issue_server("server", ["localhost"])
    authority.issue_client("agent", Right.READ)
    assert before[0] != served.certificate.read_bytes()
    assert before[2] != shown.certificate.read_bytes()


def test_a_file_that_holds_no_certificate_is_not_replaced(authority: CertificateAuthority) -> None:
    """Nobody can say what it was for."""
    pair = authority.issue_server("server", ["localhost"])
    pair.certificate.write_text("hello")
    with pytest.raises(CertificateError, match=r"server\.pem holds no certificate in PEM; .*another name"):
        authority.issue_server("server", ["localhost"])
    assert "hello" == pair.certificate.read_text()


def test_the_hosts_of_a_pair_can_be_asked_for(authority: CertificateAuthority) -> None:
    """As they were given; a pair that is not there has none."""
    hosts = ("localhost", "*.example.com", "10.0.0.1", "::1")
    authority.issue_server("server", hosts)
    assert set(hosts) == set(authority.hosts("server"))
    assert () == authority.hosts("other")
    authority.issue_client("agent", Right.READ)
    assert () == authority.hosts("agent")


@pytest.mark.parametrize(
    "host", ["bücher.example", "a_b", "a b", "-x", "x..y", "", "1.2.3", "10.0.0.1:5", "https://x", "x" * 64, "*.*.x"]
)
def test_a_host_must_be_one(authority: CertificateAuthority, host: str) -> None:
    """The message repeats it."""
    with pytest.raises(CertificateError, match="no host name"):
        authority.issue_server("server", [host])


def test_hosts_are_names_addresses_and_wildcards(authority: CertificateAuthority) -> None:
    """As clients compare them."""
    pair = authority.issue_server("server", ["build-1.example", "*.example.com", "localhost", "::1"])
    names = certificate_of(pair).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert ["build-1.example", "*.example.com", "localhost"] == names.get_values_for_type(x509.DNSName)


def test_a_wrong_host_leaves_no_authority_behind(tmp_path: Path) -> None:
    """So that the same command, mended, goes through."""
    authority = CertificateAuthority(tmp_path / "tls")
    with pytest.raises(CertificateError, match="no host name"):
        authority.create(["a_b"])
    assert not (tmp_path / "tls").exists()
    authority.create(["a-b"])


def test_files_that_do_not_fit_are_refused_by_name(authority: CertificateAuthority, tmp_path: Path) -> None:
    """Before anybody connects: missing, no PEM, the key of another certificate."""
    one, other = authority.issue_server("one", ["localhost"]), authority.issue_server("other", ["localhost"])
    nothing = tmp_path / "nothing.pem"
    text = tmp_path / "text.pem"
    text.write_text("hello")
    for files, message in (
        (TlsFiles(nothing, one.key), r"cannot read .*nothing\.pem"),
        (TlsFiles(text, one.key), r"^\S+text\.pem holds no certificate in PEM"),
        (TlsFiles(one.certificate, text), "no private key"),
        (TlsFiles(one.certificate, other.key), "is not the key of"),
        (TlsFiles(one.certificate, one.key, text), r"^\S+text\.pem holds no certificate in PEM"),
    ):
        with pytest.raises(TlsError, match=message):
            files.load()
    TlsFiles(one.certificate, one.key, authority.files.certificate).load()


def test_a_certificate_that_is_not_for_servers_is_refused(authority: CertificateAuthority) -> None:
    """No client would accept it; the message says how to make one."""
    pair = authority.issue_client("agent", Right.WRITE)
    with pytest.raises(TlsError, match=r"agent\.pem is not for a server.*`sessiond tls server`"):
        TlsFiles(pair.certificate, pair.key).load()


@pytest.mark.parametrize(
    "uses",
    [
        [],
        [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
        [ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE],
    ],
)
def test_a_certificate_from_elsewhere_may_be_for_more(tmp_path: Path, uses: list[x509.ObjectIdentifier]) -> None:
    """For everything, as one that names no use, or for servers among others."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "elsewhere")]), datetime.now(tz=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    if uses:
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    files = TlsFiles(tmp_path / "e.pem", tmp_path / "e.key")
    files.certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    files.load()


def test_replaced_files_that_are_not_for_servers_stay_unused(
    authority: CertificateAuthority, caplog: pytest.LogCaptureFixture
) -> None:
    """The log tells, and the ones before serve on."""
    server, client = authority.issue_server("server", ["localhost"]), authority.issue_client("agent", Right.WRITE)
    tls = ReplaceableTls(TlsFiles(server.certificate, server.key))
    before = tls.contents
    client.certificate.replace(server.certificate)
    client.key.replace(server.key)
    assert not tls.replaced()
    assert before == tls.contents
    assert "is not for a server" in caplog.text
