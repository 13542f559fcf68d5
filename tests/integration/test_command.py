"""The command as a person and a script meet it."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

import sessiond
from sessiond.store.sqlite.engine import DATABASE_NAME
from sessiond.store.sqlite.migration_files import load_migrations
from sessionstore import SessionStore
from sessionstore.v1.session_pb2 import SessionConfig
from tests.builders import custom, part, tool_call, user_message
from tests.integration.process import SESSIOND, DaemonProcess, run_command

STEPS = [str(migration) for migration in load_migrations()]

CLAUDE_LINE = {
    "type": "user",
    "uuid": "u1",
    "parentUuid": None,
    "sessionId": "11111111-0000-4000-8000-000000000000",
    "timestamp": "2026-01-05T09:00:00.000Z",
    "isSidechain": False,
    "message": {"role": "user", "content": "hello"},
}


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[DaemonProcess]:
    """A daemon with two sessions; `alpha-1` has a message, a tool call and three events."""
    with DaemonProcess(tmp_path, "--durability", "normal") as running, SessionStore(running.address) as store:
        store.create_session(SessionConfig(metadata={"team": "a"}), session_id="alpha-1")
        store.create_session(session_id="alpha-2")
        store.append_message("alpha-1", user_message("m", "look \x1b[31mred\x1b[0m"))
        store.create_tool_call("alpha-1", tool_call("c"))
        for event in (part("one"), custom("note", b"x"), part("two")):
            store.append_event("alpha-1", event)
        yield running


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    assert (0, "") == (done.returncode, done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_sessions_filters_sorts_and_pages(daemon: DaemonProcess) -> None:
    """Filters, order, limit and offset reach the daemon; each line is one JSON object."""
    listed = [item["id"] for item in lines(run_command("sessions", "--json", address=daemon.address))]
    filtered = lines(run_command("sessions", "--json", "--metadata", "team=a", address=daemon.address))
    ordered = lines(
        run_command("sessions", "--json", "--order-by", "message-count", "--limit", "1", address=daemon.address)
    )
    skipped = lines(run_command("sessions", "--json", "--offset", "1", address=daemon.address))
    future = lines(run_command("sessions", "--json", "--created-after", "2999-01-01", address=daemon.address))
    assert ["alpha-2", "alpha-1"] == listed
    assert ["alpha-1"] == [item["id"] for item in filtered] == [item["id"] for item in ordered]
    assert ["alpha-1"] == [item["id"] for item in skipped]
    assert [] == future


def test_show_spells_control_characters_out(daemon: DaemonProcess) -> None:
    """What an agent stored cannot steer the reader's terminal, and output to a pipe has no colours."""
    shown = run_command("show", "alpha-1", address=daemon.address)
    assert (0, "") == (shown.returncode, shown.stderr)
    assert "\x1b" not in shown.stdout
    assert "look \\x1b[31mred\\x1b[0m" in shown.stdout
    assert "pending approval" in shown.stdout
    kinds = [item["kind"] for item in lines(run_command("show", "alpha-1", "--json", address=daemon.address))]
    assert ["session", "message", "external"] == kinds


def test_an_unambiguous_beginning_of_an_id_will_do(daemon: DaemonProcess) -> None:
    """An ambiguous one is refused with candidates, an unknown one with what to do."""
    with SessionStore(daemon.address) as store:
        store.create_session(session_id="alpha-11")
        store.create_session(session_id="beta")
    assert 0 == run_command("show", "be", address=daemon.address).returncode
    assert 0 == run_command("show", "alpha-1", address=daemon.address).returncode
    ambiguous = run_command("show", "alpha", address=daemon.address)
    unknown = run_command("show", "gamma", address=daemon.address)
    assert (1, True) == (ambiguous.returncode, "alpha-11" in ambiguous.stderr and "alpha-2" in ambiguous.stderr)
    assert (1, "Error: no session 'gamma'; `sessiond sessions` lists them\n") == (unknown.returncode, unknown.stderr)


def test_tail_filters_and_begins_where_it_is_told(daemon: DaemonProcess) -> None:
    """From the start, after a sequence, and by type."""
    everything = lines(run_command("tail", "alpha-1", "--no-follow", "--json", address=daemon.address))
    after = lines(run_command("tail", "alpha-1", "--no-follow", "--json", "--from", "1", address=daemon.address))
    custom_only = lines(
        run_command("tail", "alpha-1", "--no-follow", "--json", "--type", "custom:note", address=daemon.address)
    )
    assert 3 == len(everything)
    assert ["2"] == [item["sequence"] for item in after]
    assert ["1"] == [item["sequence"] for item in custom_only]


