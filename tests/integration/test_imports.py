"""Imports into a real daemon: of files that change meanwhile, have odd names, or lie beside others."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from sessiond.cli import import_run
from sessiond.cli.import_run import ImportRun
from sessiond.contract.limits import Limits
from sessiond.importers import FoundFile, find_transcripts
from sessionstore import AsyncSessionStore, writing
from sessionstore.v1.tool_pb2 import ToolCallStatus
from tests.integration.conftest import DaemonUnderTest
from tests.unit.importers.entries import SESSION, claude_assistant, claude_user, codex, tool_result, tool_use

FIXTURES = Path(__file__).parents[1] / "unit" / "importers" / "fixtures"


@pytest.mark.parametrize("fixture", ["claude_code.jsonl", "codex.jsonl", "swe_agent.traj", "mini_swe_agent.traj.json"])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda path: path.write_bytes(b""), ""),
        (lambda path: path.write_bytes(b"\n\n"), ""),
        (lambda path: path.unlink(), "No such file or directory"),
    ],
)
async def test_what_has_no_entry_any_more_makes_no_session(
    client: AsyncSessionStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fixture: str,
    change: Callable[[Path], object],
    told: str,
) -> None:
    """A file that is emptied or removed after its format was told is left out, and the report names it."""
    path = tmp_path / "t.jsonl"
    shutil.copy(FIXTURES / fixture, path)

    def changed(paths: Iterable[Path]) -> Iterator[FoundFile]:
        for file in find_transcripts(paths):
            change(path)
            yield file

    monkeypatch.setattr(import_run, "find_transcripts", changed)
    run = ImportRun([path], as_json=False)
    await run.carry_out(client)
    run.print_summary()
    output = capsys.readouterr()
    assert [] == [session.id async for session in client.list_sessions()]
    assert run.problems
    assert f"{path}:" in output.err
    assert told in output.err
    assert "" == output.out


async def test_a_session_that_takes_nothing_is_told_once_and_the_others_go_on(
    client: AsyncSessionStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An archived session is no longer there for commits; one line says so, not one for each entry."""
    folder = tmp_path / "transcripts"
    folder.mkdir()
    for name in ("claude_code.jsonl", "codex.jsonl", "swe_agent.traj"):
        shutil.copy(FIXTURES / name, folder)
    first = ImportRun([folder / "codex.jsonl"], as_json=True)
    await first.carry_out(client)
    (session,) = [session async for session in client.list_sessions()]
    await client.archive_session(session.id)
    run = ImportRun([folder], as_json=True)
    await run.carry_out(client)
    run.print_summary()
    output = capsys.readouterr()
    (line,) = output.err.splitlines()
    assert line.startswith(f"{folder / 'codex.jsonl'}: session {session.id!r} is archived; restore it")
    names = [Path(json.loads(text)["file"]).name for text in output.out.splitlines()]
    assert (["claude_code.jsonl", "swe_agent.traj"], 1) == (names, run.problems)


