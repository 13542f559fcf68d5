"""Damages a database page by page, while it is closed and while it is open, there or in its log; looks at every answer.

python -m tests.faults.corruption.campaign                   # every page, and 8 flipped bits in each
python -m tests.faults.corruption.campaign --pages 12 --bits 1
python -m tests.faults.corruption.campaign --together 3      # and each time two more pages with it, any of them
"""

import argparse
import asyncio
import logging
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sessiond.store.errors import StoreError
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessiond.store.sqlite.migration_files import MigrationError
from sessiond.store.sqlite.migrations import migrate
from tests.faults.corruption.answers import (
    UNWRITTEN,
    Answer,
    ask_everything,
    false_answers,
    without_times,
    write_everywhere,
)
from tests.faults.corruption.damages import DAMAGES, damage_logged_page, damage_page
from tests.faults.corruption.template import (
    LOG_NAME,
    PAGE_BYTES,
    SESSIONS,
    copy_files,
    make_template,
    owners,
    put_into_log,
    rows,
)

__all__ = ["Case", "Findings", "run_campaign"]

CLOSED, OPEN, LOGGED = "closed", "open", "open, in the log"
WHEN = (CLOSED, OPEN, LOGGED)
FLIPPED_BIT = "flipped bit"


@dataclass(frozen=True)
class Case:
    """One page that is damaged in one way, and others with it perhaps.

    Attributes:
        page: Its number.
        kind: What becomes of it.
        when: Whether the store is open meanwhile, and where the page is then.
        number: Which of the cases of this page and kind it is.
        others: The others, each with what becomes of it.
    """

    page: int
    kind: str
    when: str
    number: int = 0
    others: tuple[tuple[int, str], ...] = ()

    def damage(self, database: Path, seed: int, log: Path | None = None) -> None:
        """Damages a database, in the same way each time with the same seed; what is in a log, there."""
        chance = random.Random(f"{seed} {self}")
        for page, kind in ((self.page, self.kind), *self.others):
            if log is None or not damage_logged_page(log, page, kind, chance):
                damage_page(database, page, kind, chance)


@dataclass
class Findings:
    """What a campaign came to.

    Attributes:
        cases: How many there were, by kind.
        outcomes: How many answers were right, refused or false, by kind and outcome.
        false: How many cases had false answers, by the kind and the columns or index that was damaged.
        false_answers: Those answers.
        violations: What must never be: errors that nobody foresaw, and calls that hang.
    """

    cases: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    false: Counter[tuple[str, str]] = field(default_factory=Counter)
    false_answers: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


class _Campaign:
    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._seed = seed
        self._at_work = folder / "at work"
        self._right: dict[str, Answer] = {}
        self.findings = Findings()

    async def prepare(self) -> int:
        """Makes the database and the right answers; returns the number of pages."""
        for folder in (self._folder / "template", self._at_work):
            folder.mkdir()
        self._template = await make_template(self._folder / "template")
        put_into_log(self._template, self._at_work)
        self._owners = owners(self._template)
        self._rows = rows(self._template)
        copy = self._copy(CLOSED)
        store = await SqliteStore.open(copy.parent, durability="normal")
        self._right = {f"{UNWRITTEN} {name}": await without_times(store, name) for name in SESSIONS}
        self._right |= await ask_everything(store) | await write_everywhere(store)
        await store.close()
        if any(answer.content is None for answer in self._right.values()):
            raise AssertionError(f"a sound database was refused: {self._right}")
        return self._template.stat().st_size // PAGE_BYTES

    def _copy(self, when: str) -> Path:
        folder = self._folder / "damaged"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if when == LOGGED:
            copy_files(self._at_work, folder)
        else:
            shutil.copy(self._template, folder / DATABASE_NAME)
        return folder / DATABASE_NAME

    async def run(self, case: Case) -> None:
        """Damages a copy, and asks."""
        self.findings.cases[case.kind] += 1
        database = self._copy(case.when)
        damaged = self._folder / "looked at"
        shutil.copy(self._template, damaged)
        case.damage(damaged, self._seed)
        try:
            if case.when == CLOSED:
                case.damage(database, self._seed)
            if case.when != LOGGED:
                # It would leave all in one file.
                migrate(database)
            store = await SqliteStore.open(database.parent, durability="normal")
        except (MigrationError, StoreError):
            self.findings.outcomes[case.kind, "start refused"] += 1
            return
        except Exception as error:  # noqa: BLE001 - what it is, is what is asked
            self.findings.violations.append(f"{case}, of {self._owners_of(case)}: at the start {error!r}")
            return
        try:
            if case.when != CLOSED:
                case.damage(database, self._seed, database.with_name(LOG_NAME) if case.when == LOGGED else None)
            given = await ask_everything(store) | await write_everywhere(store)
        finally:
            await self._close(store, case)
        self._judge(case, given, damaged)

    async def _close(self, store: SqliteStore, case: Case) -> None:
        try:
            await store.close()
        except Exception as error:  # noqa: BLE001 - what it is, is what is asked
            self.findings.violations.append(f"{case}, of {self._owners_of(case)}: at the end {error!r}")

    def _judge(self, case: Case, given: dict[str, Answer], damaged: Path) -> None:
        findings = self.findings
        false = false_answers(self._right, given)
        for name, answer in given.items():
            if not answer.is_foreseen:
                findings.violations.append(f"{case}, of {self._owners_of(case)}: {name} came to {answer.refusal}")
            outcome = "false" if name in false else "right" if answer.content is not None else "data loss"
            findings.outcomes[case.kind, outcome if answer.is_foreseen else "unforeseen"] += 1
        if false:
            refusals = {name: given[name].refusal or "something else" for name in false}
            findings.false_answers.append(f"{case}, of {self._owners_of(case)}: {refusals}")
            for what in self._damaged(case, damaged):
                findings.false[case.kind, what] += 1

    def _owners_of(self, case: Case) -> str:
        pages = (case.page, *(page for page, _ in case.others))
        return ", ".join(self._owners.get(page, "a page that is free") for page in pages)

    def _damaged(self, case: Case, damaged: Path) -> set[str]:
        """The columns whose values are others now; else the table or index that the page belongs to."""
        left = rows(damaged)
        owner = self._owners.get(case.page, "a page that is free")
        changed = {
            f"{table}.{column}"
            for table, column, key in self._rows
            if left.get((table, column, key), None) != self._rows[table, column, key]
        }
        return changed if 0 < len(changed) <= 2 else {f"{owner}, its structure"}


