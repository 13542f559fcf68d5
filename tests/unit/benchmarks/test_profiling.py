"""A flame graph that cannot be recorded is an error that says what to do."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.benchmarks import profiling
from tests.benchmarks.profiling import AttachError, ProfileError, Recording, explained


class Scripted(Recording):
    """Runs a script in the place of the recorder."""

    script = ""

    def command(self, pid: int, output: Path) -> list[str]:
        return [sys.executable, "-c", self.script, str(output)]


def scripted(text: str) -> Recording:
    made = type("Given", (Scripted,), {"script": text})
    return made(1)  # type: ignore[no-any-return]


async def load() -> Mapping[str, float]:
    """Work that never ends by itself."""
    await asyncio.sleep(0)
    return {}


@pytest.mark.parametrize(
    "said",
    [
        "Error: Operation not permitted (os error 1)",
        "Permission Denied: Try running again with elevated permissions by going 'sudo env \"PATH=$PATH\" !!'",
        "Error: This program requires root on OSX.\nTry running as root",
    ],
)
def test_a_refusal_says_how_to_allow_it(said: str) -> None:
    """Most machines refuse it at first."""
    error = explained(said)
    assert isinstance(error, AttachError)
    assert "ptrace_scope" in str(error)
    assert "SYS_PTRACE" in str(error)


@pytest.mark.parametrize(
    ("said", "told"), [("one\ntwo\n", "py-spy failed: two"), ("", "py-spy failed: nothing was said")]
)
def test_another_failure_is_told_in_its_own_words(said: str, told: str) -> None:
    """The last line says what went wrong."""
    error = explained(said)
    assert not isinstance(error, AttachError)
    assert told == str(error)


async def test_the_load_goes_on_until_the_recording_ends(tmp_path: Path) -> None:
    """Then the picture is there, and the load is over."""
    picture = tmp_path / "p.svg"
    writes = scripted("import sys, pathlib; pathlib.Path(sys.argv[1]).write_text('flames')")
    await profiling.record(1, load, writes, picture, tmp_path / "log")
    assert "flames" == picture.read_text()


@pytest.mark.parametrize("script", ["import sys; sys.exit('Operation not permitted')", "pass"])
async def test_without_a_picture_there_is_an_error(tmp_path: Path, script: str) -> None:
    """Whether or not the recorder owns up to it."""
    with pytest.raises(ProfileError):
        await profiling.record(1, load, scripted(script), tmp_path / "p.svg", tmp_path / "log")


async def test_a_load_that_breaks_ends_the_recording(tmp_path: Path) -> None:
    """A picture of a daemon that has nothing to do would be worse than none."""
    done = False

    async def breaking() -> Mapping[str, float]:
        nonlocal done
        if done:
            raise RuntimeError("the daemon is gone")
        done = True
        return {}

    with pytest.raises(RuntimeError, match="the daemon is gone"):
        await profiling.record(1, breaking, scripted("import time; time.sleep(50)"), tmp_path / "p", tmp_path / "log")