def test_an_interrupt_is_the_clean_end_of_a_tail(daemon: DaemonProcess) -> None:
    """Ctrl-C ends a tail with 0 and without a word."""
    command = [SESSIOND, "tail", "alpha-1", "--address", daemon.address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tail:
        assert tail.stdout is not None
        for _ in range(3):
            assert tail.stdout.readline()
        tail.send_signal(signal.SIGINT)
        errors = tail.communicate(timeout=30)[1]
    assert (0, "") == (tail.returncode, errors)


def test_output_survives_a_reader_that_leaves(daemon: DaemonProcess) -> None:
    """`| head` ends the command quietly."""
    with SessionStore(daemon.address) as store:
        for index in range(2000):
            store.append_event("alpha-2", part(str(index) * 50))
    command = f"'{SESSIOND}' tail alpha-2 --no-follow --json --address '{daemon.address}' | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=30, check=False
    )
    assert (0, "", 1) == (done.returncode, done.stderr, len(done.stdout.splitlines()))


def test_delete_asks_first(daemon: DaemonProcess) -> None:
    """Where nobody can be asked, --yes is needed."""
    refused = run_command("delete", "alpha-2", address=daemon.address)
    deleted = run_command("delete", "alpha-2", "--yes", address=daemon.address)
    assert (2, True) == (refused.returncode, "--yes" in refused.stderr)
    assert (0, True) == (deleted.returncode, deleted.stdout.startswith("deleted alpha-2"))
    assert 1 == run_command("show", "alpha-2", address=daemon.address).returncode


def test_archive_and_restore(daemon: DaemonProcess) -> None:
    """An archived session is out of the lists, and comes back as it was."""
    assert 0 == run_command("archive", "alpha-1", address=daemon.address).returncode
    assert ["alpha-2"] == [item["id"] for item in lines(run_command("sessions", "--json", address=daemon.address))]
    assert 0 == run_command("restore", "alpha-1", address=daemon.address).returncode
    assert 3 == len(lines(run_command("tail", "alpha-1", "--no-follow", "--json", address=daemon.address)))


def test_archived_sessions_are_listed(daemon: DaemonProcess) -> None:
    """The newest archive first, as JSON and as a table; limit and offset count as ever."""
    empty = run_command("sessions", "--archived", "--json", address=daemon.address)
    for name in ("alpha-1", "alpha-2"):
        run_command("archive", name, address=daemon.address)
    listed = lines(run_command("sessions", "--archived", "--json", address=daemon.address))
    second = lines(
        run_command("sessions", "--archived", "--json", "--limit", "1", "--offset", "1", address=daemon.address)
    )
    shown = run_command("sessions", "--archived", address=daemon.address)
    assert (0, "") == (empty.returncode, empty.stdout)
    assert ["alpha-2", "alpha-1"] == [archive_id(item) for item in listed]
    assert ["alpha-1"] == [archive_id(item) for item in second]
    assert all("archived_at" in item for item in listed)
    assert 0 == shown.returncode
    assert [["id", "archived"], ["alpha-2"], ["alpha-1"]] == [
        words[:2] if words[0] == "id" else words[:1] for words in map(str.split, shown.stdout.splitlines())
    ]


def archive_id(archive: dict[str, object]) -> object:
    session = archive["session"]
    assert isinstance(session, dict)
    return session["id"]


@pytest.mark.parametrize(
    "filtering",
    [
        ("--metadata", "team=a"),
        ("--status", "active"),
        ("--updated-after", "2026-05-11"),
        ("--order-by", "updated-at"),
        ("--ascending",),
    ],
    ids=" ".join,
)
def test_archived_sessions_are_neither_filtered_nor_sorted(filtering: tuple[str, ...]) -> None:
    """What would be ignored is refused by its name."""
    done = run_command("sessions", "--archived", *filtering)
    assert (2, f"Error: --archived and {filtering[0]} do not go together\n") == (done.returncode, done.stderr)


def test_restore_says_where_the_whole_ids_are(daemon: DaemonProcess) -> None:
    """A beginning will not do: a list of the archive may be long."""
    run_command("archive", "alpha-1", address=daemon.address)
    refused = run_command("restore", "alpha", address=daemon.address)
    assert (1, "Error: no archive 'alpha'; it takes the whole id, `sessiond sessions --archived` lists them\n") == (
        refused.returncode,
        refused.stderr,
    )