async def test_a_session_beyond_the_limit_is_told_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those that are there are still added to."""
    for name in ("claude_code.jsonl", "swe_agent.traj"):
        shutil.copy(FIXTURES / name, tmp_path)
    daemon = DaemonUnderTest(tmp_path / "daemon", Limits(max_sessions=1))
    await daemon.start()
    try:
        async with AsyncSessionStore(daemon.address) as client:
            await ImportRun([tmp_path / "swe_agent.traj"], as_json=True).carry_out(client)
            run = ImportRun([tmp_path / "claude_code.jsonl", tmp_path / "swe_agent.traj"], as_json=True)
            await run.carry_out(client)
    finally:
        await daemon.stop()
    run.print_summary()
    output = capsys.readouterr()
    (line,) = output.err.splitlines()
    assert line.startswith(f"{tmp_path / 'claude_code.jsonl'}: ")
    assert "swe_agent.traj" in json.loads(output.out)["file"]


async def test_a_session_that_is_full_is_told_once_and_ends_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What comes after the refused entry stays out as well, but for what was on its way; other files go on."""
    monkeypatch.setattr(writing, "MAX_IN_FLIGHT", 2)
    long = tmp_path / "a.jsonl"
    long.write_text("".join(f"{json.dumps(claude_user(f'u{number}', 'on'))}\n" for number in range(100)))
    short = tmp_path / "b.jsonl"
    short.write_text(f"{json.dumps(claude_user('u1', 'hi', sessionId='other'))}\n")
    daemon = DaemonUnderTest(tmp_path / "daemon", Limits(max_events_per_session=10))
    await daemon.start()
    run = ImportRun([long, short], as_json=True)
    try:
        async with AsyncSessionStore(daemon.address) as client:
            await run.carry_out(client)
    finally:
        await daemon.stop()
    run.print_summary()
    output = capsys.readouterr()
    (line,) = output.err.splitlines()
    assert line.startswith(f"{long}:6: ")
    assert line.endswith("; the rest of the file is not imported")
    first, second = map(json.loads, output.out.splitlines())
    assert (5, 1) == (first["new"]["messages"], second["new"]["messages"])
    assert 100 > first["entries"]


async def test_what_is_beyond_the_limits_of_this_daemon_is_kept_raw(tmp_path: Path) -> None:
    """Also where they are smaller than usual: nothing is refused, calls are ended, and a repeat adds nothing."""
    lines = [
        claude_user("u1", "go"),
        claude_assistant("u2", tool_use("t1"), parent="u1"),
        claude_user("u3", [tool_result("t1", "x" * 5000)], "u2"),
    ]
    claude = tmp_path / "a.jsonl"
    claude.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    rollout = tmp_path / "b.jsonl"
    rollout.write_text(json.dumps(codex("session_meta", 0, id="s", base_instructions={"text": "y" * 5000})))
    daemon = DaemonUnderTest(tmp_path / "daemon", Limits(max_item_bytes=2048))
    await daemon.start()
    runs = [ImportRun([claude, rollout], as_json=True) for _ in range(2)]
    try:
        async with AsyncSessionStore(daemon.address) as client:
            for run in runs:
                await run.carry_out(client)
            (call,) = (await client.get_session(SESSION)).state.tool_calls
            kept = {
                name: [stored.event.custom.data async for stored in client.get_events(name, types=[f"custom:{kind}"])]
                for name, kind in ((SESSION, "claude-code/fragment"), ("s", "codex/fragment"))
            }
    finally:
        await daemon.stop()
    assert [0, 0] == [run.problems for run in runs]
    assert ToolCallStatus.TOOL_CALL_STATUS_COMPLETED == call.status
    assert {SESSION: json.dumps(lines[2]).encode(), "s": rollout.read_bytes()} == {
        name: b"".join(fragments) for name, fragments in kept.items()
    }


async def test_a_name_that_is_no_text_is_spelled_out(
    client: AsyncSessionStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It neither ends the report nor steers the terminal; in JSON it is the name itself."""
    path = tmp_path / "\x1b[31m\udcff.jsonl"
    shutil.copy(FIXTURES / "codex.jsonl", path)
    for as_json in (False, True):
        run = ImportRun([path], as_json=as_json)
        await run.carry_out(client)
        run.print_summary()
    *table, as_line = capsys.readouterr().out.splitlines()
    assert f"{tmp_path}/\\x1b[31m\\udcff.jsonl: session " in table[-1]
    assert "\x1b" not in "".join(table)
    assert str(path) == json.loads(as_line)["file"]


async def test_what_was_passed_over_is_told_once(
    client: AsyncSessionStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Although a strict import goes through everything twice."""
    folder = tmp_path / "transcripts"
    folder.mkdir()
    shutil.copy(FIXTURES / "codex.jsonl", folder)
    (folder / "notes.txt").write_text("notes")
    run = ImportRun([folder], as_json=False)
    run.check()
    await run.carry_out(client)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"skipped: {folder / 'notes.txt'}: not a transcript")
    assert not run.problems
