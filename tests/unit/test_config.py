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
        ("tls:0.0.0.0:50551", Listener(host="0.0.0.0", port=50551, tls=True)),  # noqa: S104 - it is only read
        ("http://127.0.0.1:8080", Listener(host="127.0.0.1", port=8080, web=True)),
        ("https://[::1]:8443", Listener(host="::1", port=8443, tls=True, web=True)),
    ],
)
def test_addresses_are_read_and_written(text: str, listener: Listener) -> None:
    """What is read is written the same."""
    assert listener == parse_listener(text)
    assert text == str(listener)


@pytest.mark.parametrize(
    "text",
    [
        *("unix:", "50551", ":50551", "host:", "host:port", "host:65536", "::1:50551", f"unix:/{'x' * 108}", "a:-1"),
        *("http://", "http://localhost", "http://localhost:80/", "http:localhost:80", "https://::1:80", "http://:80"),
    ],
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
        ({"listen": ("https://127.0.0.1:1",)}, "sessiond tls init"),
        ({"listen": ("http://127.0.0.1:1",), "tls_client_authority": Path("ca.pem")}, "no listener has TLS"),
        ({"allowed_origins": ("http://localhost:3000",)}, "--listen http://HOST:PORT"),
        ({"insecure": True, "require_token": True}, "contradict"),
        ({"listen": ("unix:/a", "unix:/a")}, "named twice"),
        ({"grace_seconds": -1.0}, "must not be negative"),
        ({"keepalive_seconds": 0}, "must be 1 at least"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(fields: dict[str, object], message: str) -> None:
    """The message says what to do."""
    with pytest.raises(ConfigError, match=message):
        ServeConfig(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "origin",
    ["https://app.example.com", "http://localhost:3000", "http://[::1]:80", "vscode-webview://1a2b", "null", "*"],
)
def test_an_origin_is_taken_as_browsers_send_it(origin: str) -> None:
    """Those of extensions, web views and files too."""
    config = ServeConfig(listen=("http://127.0.0.1:0",), allowed_origins=(origin,))
    assert (origin,) == config.allowed_origins


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "app.example.com",
        "https://app.example.com/",
        "https://App.example.com",
        "https://*",
        "https://a b",
        "a://u@h",
    ],
)
def test_an_origin_that_no_browser_sends_is_refused(origin: str) -> None:
    """It would never match; the message says how to write it."""
    with pytest.raises(ConfigError, match="allow-origin: "):
        ServeConfig(listen=("http://127.0.0.1:0",), allowed_origins=(origin,))


def test_browsers_are_never_let_in_without_a_token() -> None:
    """Whatever the other listeners ask for: any page of anybody's can reach a port of the machine."""
    assert ServeConfig(listen=("http://127.0.0.1:0",), insecure=True).uses_tokens


def test_tokens_that_travel_unencrypted_are_warned_of() -> None:
    """For each address beyond the machine, naming the one to write."""
    config = ServeConfig(listen=("10.0.0.1:1", "http://10.0.0.1:2", "http://127.0.0.1:3"))
    assert ["tls:10.0.0.1:1", "https://10.0.0.1:2"] == [warning.rpartition(" ")[2] for warning in config.warnings]
