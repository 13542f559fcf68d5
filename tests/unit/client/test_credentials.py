"""Where a client finds what it shows, and where it shows nothing."""

from pathlib import Path

import pytest

from sessionstore import Credentials
from sessionstore.channel import client_channel

VARIABLES = (
    "SESSIOND_DATA_DIR",
    "SESSIOND_TOKEN",
    "SESSIOND_TOKEN_FILE",
    "SESSIOND_TLS_CA",
    "SESSIOND_TLS_CLIENT_CERT",
    "SESSIOND_TLS_CLIENT_KEY",
)


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A user with the files of a daemon and of `sessiond tls init`."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in (
        "data/sessiond/token",
        *(f"config/sessiond/tls/{file}" for file in ("ca.pem", "client.pem", "client.key")),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("sst_default\n")
    return tmp_path


@pytest.mark.parametrize("address", ["127.0.0.1:5", "localhost:5", "[::1]:5", "tls:localhost:5"])
def test_the_default_token_is_for_ports_of_this_machine(home: Path, address: str) -> None:
    """Its owner's daemon is there."""
    assert home / "data/sessiond/token" == Credentials.from_environment(address).token_file


@pytest.mark.parametrize("address", ["unix:/run/s.sock", "example.com:5", "tls:example.com:5", "127.example.com:5"])
def test_the_default_token_is_shown_to_nobody_else(address: str) -> None:
    """Somebody else's machine must not learn it."""
    assert None is Credentials.from_environment(address).token_file


def test_the_default_token_is_that_of_the_data_directory_that_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One of an earlier daemon elsewhere is not shown, not even where there is no other."""
    assert None is Credentials.from_environment("localhost:5", data_dir=tmp_path / "other").token_file
    for folder in ("other", "named"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "token").write_text("sst_other\n")
    found = Credentials.from_environment("localhost:5", data_dir=tmp_path / "other")
    assert tmp_path / "other/token" == found.token_file
    monkeypatch.setenv("SESSIOND_DATA_DIR", str(tmp_path / "named"))
    for data_dir in (None, tmp_path / "other"):
        found = Credentials.from_environment("localhost:5", data_dir=data_dir)
        assert tmp_path / "named/token" == found.token_file
    assert None is Credentials.from_environment("example.com:5").token_file


def test_the_local_authority_is_trusted_at_addresses_with_tls(home: Path) -> None:
    """And only there; the pair of the client goes with it."""
    folder = home / "config/sessiond/tls"
    found = Credentials.from_environment("tls:localhost:5")
    assert (folder / "ca.pem", folder / "client.pem", folder / "client.key") == (
        found.ca_file,
        found.certificate_file,
        found.key_file,
    )
    assert None is Credentials.from_environment("localhost:5").ca_file


def test_what_the_environment_names_counts_more_than_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each part by itself."""
    monkeypatch.setenv("SESSIOND_TOKEN", "sst_named")
    monkeypatch.setenv("SESSIOND_TLS_CA", "/ca.pem")
    found = Credentials.from_environment("tls:127.0.0.1:5")
    assert ("sst_named", None, Path("/ca.pem")) == (found.token, found.token_file, found.ca_file)
    monkeypatch.delenv("SESSIOND_TOKEN")
    monkeypatch.setenv("SESSIOND_TOKEN_FILE", str(tmp_path / "other"))
    assert tmp_path / "other" == Credentials.from_environment("unix:/s").token_file


async def test_a_token_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """While it is replaced, the token before is the one to show."""
    file = tmp_path / "agent.token"
    file.write_text("one\n")
    read = Credentials(token_file=file).token_reader()
    assert read is not None
    assert "one" == read()
    (tmp_path / "fresh").write_text("two")
    (tmp_path / "fresh").replace(file)
    assert "two" == read()
    file.unlink()
    assert "two" == read()
    file.write_text("")
    assert "two" == read()


@pytest.mark.parametrize("content", ["", " \n", "two words", "ümlaut", "a\nb"])
def test_a_token_that_is_none_is_refused_and_not_repeated(tmp_path: Path, content: str) -> None:
    """Before anything is sent."""
    file = tmp_path / "token"
    file.write_text(content)
    for credentials in (Credentials(token_file=file), Credentials(token=content)):
        with pytest.raises(ValueError, match="token") as caught:
            credentials.token_reader()
        assert not content.strip() or content not in str(caught.value)


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    """Also half a pair."""
    with pytest.raises(ValueError, match=r"none\.pem"):
        client_channel("tls:localhost:5", Credentials(ca_file=tmp_path / "none.pem"))
    with pytest.raises(ValueError, match="belong together"):
        client_channel("tls:localhost:5", Credentials(key_file=tmp_path / "k"))
    with pytest.raises(ValueError, match="cannot be read"):
        client_channel("localhost:5", Credentials(token_file=tmp_path / "none"))


def test_a_token_does_not_show(tmp_path: Path) -> None:
    """In logs and tracebacks, which hold what `repr` gives."""
    assert "secret" not in repr(Credentials(token="sst_secret"))
