"""The daemons that a runner plays against, and what a scenario may ask to be done to them."""

import json
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.integration.process import DaemonProcess, run_command

__all__ = ["CONTROLS", "Servers"]

CONTROLS = ("restart", "kill", "corrupt-event", "rotate-token")
RIGHTS = ("read", "write", "admin")
SMALL_DISK = "4m"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _run(*arguments: str) -> str:
    finished = run_command(*arguments)
    if finished.returncode:
        raise AssertionError(f"sessiond {' '.join(arguments)}: {finished.stderr}")
    return finished.stdout.strip()


class Servers:
    """The main daemon, with a socket, a port and one with TLS; one for client certificates; one on a small disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tls = folder / "tls"
        self._main: DaemonProcess | None = None
        self.tokens: dict[str, str] = {"unknown": "sst_nobody-knows-this-one"}
        self.endpoints: dict[str, dict[str, str]] = {}
        self.absent: dict[str, str] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Starts all of them, and ends them at the end."""
        with ExitStack() as stack:
            _run("tls", "init", "--tls-dir", str(self._tls))
            self._main = stack.enter_context(self._start_main())
            self._start_mutual(stack)
            yield

    @contextmanager
    def small_disk(self) -> Iterator[None]:
        """A daemon on an empty disk of four megabytes, for one run."""
        with ExitStack() as stack:
            self._start_small(stack)
            yield

    def control(self, words: str) -> str:
        """Does what a scenario asks for; returns the answer to the runner."""
        verb, *arguments = words.split()
        try:
            match verb, arguments:
                case "restart", []:
                    self._daemon.stop()
                case "kill", []:
                    self._daemon.process.kill()
                    self._daemon.process.communicate()
                case "corrupt-event", [session_id, sequence]:
                    self._daemon.stop()
                    _corrupt_event(self._daemon.data_dir / "sessions.db", session_id, int(sequence))
                case "rotate-token", [name]:
                    self.tokens[name] = _run("token", "rotate", name, "--data-dir", str(self._daemon.data_dir))
                    return f"done {json.dumps({'tokens': self.tokens})}"
                case _:
                    return f"failed: nobody knows how to {words}"
            self._daemon.start()
        except (AssertionError, OSError, sqlite3.Error, subprocess.SubprocessError) as error:
            return f"failed: {' '.join(str(error).split())}"
        return "done"

    def config(self, run: str, default: str) -> dict[str, Any]:
        """The config of a runner."""
        return {
            "run": run,
            "default": default,
            "endpoints": self.endpoints,
            "absent": self.absent,
            "tokens": self.tokens,
            "controls": list(CONTROLS),
        }

    @property
    def _daemon(self) -> DaemonProcess:
        if self._main is None:
            raise AssertionError("the daemon was not started")
        return self._main

    def _start_main(self) -> DaemonProcess:
        # The ports stay the same over restarts.
        plain, tls = f"127.0.0.1:{_free_port()}", f"127.0.0.1:{_free_port()}"
        certificate = ("--tls-cert", str(self._tls / "server.pem"), "--tls-key", str(self._tls / "server.key"))
        daemon = DaemonProcess(self._folder, "--listen", plain, "--listen", f"tls:{tls}", *certificate)
        for right in RIGHTS:
            self.tokens[right] = _run("token", "create", right, "--right", right, "--data-dir", str(daemon.data_dir))
        ca_file = str(self._tls / "ca.pem")
        self.endpoints["unix"] = {"address": daemon.address}
        self.endpoints["tcp"] = {"address": plain, "token": "admin"}
        self.endpoints["tls"] = {"address": tls, "token": "admin", "ca_file": ca_file}
        return daemon

    def _start_mutual(self, stack: ExitStack) -> None:
        _run("tls", "client", "writer", "--right", "write", "--tls-dir", str(self._tls))
        address = f"127.0.0.1:{_free_port()}"
        files = {
            "--tls-cert": "server.pem",
            "--tls-key": "server.key",
            "--tls-client-ca": "ca.pem",
        }
        options = [part for option, file in files.items() for part in (option, str(self._tls / file))]
        (self._folder / "mutual").mkdir()
        stack.enter_context(DaemonProcess(self._folder / "mutual", *options, listen=f"tls:{address}"))
        self.endpoints["mtls"] = {
            "address": address,
            "ca_file": str(self._tls / "ca.pem"),
            "certificate_file": str(self._tls / "writer.pem"),
            "key_file": str(self._tls / "writer.key"),
        }

    def _start_small(self, stack: ExitStack) -> None:
        small = self._folder / "small"
        small.mkdir(exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "sessiond-small", str(small)]
        try:
            refused = subprocess.run(mount, capture_output=True, text=True, check=False).stderr
        except OSError as error:
            refused = str(error)
        if refused:
            self.absent["small"] = f"a file system of {SMALL_DISK} could not be mounted: {' '.join(refused.split())}"
            sys.stderr.write(f"{self.absent['small']}\n")
            return
        stack.callback(subprocess.run, ["umount", str(small)], check=False)
        daemon = stack.enter_context(DaemonProcess(small, listen=f"unix:{self._folder / 'small.sock'}"))
        self.endpoints["small"] = {"address": daemon.address}


def _corrupt_event(database: Path, session_id: str, sequence: int) -> None:
    connection = sqlite3.connect(database)
    try:
        changed = connection.execute(
            "UPDATE events SET payload = X'FF' WHERE sequence = ? AND session_key ="
            " (SELECT session_key FROM sessions WHERE id = ?)",
            (sequence, session_id),
        ).rowcount
        connection.commit()
    finally:
        connection.close()
    if changed != 1:
        raise AssertionError(f"{changed} events {sequence} in {session_id}")
