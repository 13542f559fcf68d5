"""Damages the log that a killed daemon leaves, page by page of the disk, and looks at what the next start has.

python -m tests.faults.corruption.log_campaign --bits 4
"""

import argparse
import asyncio
import logging
import random
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sessiond.store.errors import StoreError
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.log_file import LogFile
from sessiond.store.sqlite.migration_files import MigrationError
from sessiond.store.sqlite.migrations import migrate
from tests.builders import append, commit, part
from tests.faults.corruption.answers import Answer, ask_everything, false_answers
from tests.faults.corruption.damages import DAMAGES, damage_page
from tests.faults.corruption.template import LOG_NAME, PAGE_BYTES, SESSIONS, archive, copy_files, fill
from tests.faults.stored import database_faults

__all__ = ["LogFindings", "run_log_campaign"]

FRAME_HEADER_BYTES = 24
COMMITS = 30
FLIPPED_BIT = "flipped bit"


@dataclass
class LogFindings:
    """What a campaign came to.

    Attributes:
        outcomes: How many starts came to what, by whether the log was in the database already, whether the damage was
            told, and what was answered.
        violations: What must never be: errors that nobody foresaw.
    """

    outcomes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


async def _kill(folder: Path, *, checkpointed: bool) -> tuple[Path, Path, int]:
    """The files of a store at work as a kill leaves them, and as one before the newest transaction does.

    And how many pages of the log are used: it is as long as the one before it was.
    """
    work, killed, before = (folder / name for name in ("work", "killed", "before"))
    for each in (work, killed, before):
        each.mkdir(parents=True)
    migrate(work / DATABASE_NAME)
    store = await SqliteStore.open(work, durability="normal")
    await fill(store)
    # The log of what came before is in the database, or will soon be.
    for number in range(COMMITS):
        await store.submit(commit(SESSIONS[number % len(SESSIONS)], append(part(f"late {number}"), f"late {number}")))
    copy_files(work, before)
    await archive(store)
    if checkpointed:
        with closing(sqlite3.connect(work / DATABASE_NAME)) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    copy_files(work, killed)
    log = LogFile(work / DATABASE_NAME)
    pages = -(-log.size().frames * (FRAME_HEADER_BYTES + PAGE_BYTES) // PAGE_BYTES)
    await store.close()
    log.close()
    return killed, before, pages


async def _started(folder: Path) -> dict[str, Answer]:
    store = await SqliteStore.open(folder, durability="normal")
    try:
        return await ask_everything(store)
    finally:
        await store.close()


async def run_log_campaign(folder: Path, *, pages: int | None, bits: int, seed: int) -> LogFindings:
    """Damages so many pages of the log, or all of them, each in every way."""
    findings, chance = LogFindings(), random.Random(seed)
    for checkpointed in (False, True):
        place = folder / f"{checkpointed}"
        killed, before, size = await _kill(place, checkpointed=checkpointed)
        chosen = range(1, size + 1) if pages is None else sorted(chance.sample(range(1, size + 1), pages))
        earlier = await _started(before)
        sound = place / "sound"
        sound.mkdir()
        copy_files(killed, sound)
        right = await _started(sound)
        for page in chosen:
            for kind in DAMAGES:
                for number in range(bits if kind == FLIPPED_BIT else 1):
                    damaged = place / "damaged"
                    shutil.rmtree(damaged, ignore_errors=True)
                    damaged.mkdir()
                    copy_files(killed, damaged)
                    damage_page(damaged / LOG_NAME, page, kind, random.Random(f"{seed} {page} {kind} {number}"))
                    case = f"page {page} of {size}, {kind} {number}"
                    await _judge(findings, damaged, case, (right, earlier), checkpointed=checkpointed)
    return findings


async def _judge(
    findings: LogFindings, folder: Path, case: str, known: tuple[dict[str, Answer], ...], *, checkpointed: bool
) -> None:
    right, earlier = known
    where = "in the database already" if checkpointed else "not in the database yet"
    try:
        given = await _started(folder)
    except (StoreError, MigrationError):
        findings.outcomes[where, "told", "no start"] += 1
        return
    except Exception as error:  # noqa: BLE001 - what it is, is what is asked
        findings.violations.append(f"{where}, {case}: at the start {error!r}")
        return
    told = "told" if any(folder.glob("*.damaged")) else "not told"
    false = false_answers(right, given)
    refused = [name for name, answer in given.items() if answer.is_data_loss]
    findings.violations += [
        f"{where}, {case}: {name} came to {answer.refusal}" for name, answer in given.items() if not answer.is_foreseen
    ]
    if given == right:
        outcome = "all of it"
    elif given == earlier:
        outcome = "all but the newest transaction"
    else:
        outcome = "a part, some of it DATA_LOSS" if refused and not false else "a part"
    if database_faults(folder):
        outcome += ", with faults that `sessiond check` finds"
    findings.outcomes[where, told, outcome] += 1


def main() -> int:
    """Runs a campaign from the command line."""
    parser = argparse.ArgumentParser(description="Damages the log that a kill leaves, and looks at what is answered.")
    parser.add_argument("--pages", type=int, default=None)
    parser.add_argument("--bits", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    # Each damage is told.
    logging.disable(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="sessiond-log-") as folder:
        run = run_log_campaign(Path(folder), pages=arguments.pages, bits=arguments.bits, seed=arguments.seed)
        findings = asyncio.run(run)
    for (where, told, outcome), number in sorted(findings.outcomes.items()):
        sys.stdout.write(f"{number:6} {where}: {told}, {outcome}\n")
    for violation in findings.violations:
        sys.stdout.write(f"  {violation}\n")
    sys.stdout.write(
        f"{findings.outcomes.total()} starts, {len(findings.violations)} violations (seed {arguments.seed})\n"
    )
    return 1 if findings.violations else 0


if __name__ == "__main__":
    sys.exit(main())
