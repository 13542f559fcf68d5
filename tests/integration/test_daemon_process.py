"""The daemon as a process: how it starts, refuses and stops."""

import errno
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from sessionstore import SessionStore
from sessionstore.errors import DeadlineExceededError, ServerUnavailableError
from tests.builders import part, user_message
from tests.integration.process import SESSIOND, DaemonProcess, run_command


def test_it_says_where_it_is_ready_and_answers_there(tmp_path: Path) -> None:
    """One line names the addresses, port 0 as the port that was chosen, and ping succeeds."""
    with DaemonProcess(tmp_path, "--insecure", listen="127.0.0.1:0") as daemon:
        address = daemon.ready_line.removeprefix("sessiond is ready on ").strip()
        pinged = run_command("ping", address=address)
        assert not address.endswith(":0")
        assert (0, "") == (pinged.returncode, pinged.stderr)


@pytest.mark.parametrize("output", ["a full disk", "nobody"])
def test_it_serves_all_the_same_where_nobody_can_be_told(tmp_path: Path, output: str) -> None:
    """As where its output is a log on a disk that is full, or whoever started it does not wait for the line."""
    if output == "nobody":
        reading, written = os.pipe()
        os.close(reading)
    else:
        written = os.open("/dev/full", os.O_WRONLY)
    address = f"unix:{tmp_path}/s.sock"
    command = [SESSIOND, "serve", "--data-dir", str(tmp_path / "data"), "--listen", address]
    with subprocess.Popen(command, stdout=written, process_group=0) as process:
        os.close(written)
        while run_command("ping", address=address).returncode:
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
    assert 0 == process.returncode


def test_sigterm_ends_it_with_zero_while_a_tail_is_open(tmp_path: Path) -> None:
    """An open tail does not keep a daemon from stopping in good order, nor make it wait for its grace."""
    with DaemonProcess(tmp_path, "--grace-seconds", "600") as daemon, SessionStore(daemon.address) as store:
        store.create_session(session_id="s")
        store.append_event("s", part())
        tail = store.tail("s", give_up_after_seconds=0.1)
        next(tail)
        code, errors = daemon.stop(signal.SIGTERM)
        assert (0, "") == (code, errors)
        tail.close()


def test_sigint_ends_it_too(tmp_path: Path) -> None:
    """Ctrl-C stops a daemon in good order."""
    with DaemonProcess(tmp_path) as daemon:
        assert (0, "") == daemon.stop(signal.SIGINT)


def test_a_second_daemon_on_one_data_directory_is_refused(tmp_path: Path) -> None:
    """It says who holds the directory, and the first goes on."""
    with DaemonProcess(tmp_path) as first:
        second = run_command("serve", "--data-dir", str(first.data_dir), "--listen", f"unix:{tmp_path}/other.sock")
        assert 5 == second.returncode
        assert f"process {first.process.pid} (listening on {first.address})" in second.stderr
        assert 0 == run_command("ping", address=first.address).returncode


def test_a_second_daemon_on_one_socket_is_refused(tmp_path: Path) -> None:
    """The socket of a running daemon is neither replaced nor removed."""
    with DaemonProcess(tmp_path) as first:
        second = run_command("serve", "--data-dir", str(tmp_path / "other"), "--listen", first.address)
        assert 5 == second.returncode
        assert "another server listens on" in second.stderr
        assert 0 == run_command("ping", address=first.address).returncode


def test_a_second_daemon_on_one_port_is_refused(tmp_path: Path) -> None:
    """A port that somebody listens on is not shared silently."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with DaemonProcess(tmp_path, "--insecure", listen=f"127.0.0.1:{port}") as first:
        second = run_command("serve", "--data-dir", str(tmp_path / "other"), "--listen", first.address, "--insecure")
        assert 5 == second.returncode
        assert "another program listens on" in second.stderr
        assert 0 == run_command("ping", address=first.address).returncode


def test_a_socket_that_cannot_be_made_is_told_with_the_reason(tmp_path: Path) -> None:
    """In a line of ours alone: there are no sockets in this folder, whoever asks."""
    done = run_command("serve", "--data-dir", str(tmp_path / "data"), "--listen", "unix:/proc/self/s.sock")
    assert (5, "") == (done.returncode, done.stdout)
    assert f"Error: cannot listen on unix:/proc/self/s.sock: {os.strerror(errno.ENOENT)}\n" == done.stderr


def test_a_socket_that_a_killed_daemon_left_is_taken_over(tmp_path: Path) -> None:
    """After a SIGKILL the daemon starts again on the same socket and has what it acknowledged."""
    with DaemonProcess(tmp_path) as daemon, SessionStore(daemon.address) as store:
        store.create_session(session_id="s")
        store.append_event("s", part("kept"))
        daemon.stop(signal.SIGKILL)
        daemon.start()
        assert ["kept"] == [stored.event.message_part.content for stored in store.get_events("s")]


def test_tls_without_a_certificate_says_how_to_make_one(tmp_path: Path) -> None:
    """The command line is refused before anything is written."""
    arguments = ("serve", "--data-dir", str(tmp_path / "data"), "--listen", "tls:127.0.0.1:0")
    refused = run_command(*arguments, XDG_CONFIG_HOME=str(tmp_path))
    assert 2 == refused.returncode
    assert "sessiond tls init" in refused.stderr
    assert not (tmp_path / "data").exists()


def test_the_socket_and_its_folder_are_the_users_own(tmp_path: Path) -> None:
    """Nobody else may connect: the folder is made with 0700, the socket with 0600."""
    folder = tmp_path / "run"
    with DaemonProcess(tmp_path, listen=f"unix:{folder}/s.sock"):
        assert (0o700, 0o600) == (folder.stat().st_mode & 0o777, (folder / "s.sock").stat().st_mode & 0o777)


def test_a_blocking_client_is_used_from_many_threads(tmp_path: Path) -> None:
    """Appends of many threads through one client get a number each."""
    sequences: list[int] = []
    with DaemonProcess(tmp_path, "--durability", "normal") as daemon, SessionStore(daemon.address) as store:
        store.create_session(session_id="s")

        def write() -> None:
            sequences.extend(store.append_event("s", part()).sequence for _ in range(20))

        threads = [threading.Thread(target=write) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert list(range(160)) == sorted(sequences)


def test_a_socket_may_have_any_path(tmp_path: Path) -> None:
    """Characters that mean something in a URI are characters of the path."""
    folder = tmp_path / "50%20 #a?b"
    folder.mkdir()
    with DaemonProcess(folder) as daemon:
        assert 0 == run_command("ping", address=daemon.address).returncode
        assert (folder / "s.sock").exists()


def serves(store: SessionStore) -> bool:
    """Whether the daemon takes new calls."""
    try:
        return store.ping()
    except (ServerUnavailableError, DeadlineExceededError):
        # A server that stops holds the calls that it took and has not begun, until its grace is over.
        return False


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    """While a client that does not read keeps it from stopping within its grace, another signal does."""
    with (
        DaemonProcess(tmp_path, "--grace-seconds", "600") as daemon,
        SessionStore(daemon.address) as store,
        SessionStore(daemon.address, timeout_seconds=5) as asking,
    ):
        store.create_session(session_id="s")
        for index in range(20):
            store.append_message("s", user_message(f"m{index}", "x" * 3_000_000))
        reading = store.get_messages("s")
        next(reading)
        daemon.process.send_signal(signal.SIGTERM)
        # It refuses new calls once it is stopping.
        while serves(asking):
            pass
        code, errors = daemon.stop(signal.SIGTERM)
        assert (1, True) == (code, "stopped at once" in errors)
