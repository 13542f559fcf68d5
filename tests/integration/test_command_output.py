"""What a command does when its output cannot be written, or is not wanted any more."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sessionstore import SessionStore
from tests.builders import complete, part, user_message
from tests.integration.process import SESSIOND, DaemonProcess, run_command

PRINTING = [
    ("sessions",),
    ("sessions", "--json"),
    ("show", "alpha"),
    ("show", "alpha", "--json"),
    ("tail", "alpha", "--no-follow"),
    ("tail", "alpha", "--no-follow", "--json"),
    ("metrics",),
    ("ping",),
    ("version",),
    ("--version",),
    ("--help",),
    ("import", "--help"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A daemon with one session, `alpha`, that holds more than a pipe does, and letters that ASCII lacks."""
    with (
        DaemonProcess(tmp_path_factory.mktemp("daemon"), "--durability", "normal") as running,
        SessionStore(running.address) as store,
    ):
        store.create_session(session_id="alpha")
        store.append_message("alpha", user_message("m0", "\u00e9\U0001f600 " + "x" * 5000))
        for index in range(1, 100):
            store.append_message("alpha", user_message(f"m{index}", "x" * 3000))
        store.append_event("alpha", complete("\u00e9\U0001f600" * 30))
        for index in range(999):
            store.append_event("alpha", part(f"{index} " + "y" * 200))
        yield running.address


def shell(script: str, address: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in a shell, as `$@`; of the settings in the environment it sees those given here."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SESSIOND_")}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", script, "bash", SESSIOND, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**inherited, "SESSIOND_ADDRESS": address, **environment},
    )


@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_output_to_a_full_disk_is_told_in_one_line(address: str, arguments: tuple[str, ...]) -> None:
    """The exit code is 1, so that a script does not take half a file for a whole one."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no full disk to write to")
    done = shell('"$@" >/dev/full', address, *arguments)
    assert (1, "Error: cannot write the output: No space left on device\n") == (done.returncode, done.stderr)


@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_a_closed_output_does_not_keep_a_command_from_its_work(address: str, arguments: tuple[str, ...]) -> None:
    """As with /dev/null."""
    done = shell('"$@" >&-', address, *arguments)
    assert (0, "") == (done.returncode, done.stderr)


def test_closed_input_and_errors_do_not_keep_a_command_from_its_work(address: str) -> None:
    """The exit codes are as ever."""
    assert 2 == shell('"$@" <&- 2>&-', address, "delete", "alpha").returncode
    assert 1 == shell('"$@" <&- >&- 2>&-', address, "show", "nothing").returncode


@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_a_reader_that_leaves_ends_a_command_quietly(address: str, arguments: tuple[str, ...]) -> None:
    """Whether it read a line or nothing; a table is no other than JSON there."""
    for reader in ("head -n 1 >/dev/null", "true"):
        done = shell(f'"$@" | {reader}', address, *arguments)
        assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("arguments", [words for words in PRINTING if "--help" not in words], ids=" ".join)
def test_letters_that_the_output_lacks_are_spelled_out(address: str, arguments: tuple[str, ...]) -> None:
    """A terminal without Unicode gets everything, and JSON stays JSON."""
    done = shell('"$@"', address, *arguments, PYTHONIOENCODING="ascii")
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.isascii()
    if "--json" in arguments:
        told = run_command(*arguments, address=address).stdout
        assert [json.loads(line) for line in told.splitlines()] == [
            json.loads(line) for line in done.stdout.splitlines()
        ]


def test_json_tells_what_is_zero_too(address: str) -> None:
    """The first event has the sequence 0, with which a script goes on; a session without messages has 0 of them."""
    told = run_command("tail", "alpha", "--no-follow", "--json", address=address).stdout.splitlines()
    session = json.loads(run_command("sessions", "--json", address=address).stdout)
    assert "0" == json.loads(told[0])["sequence"]
    assert {} == session["metadata"]
