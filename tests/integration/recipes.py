"""Pages of recipes for a shell: their blocks, and the shell of a user who types them."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.process import PATIENCE_SECONDS, SESSIOND, DaemonProcess

__all__ = ["PATH", "Page", "Shell", "typing_user"]

ROOT = Path(__file__).resolve().parents[2]
PATH = f"{ROOT / 'build' / 'bin'}{os.pathsep}{os.environ['PATH']}{os.pathsep}{Path(SESSIOND).parent}"


class Page:
    """A page of docs, by its name."""

    def __init__(self, name: str) -> None:
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        self._blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)

    def block(self, words: str) -> str:
        """The one block of the page that holds these words."""
        found = [text for text in self._blocks if words in text]
        assert 1 == len(found)
        return str(found[0])


class Shell:
    """A shell of a user whose home is a folder of the test, with daemons at the addresses of the page."""

    def __init__(self, home: Path) -> None:
        self._replaced: dict[str, str] = {}
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
        self.instead(f"127.0.0.1:{page_port}", address.removeprefix("tls:"))

    def instead(self, page: str, real: str) -> None:
        """What the page says is replaced by what holds here."""
        self._replaced[page] = real

    def script(self, text: str) -> list[str]:
        """The command that runs a block and fails where a line of it fails."""
        for page, real in self._replaced.items():
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


@contextmanager
def typing_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A shell, and the daemons that the pages start."""
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
