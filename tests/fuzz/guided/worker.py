"""Fuzzes one target in a process of its own; the campaign starts it.

    python -m tests.fuzz.guided.worker handlers --inputs 10000 --seed 1 --folder FOLDER
    python -m tests.fuzz.guided.worker handlers --replay build/fuzz/handlers/violation-0.input

The libFuzzer inside atheris ends the process by itself after the last input, and when an input takes too long or the
memory is out of bounds.
"""

import argparse
import sys
import tempfile
import traceback
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.guided.tally import Tally

__all__ = ["HANDLERS", "TALLY_NAME"]

HANDLERS = "handlers"
TALLY_NAME = "tally.json"
TIMEOUT_SECONDS = 30
RSS_LIMIT_MB = 1500
TOLD_INPUTS = 20_000
STRUCTURED = 0.92
"""How often an input is mutated as what it is, and not as bytes."""


def _target(name: str, folder: Path) -> Any:
    if name == HANDLERS:
        return import_module("tests.fuzz.guided.handler_target").HandlerTarget(folder)
    return import_module("tests.fuzz.guided.importer_targets").IMPORTERS[name](folder)


def _told(error: BaseException) -> str:
    """A violation in one line: what was raised, and where."""
    frames = traceback.extract_tb(error.__traceback__)
    place = next((frame for frame in reversed(frames) if "sessiond" in frame.filename), frames[-1])
    return f"{type(error).__name__} in {Path(place.filename).name}:{place.name}: {error}"[:400]


class _Run:
    """The inputs of one process, and what they come to."""

    def __init__(self, target: Any, inputs: int, folder: Path) -> None:
        self._target = target
        self._inputs = inputs
        self._warm = min(inputs // 5, 5000) + 1
        self._folder = folder
        self._tally = Tally()

    def one_input(self, data: bytes) -> None:
        self._tally.inputs += 1
        try:
            self._target.take(data)
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            self._tally.note_violation(_told(error), data, self._folder)
            self._keep_history(len(self._tally.violations) - 1)
        if self._tally.inputs == self._warm:
            self._tally.measure_start()
        if self._tally.inputs == self._inputs:
            self._tell()
            self._target.close()
        elif self._tally.inputs % TOLD_INPUTS == 0:
            # So that something is known of a process that does not come to its end.
            self._tell()

    def _keep_history(self, number: int) -> None:
        path = self._folder / f"violation-{number}.history"
        history = self._target.history()
        if history and not path.exists():
            path.write_bytes(b"".join(len(data).to_bytes(4) + data for data in history))

    def _tell(self) -> None:
        self._tally.measure_end()
        self._tally.refusals, self._tally.accepted = self._target.refusals, self._target.accepted
        self._tally.write(self._folder / TALLY_NAME)


def _fuzz(arguments: argparse.Namespace) -> None:
    import atheris

    with atheris.instrument_imports(include=["sessiond"]), tempfile.TemporaryDirectory() as work:
        target = _target(arguments.target, Path(work))
        run = _Run(target, arguments.inputs, arguments.folder)

        def mutate(data: bytes, max_bytes: int, seed: int) -> bytes:
            chance = Random(seed)
            if chance.random() < STRUCTURED:
                mutated: bytes | None = target.mutated(data, chance)
                if mutated is not None and len(mutated) <= max_bytes:
                    return mutated
            return bytes(atheris.Mutate(data, max_bytes))

        corpus = arguments.folder / "corpus"
        corpus.mkdir(exist_ok=True)
        flags = [
            sys.argv[0], str(corpus), *map(str, arguments.seeds), f"-runs={arguments.inputs}",
            f"-seed={arguments.seed}", f"-max_len={target.max_bytes}", f"-timeout={TIMEOUT_SECONDS}",
            f"-rss_limit_mb={RSS_LIMIT_MB}", f"-artifact_prefix={arguments.folder}/",
        ]  # fmt: skip
        atheris.Setup(flags, run.one_input, custom_mutator=mutate)
        atheris.Fuzz()


def _replay(arguments: argparse.Namespace) -> None:
    """Takes the inputs of a history, or one input, and shows what is raised."""
    data = arguments.replay.read_bytes()
    inputs, position = [data], 0
    if arguments.replay.suffix == ".history":
        inputs.clear()
        while position < len(data):
            length = int.from_bytes(data[position : position + 4])
            inputs.append(data[position + 4 : position + 4 + length])
            position += 4 + length
    with tempfile.TemporaryDirectory() as work:
        target = _target(arguments.target, Path(work))
        for one in inputs[:-1]:
            target.take(one)
        target.take(inputs[-1])
        target.close()


def main() -> None:
    """Fuzzes, or replays."""
    parser = argparse.ArgumentParser(description="Fuzzes one target.")
    parser.add_argument("target")
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--seeds", type=Path, nargs="*", default=[])
    parser.add_argument("--replay", type=Path)
    arguments = parser.parse_args()
    if arguments.replay is not None:
        _replay(arguments)
    else:
        _fuzz(arguments)


if __name__ == "__main__":
    main()
