"""Arguments that no command can use: one line that names them, exit code 2, and never a traceback."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sessionstore import SessionStore
from tests.integration.process import DaemonProcess, run_command

NOT_UTF8 = "\udcff"
"""What Python makes of the byte 0xff in an argument."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A daemon with one session, `alpha`."""
    with (
        DaemonProcess(tmp_path_factory.mktemp("daemon"), "--durability", "normal") as running,
        SessionStore(running.address) as store,
    ):
        store.create_session(session_id="alpha")
        yield running.address


def refusal(*arguments: str, address: str = "", **environment: str) -> str:
    """The last line of a refusal of the usage."""
    done = run_command(*arguments, address=address, **environment)
    assert (2, "") == (done.returncode, done.stdout)
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "option", "most"),
    [
        (("sessions", "--limit", "2147483648"), "--limit", "2147483647"),
        (("sessions", "--offset", "2147483648"), "--offset", "2147483647"),
        (("tail", "alpha", "--from", "9223372036854775808"), "--from", "9223372036854775807"),
        (("tail", "alpha", "--from", "9" * 5000), "--from", "9223372036854775807"),
    ],
)
def test_a_number_beyond_what_the_api_takes_is_refused_with_the_limit(
    address: str, arguments: tuple[str, ...], option: str, most: str
) -> None:
    """The option and the largest number are named."""
    line = refusal(*arguments, address=address)
    assert option in line
    assert most in line


def test_the_largest_numbers_reach_the_daemon(address: str) -> None:
    """The limits of the options are those of the API."""
    listed = run_command("sessions", "--json", "--limit", "2147483647", address=address)
    skipped = run_command("sessions", "--json", "--offset", "2147483647", address=address)
    ahead = run_command("tail", "alpha", "--no-follow", "--from", "9223372036854775807", address=address)
    assert (0, 1) == (listed.returncode, len(listed.stdout.splitlines()))
    assert (0, "") == (skipped.returncode, skipped.stdout)
    assert (1, True) == (ahead.returncode, "9223372036854775807" in ahead.stderr)


@pytest.mark.parametrize(
    ("option", "time", "zone"),
    [
        ("--created-after", "0001-01-01", "UTC"),
        ("--updated-after", "0001-01-01T00:00:00+14:00", "UTC"),
        ("--created-before", "9999-12-31T23:59:59", "America/New_York"),
        ("--updated-before", "9999-12-31T23:59:59-05:00", "UTC"),
    ],
)
def test_a_time_beyond_the_calendar_is_refused_with_its_option(address: str, option: str, time: str, zone: str) -> None:
    """Which times are too early or too late depends on the time zone."""
    line = refusal("sessions", option, time, address=address, TZ=zone)
    assert line.startswith(f"Error: {option} '{time}' lies outside the years 1 to 9999")


def test_the_first_and_the_last_time_of_the_calendar_can_be_asked_for(address: str) -> None:
    """In whatever time zone the reader is."""
    listed = run_command(
        *("sessions", "--json", "--created-after", "0001-01-01T00:00:00Z", "--created-before", "9999-12-31T23:59:59Z"),
        address=address,
        TZ="America/New_York",
    )
    assert (0, "", 1) == (listed.returncode, listed.stderr, len(listed.stdout.splitlines()))


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", NOT_UTF8),
        ("tail", NOT_UTF8),
        ("delete", NOT_UTF8, "--yes"),
        ("archive", NOT_UTF8),
        ("restore", NOT_UTF8),
        ("tail", "alpha", "--type", NOT_UTF8),
        ("sessions", "--metadata", f"{NOT_UTF8}=b"),
        ("sessions", "--created-after", NOT_UTF8),
        ("ping", "--address", f"{NOT_UTF8}:5"),
        ("token", "create", NOT_UTF8),
        ("serve", "--listen", f"{NOT_UTF8}:5"),
    ],
    ids=" ".join,
)
def test_an_argument_that_is_not_utf8_is_refused(address: str, arguments: tuple[str, ...], tmp_path: Path) -> None:
    """It is shown with its bytes spelled out."""
    line = refusal(*arguments, address=address, SESSIOND_DATA_DIR=str(tmp_path))
    assert line.startswith("Error: the argument ")
    assert r"\xff" in line
    assert line.endswith(" is not UTF-8")


def test_a_path_may_hold_any_bytes(tmp_path: Path) -> None:
    """The data directory, the socket, and what is imported."""
    folder = tmp_path / NOT_UTF8
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("the names of this file system are text")
    with DaemonProcess(folder) as daemon:
        pinged = run_command("ping", address=daemon.address)
        assert (0, "") == (pinged.returncode, pinged.stderr)
        assert r"\udcff" in pinged.stdout
    assert 0 == run_command("check", "--data-dir", str(daemon.data_dir)).returncode