def test_the_version_is_a_command_and_an_option() -> None:
    """Both are tried by people who do not know which it is."""
    command, option = run_command("version"), run_command("--version")
    assert (0, f"sessiond {sessiond.__version__}\n", "") == (command.returncode, command.stdout, command.stderr)
    assert (0, command.stdout, "") == (option.returncode, option.stdout, option.stderr)


def test_an_unreachable_daemon_is_told_with_its_address(tmp_path: Path) -> None:
    """The exit code is 3, and the message says what to do."""
    address = f"unix:{tmp_path}/none.sock"
    with ThreadPoolExecutor() as pool:
        commands = [("ping",), ("sessions",), ("show", "x"), ("tail", "x")]
        all_done = list(pool.map(lambda command: run_command(*command, address=address), commands))
    for done in all_done:
        assert 3 == done.returncode
        assert f"no daemon answers at {address}" in done.stderr
        assert "Traceback" not in done.stderr


def test_options_win_over_environment_over_file(tmp_path: Path) -> None:
    """Flags, then SESSIOND_*, then the TOML file."""
    for name in ("file", "environment", "flag"):
        (tmp_path / name).mkdir()
    config = tmp_path / "config.toml"
    config.write_text(f'data-dir = "{tmp_path}/file"\n[migrate]\nstatus = false\n')
    by_file = run_command("migrate", SESSIOND_CONFIG=str(config))
    by_environment = run_command("--config", str(config), "migrate", SESSIOND_DATA_DIR=str(tmp_path / "environment"))
    by_flag = run_command(
        "--config",
        str(config),
        "migrate",
        "--data-dir",
        str(tmp_path / "flag"),
        SESSIOND_DATA_DIR=str(tmp_path / "environment"),
    )
    for done, name in ((by_file, "file"), (by_environment, "environment"), (by_flag, "flag")):
        assert (0, f"applied {', '.join(STEPS)}\n") == (done.returncode, done.stdout)
        assert (tmp_path / name / "sessions.db").exists()


def test_a_mistake_in_the_file_is_named(tmp_path: Path) -> None:
    """An unknown key is refused by its name."""
    config = tmp_path / "config.toml"
    config.write_text('[serve]\nlissten = ["unix:/x"]\n')
    done = run_command("--config", str(config), "ping")
    assert (2, True) == (done.returncode, "'serve.lissten' is no option" in done.stderr)


def test_the_users_folder_is_meant_by_a_tilde(tmp_path: Path) -> None:
    """Where no shell has looked at it: in the file and in the environment."""
    config = tmp_path / "config.toml"
    config.write_text('data-dir = "~/file"\n')
    by_file = run_command("--config", str(config), "migrate", HOME=str(tmp_path))
    by_environment = run_command("migrate", HOME=str(tmp_path), SESSIOND_DATA_DIR="~/environment")
    for done, name in ((by_file, "file"), (by_environment, "environment")):
        assert 0 == done.returncode
        assert (tmp_path / name / "sessions.db").exists()


def test_a_folder_without_a_name_is_refused(tmp_path: Path) -> None:
    """As of a variable that is not set: it would be the working directory."""
    done = run_command("migrate", "--data-dir", "")
    assert 2 == done.returncode
    assert "--data-dir" in done.stderr
    assert "is empty" in done.stderr


def test_migrate_status_tells_each_step_and_changes_nothing(tmp_path: Path) -> None:
    """Looking is not touching; also at a file that is empty yet."""
    (tmp_path / DATABASE_NAME).touch()
    done = run_command("migrate", "--status", "--json", "--data-dir", str(tmp_path))
    assert [{"migration": step, "applied_at": None} for step in STEPS] == lines(done)
    assert [DATABASE_NAME] == [path.name for path in tmp_path.iterdir()]
    assert 0 == (tmp_path / DATABASE_NAME).stat().st_size


def test_check_finds_damage_and_changes_nothing(daemon: DaemonProcess, tmp_path: Path) -> None:
    """Beside a daemon at work, and in a copy of which a row is damaged."""
    sound = run_command("check", "--data-dir", str(daemon.data_dir))
    assert (0, "no damage found\n") == (sound.returncode, sound.stdout)
    with closing(sqlite3.connect(daemon.data_dir / DATABASE_NAME)) as connection:
        connection.execute("VACUUM INTO ?", (str(tmp_path / DATABASE_NAME),))
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME)) as connection, connection:
        connection.execute("UPDATE sessions SET last_model = 'other' WHERE id = 'alpha-1'")
        connection.execute("UPDATE events SET commit_index = 7 WHERE position = (SELECT min(position) FROM events)")
    before = (tmp_path / DATABASE_NAME).read_bytes()
    damaged = run_command("check", "--json", "--data-dir", str(tmp_path))
    faults = [json.loads(line)["fault"] for line in damaged.stdout.splitlines()]
    assert (1, ["sum: event 0 of session alpha-1", "sum: session alpha-1"]) == (damaged.returncode, faults)
    assert before == (tmp_path / DATABASE_NAME).read_bytes()


