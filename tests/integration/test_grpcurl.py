"""What docs/grpcurl.md tells to type, typed as it stands there."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.process import PATIENCE_SECONDS, SESSIOND, DaemonProcess

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(
    r"^```sh\n(.*?)^```", (ROOT / "docs" / "grpcurl.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)
PATH = f"{ROOT / 'build' / 'bin'}{os.pathsep}{os.environ['PATH']}{os.pathsep}{Path(SESSIOND).parent}"

pytestmark = pytest.mark.skipif(
    shutil.which("grpcurl", path=PATH) is None, reason="grpcurl is not installed; run .ci/install-grpcurl (needs Go)"
)


def block(words: str) -> str:
    """The one block of the page that holds these words."""
    found = [text for text in BLOCKS if words in text]
    assert 1 == len(found)
    return str(found[0])


class Shell:
    """A shell of a user whose home is a folder of the test, with daemons at the addresses of the page."""

    def __init__(self, home: Path) -> None:
        self._ports: dict[str, str] = {}
        runtime = home / "runtime"
        runtime.mkdir(mode=0o700)
        self.socket = runtime / "sessiond" / "sessiond.sock"
        self.environment = {
            "HOME": str(home),
            "PATH": PATH,
            "XDG_RUNTIME_DIR": str(runtime),
            "LANG": "C.UTF-8",
        }

    def at(self, page_port: int, address: str) -> None:
        """The daemon that the page has at a port is at this one."""
        self._ports[f"127.0.0.1:{page_port}"] = address.removeprefix("tls:")

    def script(self, text: str) -> list[str]:
        """The command that runs a block and fails where a line of it fails."""
        for page, real in self._ports.items():
            text = text.replace(page, real)
        return ["bash", "-euo", "pipefail", "-c", text]

    def run(self, text: str) -> subprocess.CompletedProcess[str]:
        """Runs a block to its end."""
        return subprocess.run(
            self.script(text),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def answers(self, text: str) -> str:
        """What a block prints; it must succeed."""
        ran = self.run(text)
        assert (0, "") == (ran.returncode, ran.stderr)
        return ran.stdout


def objects(text: str) -> list[dict[str, Any]]:
    """The JSON objects that stand one after the other."""
    decoder, at = json.JSONDecoder(), 0
    found: list[dict[str, Any]] = []
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        found.append(value)
        at += len(text[at:]) - len(text[at:].lstrip())
    return found


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A shell, and the daemons that the page starts."""
    shell = Shell(tmp_path)
    # The daemons are of the same user.
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "SESSIOND_CONFIG", "SESSIOND_ADDRESS", "SESSIOND_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in shell.environment.items():
        monkeypatch.setenv(name, value)
    shell.answers("sessiond tls init >/dev/null")
    data_dir = tmp_path / ".local" / "share" / "sessiond"
    data_dir.parent.mkdir(parents=True)
    authority = tmp_path / ".config" / "sessiond" / "tls" / "ca.pem"
    more = ("--listen", "127.0.0.1:0", "--listen", "tls:127.0.0.1:0")
    with (
        DaemonProcess(tmp_path, *more, "--data-dir", str(data_dir), listen=f"unix:{shell.socket}") as daemon,
        DaemonProcess(tmp_path / "other", "--tls-client-ca", str(authority), listen="tls:127.0.0.1:0") as mutual,
    ):
        _, port, encrypted = daemon.ready_line.strip().removeprefix("sessiond is ready on ").split(", ")
        shell.at(50551, port)
        shell.at(50552, encrypted)
        shell.at(50553, mutual.ready_line.strip().removeprefix("sessiond is ready on "))
        yield shell


def test_the_page_can_be_typed_from_its_start_to_its_end(shell: Shell) -> None:
    """Each block does what the page says, over the socket, with a token, and over TLS."""
    looked = shell.answers(block("-msg-template"))
    for name in ("sessionstore.v1.AdminService", "TailEvents (", "oneof start", '"mutations"', "store_id", "SERVING"):
        assert name in looked

    created, appended, committed = objects(shell.answers(block("CreateSession")))
    assert "session" in created
    assert "position" in appended
    assert 2 == len(committed["results"])

    outcomes = [item for answer in objects(shell.answers(block("-d @"))) for item in answer["outcomes"]]
    assert 2 == len(outcomes)
    assert all("result" in outcome for outcome in outcomes)

    read = shell.answers(block("no_follow"))
    assert '"text": "Hello."' in read
    frames = [frame for frame in objects(read) if frame.keys() & {"events", "caught_up"}]
    assert "3" == frames[-1]["caught_up"]["last_sequence"]

    refused = shell.run(block("nobody"))
    assert 69 == refused.returncode
    assert "SESSION_NOT_FOUND" in refused.stderr

    for words in ("127.0.0.1:50551", "127.0.0.1:50552", "127.0.0.1:50553"):
        assert "sessionstore.v1.AdminService" in (said := shell.answers(block(words))) or "store_id" in said


def test_a_tail_of_the_page_shows_what_happens_until_it_is_interrupted(shell: Shell) -> None:
    """An event that is appended while it is open appears in it."""
    shell.answers(block("CreateSession"))
    with subprocess.Popen(
        shell.script(block("from_now")), env=shell.environment, stdout=subprocess.PIPE, text=True
    ) as tail:
        assert tail.stdout is not None
        for line in tail.stdout:
            if "caught_up" in line:
                break
        shell.answers(block("-d @"))
        assert any("session_saved" in line for line in tail.stdout)
        tail.send_signal(signal.SIGINT)
        tail.stdout.read()
    assert 0 != tail.returncode


def test_without_a_token_a_port_of_the_page_is_closed(shell: Shell) -> None:
    """So that the recipes with a token prove something."""
    refused = shell.run("grpcurl -plaintext 127.0.0.1:50551 list")
    assert 0 != refused.returncode
    assert "Unauthenticated" in refused.stderr or "authorization" in refused.stderr
