"""The commands around tokens and certificates, with a daemon as a process, as a user would run them."""

import json
from pathlib import Path

import pytest
from cryptography import x509

from tests.integration.process import DaemonProcess, run_command

CLIENTS_PAIR = (("cert", "client.pem"), ("key", "client.key"))


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user without files of other daemons."""
    for variable in ("SESSIOND_TOKEN", "SESSIOND_TOKEN_FILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def listening(daemon: DaemonProcess) -> str:
    """The port that was chosen."""
    return daemon.ready_line.split(" on ")[1].strip()


def run(*arguments: str, address: str = "", **environment: str) -> str:
    """What a command prints; it must succeed."""
    finished = run_command(*arguments, address=address, **environment)
    assert (0, "") == (finished.returncode, finished.stderr)
    return finished.stdout


def test_the_life_of_a_token(tmp_path: Path) -> None:
    """Made, shown once, used from a file and from the environment, rotated, revoked; the daemon runs all the time."""
    with DaemonProcess(tmp_path, listen="127.0.0.1:0") as daemon:
        address, folder = listening(daemon), str(daemon.data_dir)
        file = tmp_path / "agent.token"
        file.write_text(run("token", "create", "agent", "--right", "read", "--data-dir", folder))
        assert run("--token-file", str(file), "sessions", "--json", address=address) == ""
        refused = run_command("--token-file", str(file), "import", "docs/demo/session.jsonl", address=address)
        assert 1 == refused.returncode
        assert "needs the right write" in refused.stderr
        old = file.read_text().strip()
        file.write_text(run("token", "rotate", "agent", "--data-dir", folder))
        assert run("ping", address=address, SESSIOND_TOKEN=file.read_text().strip())
        for shown in (old, "sst_none"):
            refused = run_command("ping", address=address, SESSIOND_TOKEN=shown)
            assert 1 == refused.returncode
            assert "not known" in refused.stderr
            assert shown not in refused.stderr
        listed = [json.loads(line) for line in run("token", "list", "--json", "--data-dir", folder).splitlines()]
        assert [("agent", "read"), ("default", "admin")] == [(token["name"], token["right"]) for token in listed]
        run("token", "revoke", "agent", "--data-dir", folder)
        assert 1 == run_command("--token-file", str(file), "ping", address=address).returncode


def test_the_default_token_is_found_by_its_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a port of this machine, with nothing said."""
    monkeypatch.setenv("SESSIOND_DATA_DIR", "")
    with DaemonProcess(tmp_path / "share", listen="127.0.0.1:0") as daemon:
        refused = run_command("ping", address=listening(daemon))
        assert (1, True) == (refused.returncode, "--token-file" in refused.stderr)
        default = tmp_path / "share" / "sessiond"
        default.mkdir()
        (default / "token").write_bytes((daemon.data_dir / "token").read_bytes())
        assert "serves" in run("ping", address=listening(daemon))


def test_tls_is_set_up_with_one_command(tmp_path: Path) -> None:
    """Daemon and clients of the same user find the files."""
    run("tls", "init")
    with DaemonProcess(tmp_path, listen="tls:127.0.0.1:0") as daemon:
        address = listening(daemon)
        assert address.startswith("tls:127.0.0.1:")
        assert "serves" in run("--token-file", str(daemon.data_dir / "token"), "ping", address=address)
    again = run_command("tls", "init")
    assert 1 == again.returncode
    assert "already" in again.stderr


def test_client_certificates_stand_for_tokens(tmp_path: Path) -> None:
    """A pair is made for each client, and carries its right."""
    folder = tmp_path / "tls"
    run("tls", "init", "--tls-dir", str(folder))
    run("tls", "client", "reader", "--right", "read", "--tls-dir", str(folder))
    more = [f"--tls-{name}={folder / file}" for name, file in (("cert", "server.pem"), ("key", "server.key"))]
    with DaemonProcess(tmp_path, *more, f"--tls-client-ca={folder / 'ca.pem'}", listen="tls:127.0.0.1:0") as daemon:
        shown = [f"--tls-ca={folder / 'ca.pem'}", f"--tls-client-cert={folder / 'reader.pem'}"]
        shown.append(f"--tls-client-key={folder / 'reader.key'}")
        assert "serves" in run(*shown, "ping", address=listening(daemon))
        refused = run_command(*shown, "import", "docs/demo/session.jsonl", address=listening(daemon))
        assert "these credentials give read" in refused.stderr
        assert not (daemon.data_dir / "tokens.json").exists()


