"""Memory does not grow with the size of a transcript."""

import json
import tracemalloc
from pathlib import Path

from sessiond.importers import open_transcript
from tests.unit.importers.entries import claude_assistant, claude_user, tool_result, tool_use

FILE_BYTES = 50_000_000
TEXT_BYTES = 40_000
LIMIT_BYTES = 10_000_000


def _peak_bytes(path: Path) -> int:
    tracemalloc.start()
    try:
        transcript = open_transcript(path)
        for step in transcript.steps():
            assert step.error is None
        assert transcript.summary.adds_up
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_large_file_of_lines_is_read_in_little_memory(tmp_path: Path) -> None:
    """One line at a time, and the ids of those before as small numbers."""
    path = tmp_path / "large.jsonl"
    text = "sheep " * (TEXT_BYTES // 6)
    with path.open("w") as file:
        for number in range(FILE_BYTES // TEXT_BYTES // 2):
            call = claude_assistant(f"a{number}", tool_use(f"t{number}", number=number))
            result = claude_user(f"r{number}", [tool_result(f"t{number}", f"{number} {text}")], f"a{number}")
            file.write(f"{json.dumps(call)}\n{json.dumps(result | {'toolUseResult': {'stdout': text}})}\n")
    assert path.stat().st_size >= FILE_BYTES
    assert _peak_bytes(path) < LIMIT_BYTES


def test_a_large_object_is_read_in_little_memory(tmp_path: Path) -> None:
    """One item at a time, wherever the other members are."""
    path = tmp_path / "large.traj"
    text = "sheep\\n" * (TEXT_BYTES // 7)
    with path.open("w") as file:
        file.write('{"environment": "main", "trajectory": [')
        file.write(",".join(f'{{"observation": "{number} {text}"}}' for number in range(FILE_BYTES // TEXT_BYTES // 2)))
        file.write('], "history": [')
        items = (
            f'{{"role": "assistant", "content": "{number} {text}", "tool_calls": []}}'
            for number in range(FILE_BYTES // TEXT_BYTES // 2)
        )
        file.write(",".join(items))
        file.write('], "info": {}}')
    assert path.stat().st_size >= FILE_BYTES - 100_000
    assert _peak_bytes(path) < LIMIT_BYTES
