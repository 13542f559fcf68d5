"""The targets of the fuzzing take what they begin with, and tell each kind of violation."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sessiond.services.session_store import SessionStoreService
from sessionstore.v1 import session_store_service_pb2 as pb
from tests.builders import append, commit, part
from tests.fuzz.guided import importer_targets
from tests.fuzz.guided.call_inputs import NAMES, decoded_input, encoded_input
from tests.fuzz.guided.handler_target import HandlerTarget
from tests.fuzz.guided.importer_targets import IMPORTERS
from tests.fuzz.guided.seeds import handler_seeds, transcript_seeds
from tests.fuzz.stack import CALLS

GET = encoded_input("ListMessages", pb.ListMessagesRequest(session_id="s0").SerializeToString())
MUTATIONS = 3


@pytest.fixture
def handlers(tmp_path: Path) -> Iterator[HandlerTarget]:
    """The target of the handlers."""
    target = HandlerTarget(tmp_path)
    yield target
    target.close()


def test_the_handlers_take_every_seed_and_what_is_made_of_it(handlers: HandlerTarget) -> None:
    """Each call of each service is among them, and most are accepted."""
    chance = Random(1)
    called: set[str] = set()
    seeds = list(handler_seeds())
    for seed in seeds:
        called.add(decoded_input(seed)[0])
        handlers.take(seed)
    assert set(CALLS) == called
    assert handlers.accepted > len(seeds) / 2
    for seed in seeds:
        for mutated in (handlers.mutated(seed, chance) for _ in range(MUTATIONS)):
            if mutated is not None:
                handlers.take(mutated)


@pytest.mark.parametrize("name", IMPORTERS)
def test_an_importer_takes_every_seed_and_what_is_made_of_it(tmp_path: Path, name: str) -> None:
    """Transcripts of its own and of the other formats."""
    target = IMPORTERS[name](tmp_path)
    chance = Random(1)
    for seed in transcript_seeds():
        target.take(seed)
        for mutated in (target.mutated(seed, chance) for _ in range(MUTATIONS)):
            if mutated is not None:
                target.take(mutated)
    assert target.accepted


def test_any_bytes_are_a_call() -> None:
    """Whatever the fuzzer makes of them; what was encoded comes back."""
    assert (NAMES[0], [b""]) == decoded_input(b"")
    assert ("Write", [b"ab", b""]) == decoded_input(encoded_input("Write", b"ab", b""))
    write = bytes((NAMES.index("Write"),))
    assert ("Write", [b"x"]) == decoded_input(write + b"\x00\x09x")
    assert (NAMES[255 % len(NAMES)], [b"x"]) == decoded_input(b"\xffx")


def test_an_exception_that_nobody_foresaw_is_told(handlers: HandlerTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its place, although the client is told nothing of it."""

    async def failing(*_: Any) -> Any:
        raise ZeroDivisionError("slip")

    monkeypatch.setattr(handlers._stack._store, "list_messages", failing, raising=False)
    with pytest.raises(AssertionError, match=r"ListMessages: INTERNAL INTERNAL ZeroDivisionError in .*: slip"):
        handlers.take(GET)


def test_an_unforeseen_outcome_of_a_stream_is_told(handlers: HandlerTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not end the stream."""

    def failing(*_: Any) -> Any:
        outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        outcome.set_exception(ZeroDivisionError())
        return outcome

    monkeypatch.setattr(handlers._stack._store, "submit", failing, raising=False)
    request = pb.WriteRequest(commits=[commit("s0", append(part()))])
    with pytest.raises(AssertionError, match="Write: outcome INTERNAL"):
        handlers.take(encoded_input("Write", request.SerializeToString()))


def test_a_task_that_is_left_behind_is_told(handlers: HandlerTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks that nobody awaits add up."""
    left: list[asyncio.Task[Any]] = []
    listed = SessionStoreService._fragments

    def leaving(self: Any, *arguments: Any) -> Any:
        left.append(asyncio.get_running_loop().create_task(asyncio.Event().wait()))
        return listed(self, *arguments)

    monkeypatch.setattr(SessionStoreService, "_fragments", leaving)
    monkeypatch.setattr("tests.fuzz.guided.handler_target.PATIENCE_SECONDS", 0.5)
    with pytest.raises(AssertionError, match="GetMessages left a task behind"):
        handlers.take(encoded_input("GetMessages", pb.GetMessagesRequest(session_id="s0").SerializeToString()))
    left[0].cancel()


def test_a_call_that_does_not_end_is_told(handlers: HandlerTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, which is shortened here."""
    monkeypatch.setattr("tests.fuzz.guided.handler_target.PATIENCE_SECONDS", 0.01)

    async def hanging(*_: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(handlers._stack._store, "list_messages", hanging, raising=False)
    with pytest.raises(TimeoutError):
        handlers.take(GET)


def test_an_entry_that_does_not_come_back_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The remainder of an entry and its messages make the entry."""
    target = IMPORTERS["claude-code"](tmp_path)
    monkeypatch.setattr(importer_targets, "rebuild_entry", lambda *_: "{}")
    monkeypatch.setattr(importer_targets, "CLOSER_LOOKS", 1)
    seed = next(seed for seed in transcript_seeds() if b'"parentUuid"' in seed)
    with pytest.raises(AssertionError, match="does not come back"):
        target.take(seed)


def test_what_an_importer_raises_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only that a file is of no known format is a refusal of the house."""
    target = IMPORTERS["detection"](tmp_path)
    target.take(b"nothing")
    assert {"unknown format": 1} == target.refusals
    monkeypatch.setattr(importer_targets, "open_transcript", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        target.take(b"nothing")