def served_names(certificate: Path) -> set[str]:
    """The names and addresses that a certificate is for."""
    names = x509.load_pem_x509_certificate(certificate.read_bytes()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    addresses = names.value.get_values_for_type(x509.IPAddress)
    return {*names.value.get_values_for_type(x509.DNSName), *map(str, addresses)}


def test_a_renewed_pair_keeps_the_names_that_it_had(tmp_path: Path) -> None:
    """Clients elsewhere go on; names that are given take the place of those before."""
    always, certificate = {"localhost", "127.0.0.1", "::1"}, tmp_path / "server.pem"
    run("tls", "init", "--host", "build-machine.example", "--host", "10.0.0.1", "--tls-dir", str(tmp_path))
    for _ in range(2):
        run("tls", "server", "--tls-dir", str(tmp_path))
        assert {*always, "build-machine.example", "10.0.0.1"} == served_names(certificate)
    run("tls", "server", "--host", "other.example", "--tls-dir", str(tmp_path))
    assert {*always, "other.example"} == served_names(certificate)
    run("tls", "server", "second", "--tls-dir", str(tmp_path))
    assert always == served_names(tmp_path / "second.pem")


def test_the_pair_of_the_daemon_is_not_replaced_by_that_of_a_client(tmp_path: Path) -> None:
    """The command that would is refused with the file and what to do, and the daemon serves on."""
    run("tls", "init")
    for command, file in ((("client", "server"), "server.pem"), (("server", "client"), "client.pem")):
        refused = run_command("tls", *command)
        assert (1, "") == (refused.returncode, refused.stdout)
        assert file in refused.stderr
        assert "another name" in refused.stderr
    with DaemonProcess(tmp_path, listen="tls:127.0.0.1:0") as daemon:
        shown = ("--token-file", str(daemon.data_dir / "token"))
        assert "serves" in run(*shown, "ping", address=listening(daemon))


def test_names_and_folders_that_are_too_long_are_refused(tmp_path: Path) -> None:
    """In one line, without a traceback."""
    run("tls", "init")
    too_long = "x" * 65
    for command, told in (
        (("client", too_long), "at most 64"),
        (("server", too_long), "at most 64"),
        (("init", "--tls-dir", str(tmp_path / ("x" * 300))), "File name too long"),
    ):
        refused = run_command("tls", *command)
        assert (1, 1) == (refused.returncode, refused.stderr.count("\n"))
        assert told in refused.stderr


def test_a_tilde_in_the_name_of_a_file_is_the_home(tmp_path: Path) -> None:
    """In the configuration file and in the environment, where no shell has expanded it."""
    home = {"HOME": str(tmp_path)}
    run("tls", "init", SESSIOND_TLS_DIR="~/certificates", **home)
    assert (tmp_path / "certificates" / "server.pem").exists()
    serve = ("serve", "--data-dir", str(tmp_path / "data"), "--listen", "tls:127.0.0.1:0")
    for option in ("tls-cert", "tls-key", "tls-client-ca"):
        given = {"tls-cert": "server.pem", "tls-key": "server.key", option: "none.pem"}
        settings = tmp_path / "config.toml"
        lines = [f'{name} = "~/certificates/{file}"' for name, file in given.items()]
        settings.write_text("\n".join(["[serve]", *lines]))
        by_file = run_command("--config", str(settings), *serve, **home)
        variables = {
            f"SESSIOND_{name.upper().replace('-', '_')}": f"~/certificates/{file}" for name, file in given.items()
        }
        by_environment = run_command(*serve, **variables, **home)
        for refused in (by_file, by_environment):
            assert 2 == refused.returncode
            assert f"cannot read {tmp_path}/certificates/none.pem" in refused.stderr
    for variable in ("SESSIOND_TLS_CA", "SESSIOND_TLS_CLIENT_CERT", "SESSIOND_TLS_CLIENT_KEY"):
        given = {"SESSIOND_TLS_CLIENT_CERT": "~/certificates/client.pem", variable: "~/none.pem"}
        given = {"SESSIOND_TLS_CLIENT_KEY": "~/certificates/client.key", **given}
        refused = run_command("ping", address="tls:127.0.0.1:1", **given, **home)
        assert 2 == refused.returncode
        assert f"cannot read {tmp_path}/none.pem" in refused.stderr


def test_a_handshake_that_fails_is_told_as_what_it_is(tmp_path: Path) -> None:
    """Not as a daemon that does not run: the authority is another one, or no certificate of a client is shown."""
    own, foreign = tmp_path / "own", tmp_path / "foreign"
    for folder in (own, foreign):
        run("tls", "init", "--tls-dir", str(folder))
    more = [f"--tls-{name}={own / file}" for name, file in (("cert", "server.pem"), ("key", "server.key"))]
    with DaemonProcess(tmp_path, *more, f"--tls-client-ca={own / 'ca.pem'}", listen="tls:127.0.0.1:0") as daemon:
        refused = run_command(f"--tls-ca={foreign / 'ca.pem'}", "ping", address=listening(daemon))
        assert (3, True) == (refused.returncode, "is not trusted (unable to get local issuer" in refused.stderr)
        shown = [f"--tls-client-{option}={foreign / file}" for option, file in CLIENTS_PAIR]
        for certificate in ([], shown):
            refused = run_command(f"--tls-ca={own / 'ca.pem'}", *certificate, "ping", address=listening(daemon))
            assert 3 == refused.returncode
            assert f"the daemon at {listening(daemon)} ended the connection" in refused.stderr


def test_wrong_files_of_a_client_are_told_before_it_connects(tmp_path: Path) -> None:
    """With the name of the file, and the exit code of wrong usage."""
    run("tls", "init", "--tls-dir", str(tmp_path))
    run("tls", "client", "other", "--tls-dir", str(tmp_path))
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    for ca, certificate, key, told in (
        ("text.pem", "client.pem", "client.key", f"{text} holds no certificate in PEM"),
        ("ca.pem", "text.pem", "client.key", f"{text} holds no certificate in PEM"),
        ("ca.pem", "client.pem", "text.pem", f"{text} holds no private key in PEM"),
        ("ca.pem", "client.pem", "other.key", f"{tmp_path / 'other.key'} is not the key of {tmp_path / 'client.pem'}"),
    ):
        shown = (f"--tls-ca={tmp_path / ca}", f"--tls-client-cert={tmp_path / certificate}")
        refused = run_command(*shown, f"--tls-client-key={tmp_path / key}", "ping", address="tls:127.0.0.1:1")
        assert (2, 1) == (refused.returncode, refused.stderr.count("\n"))
        assert told in refused.stderr


def test_wrong_files_are_told_before_anything_before_anything_starts(tmp_path: Path) -> None:
    """With the name of the option or of the file, and what to do."""
    run("tls", "init")
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    serve = ("serve", "--data-dir", str(tmp_path / "data"), "--listen", "tls:127.0.0.1:0")
    refused = run_command(*serve, "--tls-cert", str(text))
    assert (2, True) == (refused.returncode, "text.pem holds no certificate in PEM" in refused.stderr)
    pair = [f"--tls-{option}={tmp_path / 'config/sessiond/tls' / file}" for option, file in CLIENTS_PAIR]
    refused = run_command(*serve, *pair)
    assert (2, True) == (refused.returncode, "client.pem is not for a server" in refused.stderr)
    assert not (tmp_path / "data").exists()
    refused = run_command("--token-file", str(tmp_path / "none"), "ping", address="127.0.0.1:1")
    assert (2, True) == (refused.returncode, "none is empty or cannot be read" in refused.stderr)
    refused = run_command("token", "create", "a b", "--data-dir", str(tmp_path / "data"))
    assert (1, True) == (refused.returncode, "letters" in refused.stderr)


def test_the_token_is_found_in_the_data_directory_that_the_configuration_names(tmp_path: Path) -> None:
    """As the daemon of the same configuration left it there."""
    with DaemonProcess(tmp_path, listen="127.0.0.1:0") as daemon:
        settings = tmp_path / "config.toml"
        for text in (f'data-dir = "{daemon.data_dir}"\n', f'[serve]\ndata-dir = "{daemon.data_dir}"\n'):
            settings.write_text(text)
            assert "serves" in run("--config", str(settings), "ping", address=listening(daemon))
        assert "serves" in run("ping", address=listening(daemon), SESSIOND_DATA_DIR=str(daemon.data_dir))


def test_the_configuration_file_names_credentials_and_nested_commands(tmp_path: Path) -> None:
    """Keys of the program itself, of all commands, and of a command of a group."""
    with DaemonProcess(tmp_path, listen="127.0.0.1:0") as daemon:
        settings = tmp_path / "config.toml"
        token = daemon.data_dir / "token"
        settings.write_text(f'token-file = "{token}"\ndata-dir = "{daemon.data_dir}"\n[token.list]\njson = true\n')
        assert "serves" in run("--config", str(settings), "ping", address=listening(daemon))
        assert "default" == json.loads(run("--config", str(settings), "token", "list"))["name"]
        settings.write_text("[token.list]\nno-such = 1\n")
        refused = run_command("--config", str(settings), "token", "list")
        assert 2 == refused.returncode
        assert "token.list.no-such" in refused.stderr
