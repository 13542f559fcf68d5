"""What the daemon is told, and what it refuses to be told."""

from pathlib import Path

import pytest

from sessiond.config import ConfigError, Listener, ServeConfig, default_listen, parse_listener
from sessionstore.address import default_address


@pytest.mark.parametrize("runtime_dir", [None, "here"])
def test_daemon_and_client_agree_on_the_default_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, runtime_dir: str | None
) -> None:
    """With and without a runtime folder of the login session, and without a warning."""
    monkeypatch.delenv("SESSIOND_ADDRESS", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    if runtime_dir:
        tmp_path.chmod(0o700)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert default_listen() == default_address()


@pytest.mark.parametrize(
    ("text", "listener"),
    [
        ("unix:/run/s.sock", Listener(socket=Path("/run/s.sock"))),
        ("127.0.0.1:0", Listener(host="127.0.0.1", port=0)),
        ("[::1]:50551", Listener(host="::1", port=50551)),
        ("localhost:65535", Listener(host="localhost", port=65535)),
    ],
)
def test_addresses_are_read_and_written(text: str, listener: Listener) -> None:
    """What is read is written the same."""
    assert listener == parse_listener(text)
    assert text == str(listener)


@pytest.mark.parametrize(
    "text", ["unix:", "50551", ":50551", "host:", "host:port", "host:65536", "::1:50551", f"unix:/{'x' * 108}", "a:-1"]
)
def test_a_bad_address_is_refused(text: str) -> None:
    """The message says how to write it."""
    with pytest.raises(ConfigError, match="listen: "):
        parse_listener(text)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"listen": ()}, "at least one"),
        ({"listen": ("tls:127.0.0.1:1",)}, "sessiond tls init"),
        ({"tls_client_authority": Path("ca.pem")}, "no listener has TLS"),
        ({"insecure": True, "require_token": True}, "contradict"),
        ({"listen": ("unix:/a", "unix:/a")}, "named twice"),
        ({"grace_seconds": -1.0}, "must not be negative"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(fields: dict[str, object], message: str) -> None:
    """The message says what to do."""
    with pytest.raises(ConfigError, match=message):
        ServeConfig(**fields)  # type: ignore[arg-type]
