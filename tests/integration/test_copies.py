"""Copies that another program makes of a store that is at work, as docs/reliability.md says."""

import re
import subprocess
import sys
import threading
from pathlib import Path

from sessionstore import SessionStore
from tests.builders import part, user_message
from tests.integration.process import DaemonProcess, run_command

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
BEFORE, AFTER = 200, 50
"""How many events are there before a copy, and how many follow at least."""


def copy_by_the_guide(source: Path, target: Path) -> None:
    """Runs the one command of the guide that copies a database."""
    (statement,) = re.findall(r'"(VACUUM INTO [^"]*)"', GUIDE.read_text(encoding="utf-8"))
    script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute(sys.argv[2])"
    target.parent.mkdir(parents=True)
    statement = re.sub("'.*'", f"'{target}'", statement)
    subprocess.run([sys.executable, "-c", script, source, statement], check=True)


def test_a_copy_of_a_store_at_work_is_one_to_begin_with(tmp_path: Path) -> None:
    """It has what was acknowledged before, nothing in part, and another daemon goes on from there."""
    with DaemonProcess(tmp_path) as daemon, SessionStore(daemon.address) as store:
        store.create_session(session_id="s")
        store.append_message("s", user_message("m"))
        acknowledged: list[int] = []
        is_time, copied = threading.Event(), threading.Event()

        def write() -> None:
            while not copied.is_set() or len(acknowledged) < BEFORE + AFTER:
                acknowledged.append(store.append_event("s", part(f"{len(acknowledged)}")).sequence)
                if len(acknowledged) == BEFORE:
                    is_time.set()

        writer = threading.Thread(target=write)
        writer.start()
        assert is_time.wait(60)
        copy_by_the_guide(daemon.data_dir / "sessions.db", tmp_path / "copy" / "data" / "sessions.db")
        copied.set()
        writer.join(60)
        written = [stored.event.message_part.content for stored in store.get_events("s")]
        assert [str(number) for number in acknowledged] == written
    assert "no damage found\n" == run_command("check", "--data-dir", str(tmp_path / "copy" / "data")).stdout
    with DaemonProcess(tmp_path / "copy") as daemon, SessionStore(daemon.address) as store:
        kept = [stored.event.message_part.content for stored in store.get_events("s")]
        assert kept == written[: len(kept)]
        assert len(kept) >= BEFORE
        assert len(kept) == store.append_event("s", part("more")).sequence