@pytest.mark.parametrize("command", [("check",), ("migrate", "--status")], ids=" ".join)
def test_a_look_without_a_database_says_so_and_makes_none(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Where the folder is missing, is empty, is a file, or cannot be at all."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    for name in ("missing", "empty", "file"):
        done = run_command(*command, "--data-dir", str(tmp_path / name))
        assert (1, "") == (done.returncode, done.stdout)
        assert f"Error: there is no {DATABASE_NAME} in {tmp_path / name}\n" == done.stderr
    done = run_command(*command, "--data-dir", str(tmp_path / ("x" * 300)))
    assert (1, True) == (done.returncode, done.stderr.startswith("Error: cannot use the data directory "))
    assert done.stderr.endswith(": File name too long\n")
    assert ["empty", "file"] == sorted(path.name for path in tmp_path.iterdir())
    assert [] == list((tmp_path / "empty").iterdir())


def test_migrate_makes_a_database_where_there_is_none(tmp_path: Path) -> None:
    """As `serve` does."""
    made = run_command("migrate", "--data-dir", str(tmp_path / "data"))
    assert (0, f"applied {', '.join(STEPS)}\n") == (made.returncode, made.stdout)
    status = run_command("migrate", "--status", "--data-dir", str(tmp_path / "data"))
    assert len(STEPS) == status.stdout.count("  applied ")


def test_a_torn_line_is_reported_and_the_rest_is_imported(daemon: DaemonProcess, tmp_path: Path) -> None:
    """The report names file and line, and the exit code says that something was left out."""
    second = {**CLAUDE_LINE, "uuid": "u2", "parentUuid": "u1"}
    path = tmp_path / "torn.jsonl"
    path.write_text(f'{json.dumps(CLAUDE_LINE)}\n{{"type": "user", \n{json.dumps(second)}\n')
    done = run_command("import", "--json", str(path), address=daemon.address)
    (summary,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert 4 == done.returncode
    assert f"{path}:2: " in done.stderr
    assert (3, 2, 1) == (summary["entries"], summary["messages"], summary["invalid"])


def test_strict_writes_nothing_when_anything_is_wrong(daemon: DaemonProcess, tmp_path: Path) -> None:
    """Everything is checked before anything is written."""
    (tmp_path / "a.jsonl").write_text(json.dumps(CLAUDE_LINE) + "\n")
    (tmp_path / "b.jsonl").write_text(json.dumps({**CLAUDE_LINE, "sessionId": "other"}) + "\n{torn")
    done = run_command("import", "--strict", str(tmp_path), address=daemon.address)
    listed = [item["id"] for item in lines(run_command("sessions", "--json", address=daemon.address))]
    assert (4, True) == (done.returncode, "nothing was imported" in done.stderr)
    assert ["alpha-2", "alpha-1"] == listed


def test_a_file_that_is_no_transcript_is_refused(daemon: DaemonProcess, tmp_path: Path) -> None:
    """The message names the file and the formats that are understood."""
    path = tmp_path / "notes.txt"
    path.write_text("nothing of the kind")
    done = run_command("import", str(path), address=daemon.address)
    missing = run_command("import", str(tmp_path / "missing"), address=daemon.address)
    assert (4, True) == (done.returncode, "Codex" in done.stderr and str(path) in done.stderr)
    assert (2, f"Error: there is no file or folder {tmp_path}/missing\n") == (missing.returncode, missing.stderr)


def test_help_teaches_each_command(tmp_path: Path) -> None:
    """Every command says what it does, with an example where it does something."""
    overview = run_command("--help").stdout
    for name in (
        "serve",
        "import",
        "sessions",
        "show",
        "tail",
        "delete",
        "archive",
        "restore",
        "migrate",
        "check",
        "ping",
    ):
        assert name in overview
        assert f"Example: sessiond {name}" in run_command(name, "--help").stdout
    assert os.linesep in overview


def test_the_module_is_the_command() -> None:
    """Where the command's folder is not on the path, as in an environment that is not activated."""
    command = [sys.executable, "-m", "sessiond", "--version"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (0, f"sessiond {sessiond.__version__}\n", "") == (ran.returncode, ran.stdout, ran.stderr)
