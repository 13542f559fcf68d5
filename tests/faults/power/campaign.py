"""Cuts the power at hundreds of points of a recorded run, and checks what the disk may hold then.

A library that is preloaded records what a run does to its files. At points of the record disks are made: with all that
was not synced lost, with all of it there, with it up to some sector, and with some of its sectors in any order. From
each the store must start. With full durability everything acknowledged is there; with normal durability the newest of
it may be lost, and nothing before what is there. In some runs syncs fail now and then, in some beside a reader.

    python -m tests.faults.power.campaign --points 300 --seed 7
"""

import argparse
import asyncio
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.migrations import migrate
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.faults.checker import violations
from tests.faults.history import GONE, SessionHistory
from tests.faults.power.disks import Disk, Record, records
from tests.faults.power.recorded_run import DELETED, NOTES, TRIMMED
from tests.faults.preloading import build_library
from tests.faults.stored import database_faults, stored_sessions

__all__ = ["FAILING_SYNCS", "READER", "Findings", "build_recorder", "run_campaign"]

SOURCE = Path(__file__).with_name("recorder.c")
FAILING_SYNCS = "--failing-syncs"
"""The option of the recorded run that lets some syncs fail, with an error."""

READER = "--reader"
"""The one that has somebody read now and then, behind whom checkpoints stop."""

NEEDED = (DATABASE_NAME, f"{DATABASE_NAME}-wal", f"{DATABASE_NAME}-journal")
"""What a start reads; the index of the log does not outlive a cut."""


@dataclass
class Findings:
    """What a campaign came to.

    Attributes:
        disks: How many disks were made and started from.
        checked: How many acknowledged commits were looked for on them, all together.
    """

    disks: int = 0
    checked: int = 0
    violations: list[str] = field(default_factory=list)


def build_recorder(folder: Path) -> Path:
    """Compiles the library. Raises FileNotFoundError where there is no C compiler."""
    return build_library(SOURCE, folder)


def _recorded(
    folder: Path, library: Path, durability: str, seed: int, *, lies: bool, options: Sequence[str]
) -> list[Record]:
    data_dir = folder / "data"
    data_dir.mkdir()
    environment = {
        **os.environ,
        "LD_PRELOAD": str(library),
        "SESSIOND_RECORD_FOLDER": str(data_dir),
        "SESSIOND_RECORD_LOG": str(folder / "log"),
        **({"SESSIOND_RECORD_LIES": "1"} if lies else {}),
    }
    command = [sys.executable, "-m", "tests.faults.power.recorded_run", str(data_dir), durability, str(seed), *options]
    subprocess.run(command, env=environment, check=True)
    return list(records(folder / "log"))


class _Told:
    """What the run had sent and what it had been told, at some point of it."""

    def __init__(self, notes: bytes, *, keeps_acknowledged: bool) -> None:
        self.histories: dict[str, SessionHistory] = {}
        self.positions: dict[str, int] = {}
        """Of the acknowledged events, by id."""
        self._keeps = keeps_acknowledged
        self._sent: dict[str, Any] = {}
        for line in notes.splitlines():
            self._take(json.loads(line))

    def _take(self, note: Mapping[str, Any]) -> None:
        match note["kind"]:
            case "created":
                self.histories[note["session"]] = SessionHistory(note["session"])
            case "sent":
                request = pb.CommitRequest.FromString(bytes.fromhex(note["commit"]))
                self._sent[note["name"]] = self.histories[request.session_id].note(request.mutations)
            case "acknowledged":
                response = pb.CommitResponse.FromString(bytes.fromhex(note["response"]))
                write = self._sent[note["name"]]
                appended = [result.append_event for result in response.results if result.HasField("append_event")]
                for name, event in zip(write.events, appended, strict=True):
                    self.positions[name] = event.position
                if self._keeps:
                    write.acknowledge(response)
            case "trim-sent":
                self.histories[TRIMMED].trim_sent = note["before"]
            case "trim-acknowledged" if self._keeps:
                self.histories[TRIMMED].trim_acknowledged = note["before"]
            case "deletion-sent":
                self.histories[DELETED].send(GONE)
            case "deletion-acknowledged" if self._keeps:
                self.histories[DELETED].arrive(GONE)


