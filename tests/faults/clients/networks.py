"""Two network namespaces with a cable between them that can be cut; they are ours alone, and end with the block."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

__all__ = ["Cable", "NoNamespacesError", "available", "cable"]

HOST, CLIENT = "10.77.0.1", "10.77.0.2"


class NoNamespacesError(Exception):
    """The system does not let this user make network namespaces; the text says what it said."""


class Cable:
    """The two ends, as commands that put a command there."""

    def __init__(self, server: int, client: int) -> None:
        self.host = HOST
        self.at_server = _inside(server)
        self.at_client = _inside(client)

    def cut(self) -> None:
        """From now on nothing gets through, and nobody is told."""
        _run(*self.at_server, "ip", "link", "set", "near", "down")


def _inside(process: int) -> tuple[str, ...]:
    return ("nsenter", "--target", str(process), "--user", "--preserve-credentials", "--net")


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NoNamespacesError(f"{command[0]} is not installed") from error
    except subprocess.CalledProcessError as error:
        raise NoNamespacesError(f"{' '.join(command)}: {error.stderr.strip()}") from error


@contextmanager
def _namespace(*outside: str) -> Iterator[int]:
    """A process in a new network namespace, which does nothing until the block ends."""
    user = () if outside else ("--user", "--map-root-user")
    # It says that it is there, and ends when its input does.
    command = [*outside, "unshare", *user, "--net", "sh", "-c", "echo; exec cat"]
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    except FileNotFoundError as error:
        raise NoNamespacesError(f"{error.filename} is not installed") from error
    with process:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise AssertionError("the process has no pipes")
        if process.stdout.readline() != "\n":
            raise NoNamespacesError(process.stderr.read().strip())
        yield process.pid
        process.stdin.close()


@contextmanager
def cable() -> Iterator[Cable]:
    """A cable for as long as the block. Raises NoNamespacesError."""
    with ExitStack() as stack:
        server = stack.enter_context(_namespace())
        client = stack.enter_context(_namespace(*_inside(server)))
        plugged = Cable(server, client)
        _run(*plugged.at_server, "ip", "link", "add", "near", "type", "veth", "peer", "far", "netns", str(client))
        for end, name, address in ((plugged.at_server, "near", HOST), (plugged.at_client, "far", CLIENT)):
            _run(*end, "ip", "link", "set", "lo", "up")
            _run(*end, "ip", "address", "add", f"{address}/24", "dev", name)
            _run(*end, "ip", "link", "set", name, "up")
        yield plugged


def available() -> str:
    """Why there are no namespaces; empty where there are."""
    if os.name != "posix":
        return "the system has no namespaces"
    try:
        with cable():
            return ""
    except NoNamespacesError as error:
        return str(error)
