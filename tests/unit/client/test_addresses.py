"""How the daemon is found."""

from pathlib import Path

import pytest

from sessiond.config import default_listen
from sessionstore import AsyncSessionStore
from sessionstore.address import ADDRESS_VARIABLE, default_address, grpc_target


def test_the_environment_names_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """SESSIOND_ADDRESS is used where no address is given."""
    monkeypatch.setenv(ADDRESS_VARIABLE, "127.0.0.1:50551")
    assert default_address() == "127.0.0.1:50551"


@pytest.mark.parametrize("value", [None, ""])
def test_the_default_is_where_the_daemon_listens(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str | None
) -> None:
    """Without the variable, or with an empty one, the client looks where the daemon listens by default."""
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    if value is None:
        monkeypatch.delenv(ADDRESS_VARIABLE, raising=False)
    else:
        monkeypatch.setenv(ADDRESS_VARIABLE, value)
    assert default_address() == default_listen()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "localhost:65535", "[::1]:50551", "store.example:443"])
def test_a_host_and_port_are_used_as_they_are(address: str) -> None:
    """Names, IPv4 addresses and bracketed IPv6 addresses are targets of gRPC."""
    assert grpc_target(address) == address


def test_a_socket_is_named_by_its_absolute_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A relative path is taken from the working directory, and ~ is the home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    assert grpc_target("unix:run/s.sock") == f"unix:{tmp_path}/run/s.sock"
    assert grpc_target("unix:~/s.sock") == "unix:/home/ada/s.sock"
    assert grpc_target("unix:///run/s.sock") == "unix:/run/s.sock"


def test_a_socket_path_is_quoted() -> None:
    """What has a meaning in a URI has none in a path."""
    assert grpc_target("unix:/a b/50%20#1?/s.sock") == "unix:/a%20b/50%2520%231%3F/s.sock"


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("", "neither"),
        ("localhost", "neither"),
        ("localhost:", "neither"),
        (":50551", "neither"),
        ("localhost:0", "neither"),
        ("localhost:65536", "neither"),
        ("localhost:http", "neither"),
        ("localhost:²", "neither"),
        ("::1:50551", "in brackets"),
        ("unix:", "no path"),
        (f"unix:/{'x' * 107}", "has 108 bytes"),
    ],
)
def test_a_wrong_address_is_refused(address: str, complaint: str) -> None:
    """The complaint says what is wrong before anything is sent."""
    with pytest.raises(ValueError, match=complaint):
        grpc_target(address)


async def test_a_client_refuses_a_wrong_address_at_once() -> None:
    """Making the client fails, not its first call."""
    with pytest.raises(ValueError, match="neither"):
        AsyncSessionStore("localhost")


@pytest.mark.parametrize("address", ["http://127.0.0.1:8080", "https://localhost:8443"])
def test_an_address_for_browsers_is_refused(address: str) -> None:
    """The daemon names it beside the others, and gRPC's clients belong at those."""
    with pytest.raises(ValueError, match="for browsers; write unix:PATH"):
        grpc_target(address)