async def _start(data_dir: Path) -> None:
    store = await SqliteStore.open(data_dir)
    try:
        await store.create_session(pb.CreateSessionRequest(session_id="after the cut"))
    finally:
        await store.close()


def _look(files: Mapping[str, bytes], told: _Told, *, full: bool) -> Iterator[str]:
    """What is wrong with a disk."""
    with tempfile.TemporaryDirectory(prefix="sessiond-cut-") as folder:
        data_dir = Path(folder)
        for name in NEEDED:
            if name in files:
                (data_dir / name).write_bytes(files[name])
        try:
            migrate(data_dir / DATABASE_NAME)
            asyncio.run(_start(data_dir))
            if full and any(data_dir.glob("*.damaged")):
                yield "the cut was taken for damage of the log"
        except Exception as error:  # noqa: BLE001 - whatever it is, the store does not start
            yield f"the store does not start: {type(error).__name__}: {error}"
            return
        try:
            yield from database_faults(data_dir)
            stored = stored_sessions(data_dir)
        except sqlite3.DatabaseError as error:
            yield f"the database cannot be read: {error}"
            return
    histories = [history for name, history in told.histories.items() if full or name in stored]
    yield from violations(histories, stored)
    if full:
        return
    ids = {name for session in stored.values() for _, name, *_ in session.events}
    newest = max((told.positions[name] for name in ids if name in told.positions), default=0)
    lasting = {
        name
        for history in histories
        if history.session_id not in (TRIMMED, DELETED)
        for write in history.writes
        for name in write.events
    }
    missed = [name for name in lasting - ids if told.positions.get(name, newest) < newest]
    if missed:
        yield f"lost, and something later is there: {sorted(missed)[:5]}"


def run_campaign(
    folder: Path,
    library: Path,
    durability: str,
    points: int,
    seed: int,
    *,
    lies: bool = False,
    options: Sequence[str] = (),
) -> Findings:
    """Records a run, and cuts it at so many points.

    `lies` lets the disk forget what it was asked to sync; `options` are those of the recorded run.
    """
    chance, findings = random.Random(seed), Findings()
    run = _recorded(folder, library, durability, seed, lies=lies, options=options)
    cuts = set(chance.sample(range(len(run)), min(points, len(run))))
    disk, notes = Disk(), bytearray()
    for number, record in enumerate(run):
        if number in cuts:
            told = _Told(bytes(notes), keeps_acknowledged=durability == "full")
            disks = {
                "all of it lost": disk.lose_all(),
                "nothing lost": disk.lose_nothing(),
                "the newest lost": disk.lose_the_newest(chance),
                "some of it lost": disk.lose_some(chance),
            }
            for how, files in disks.items():
                findings.disks += 1
                findings.checked += len(told.positions)
                found = _look(files, told, full=durability == "full")
                findings.violations += [f"{durability}, record {number}, {how}: {each}" for each in found]
        if record.name == NOTES:
            notes += record.data
        else:
            disk.take(record)
    return findings


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a campaign from the command line."""
    parser = argparse.ArgumentParser(description="Cuts the power at many points of a run, and checks what is left.")
    parser.add_argument("--points", type=int, default=300, help="for each durability")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    failed = False
    for durability, options in product(("full", "normal"), ((), (FAILING_SYNCS,), (FAILING_SYNCS, READER))):
        with tempfile.TemporaryDirectory(prefix="sessiond-power-") as name:
            folder = Path(name)
            findings = run_campaign(
                folder, build_recorder(folder), durability, given.points, given.seed, options=options
            )
        for violation in findings.violations[:20]:
            sys.stdout.write(f"  {violation}\n")
        sys.stdout.write(
            f"{' '.join((durability, *options))}: {findings.disks} disks,"
            f" {findings.checked} acknowledged events looked for, {len(findings.violations)} violations"
            f" (seed {given.seed})\n"
        )
        failed |= bool(findings.violations) or not findings.checked
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