def _cases(pages: int, sample: int | None, bits: int, together: int, chance: random.Random) -> Iterator[Case]:
    chosen = range(1, pages + 1) if sample is None else sorted(chance.sample(range(1, pages + 1), sample))
    for page in chosen:
        for kind in DAMAGES:
            numbers = range(bits if kind == FLIPPED_BIT else 1)
            # A sample takes turns.
            for when in WHEN if sample is None else (chance.choice(WHEN),):
                for number in numbers:
                    others = chance.sample([other for other in range(1, pages + 1) if other != page], together - 1)
                    yield Case(page, kind, when, number, tuple((other, chance.choice([*DAMAGES])) for other in others))


async def run_campaign(folder: Path, *, pages: int | None, bits: int, seed: int, together: int = 1) -> Findings:
    """Damages so many pages, or all of them, each in every way; `together` of them at once."""
    campaign = _Campaign(folder, seed)
    existing = await campaign.prepare()
    for case in _cases(existing, pages, bits, together, random.Random(seed)):
        await campaign.run(case)
    return campaign.findings


def main() -> int:
    """Runs a campaign from the command line."""
    parser = argparse.ArgumentParser(description="Damages a database page by page, and looks at every answer.")
    parser.add_argument("--pages", type=int, default=None)
    parser.add_argument("--bits", type=int, default=8)
    parser.add_argument("--together", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    # Each damage is warned of.
    logging.disable(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="sessiond-corruption-") as folder:
        findings = asyncio.run(run_campaign(Path(folder), **vars(arguments)))
    columns = ("right", "data loss", "false", "unforeseen", "start refused")
    sys.stdout.write("".join(f"{title:>14}" for title in ("damage", "cases", *columns)) + "\n")
    for kind, cases in findings.cases.items():
        numbers = (cases, *(findings.outcomes[kind, column] for column in columns))
        sys.stdout.write(f"{kind:>14}" + "".join(f"{number:>14}" for number in numbers) + "\n")
    sys.stdout.write("cases with false answers, by what was damaged:\n")
    for (kind, what), number in sorted(findings.false.items(), key=lambda item: (-item[1], item[0])):
        sys.stdout.write(f"{number:5} {kind} in {what}\n")
    for answers in findings.false_answers:
        sys.stdout.write(f"  {answers}\n")
    for violation in findings.violations:
        sys.stdout.write(f"  {violation}\n")
    sys.stdout.write(f"{findings.cases.total()} cases, {len(findings.violations)} violations (seed {arguments.seed})\n")
    return 1 if findings.violations else 0


if __name__ == "__main__":
    sys.exit(main())
