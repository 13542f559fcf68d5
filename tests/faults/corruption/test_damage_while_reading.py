"""Pages that are damaged and mended again while they are read, as by a disk or memory that is failing."""

import random
from pathlib import Path
from threading import Event, Thread

import pytest

from sessiond.store.sqlite.engine import SqliteStore
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part
from tests.faults.corruption.answers import ask_everything, false_answers
from tests.faults.corruption.damages import DAMAGES
from tests.faults.corruption.template import PAGE_BYTES, make_template

ROUNDS = 15
AT_ONCE = 16


class Flickering:
    """Damages some pages and mends them at once, again and again, any pages in any way, for as long as a block."""

    def __init__(self, database: Path, seed: int) -> None:
        self._database = database
        self._chance = random.Random(seed)
        self._is_over = Event()
        self._thread: Thread | None = None
        self.damages = 0

    def __enter__(self) -> None:
        self._is_over.clear()
        self._thread = Thread(target=self._go_on, args=(self._database.read_bytes(),))
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()

    def _go_on(self, sound: bytes) -> None:
        # The first page belongs to SQLite and the schema: who finds that damaged finds nothing at all.
        pages = range(1, len(sound) // PAGE_BYTES)
        with self._database.open("r+b", buffering=0) as file:
            while not self._is_over.is_set():
                chosen = self._chance.sample(pages, AT_ONCE)
                for damaged in (True, False):
                    for number in chosen:
                        page = sound[number * PAGE_BYTES : (number + 1) * PAGE_BYTES]
                        kind = DAMAGES[self._chance.choice([*DAMAGES])]
                        file.seek(number * PAGE_BYTES)
                        file.write(kind(page, self._chance) if damaged else page)
                self.damages += AT_ONCE


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", [1, 2])
async def test_what_is_read_meanwhile_is_right_or_told_and_all_is_right_afterwards(tmp_path: Path, seed: int) -> None:
    """Nothing that was read as damaged is remembered beyond the next write."""
    database = await make_template(tmp_path)
    store = await SqliteStore.open(database.parent, durability="normal")
    await store.create_session(pb.CreateSessionRequest(session_id="another"))
    flickering, refused = Flickering(database, seed), 0
    for number in range(ROUNDS):
        # A new version, so that no reader keeps the pages that it has; and none is written that was read as damaged.
        await store.submit(commit("another", append(part(str(number)))))
        right = await ask_everything(store)
        assert [] == [name for name, answer in right.items() if answer.content is None]
        await store.submit(commit("another", append(part(str(number)))))
        with flickering:
            given = await ask_everything(store)
        # Where that session stands, and when it was updated, changes with each write to it.
        told = {name: answer for name, answer in given.items() if not name.startswith("list")}
        assert [] == false_answers(right, told)
        assert [] == [f"{name}: {answer.refusal}" for name, answer in given.items() if not answer.is_foreseen]
        refused += sum(answer.content is None for answer in given.values())
    assert flickering.damages > ROUNDS * AT_ONCE
    assert refused
    await store.close()
