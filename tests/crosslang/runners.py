"""The runners: built, started, listened to."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LANGUAGES", "Line", "Runner", "RunnerError"]

LANGUAGES = ("python", "go", "typescript", "java", "rust")
HERE = Path(__file__).parent
PATIENCE_SECONDS = 600
BUILD_SECONDS = 1200


class RunnerError(Exception):
    """A runner could not be built, or did not do what it has to; the text says what."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a runner said of a step.

    Attributes:
        verdict: `ok`, `FAIL` or `skip`.
        step: The file and the name.
        why: What was wrong, or why it was left out.
    """

    verdict: str
    step: str
    why: str = ""

    @classmethod
    def read(cls, text: str) -> "Line | None":
        """Reads a line of a runner; None when it is none."""
        verdict, _, rest = text.strip().partition(" ")
        if verdict not in ("ok", "FAIL", "skip") or not rest:
            return None
        step, _, why = rest.partition(": ")
        return cls(verdict, step, why)


class Runner:
    """The runner of one language."""

    def __init__(self, language: str, folder: Path = HERE) -> None:
        self.language = language
        self._folder = folder / language

    def build(self) -> None:
        """Builds it. Raises RunnerError."""
        script = self._folder / "build"
        if not script.exists():
            raise RunnerError(f"there is no runner in {self.language}")
        try:
            built = subprocess.run(
                [script], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise RunnerError(f"building {self.language} took more than {BUILD_SECONDS} seconds") from error
        if built.returncode:
            raise RunnerError(f"building {self.language} failed:\n{built.stdout[-3000:]}\n{built.stderr[-3000:]}")

    def ask(self, *arguments: str) -> str:
        """Runs a command to its end, and returns what it prints. Raises RunnerError."""
        command = [str(self._folder / "runner"), *arguments]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise RunnerError(f"{self.language} {arguments[0]} took more than {PATIENCE_SECONDS} seconds") from error
        if done.returncode:
            raise RunnerError(f"{self.language} {arguments[0]} failed: {done.stdout[-1000:]} {done.stderr[-3000:]}")
        return done.stdout

    def versions(self) -> dict[str, str]:
        """The language and its libraries, with their versions."""
        found: dict[str, str] = json.loads(self.ask("versions"))
        return found

    def play(self, config: Path, files: Sequence[Path], control: Callable[[str], str]) -> list[Line]:
        """Plays a scenario, answering its controls. Raises RunnerError."""
        command = [str(self._folder / "runner"), "run", str(config), *map(str, files)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            # A runner that hangs is ended, and its missing lines tell the rest.
            killer = threading.Timer(PATIENCE_SECONDS, process.kill)
            killer.start()
            complaints: list[str] = []
            listener = threading.Thread(target=lambda: complaints.extend(process.stderr or ()))
            listener.start()
            try:
                lines = list(self._converse(process, control))
            except BaseException:
                process.kill()
                raise
            finally:
                process.wait()
                killer.cancel()
                listener.join()
        failed = any(line.verdict == "FAIL" for line in lines)
        if process.returncode != int(failed):
            raise RunnerError(
                f"{self.language} ended with {process.returncode} after {len(lines)} steps:"
                f" {''.join(complaints)[-3000:]}"
            )
        return lines

    def _converse(self, process: "subprocess.Popen[str]", control: Callable[[str], str]) -> Iterator[Line]:
        if process.stdout is None or process.stdin is None:
            raise AssertionError("no pipes")
        for text in process.stdout:
            if text.startswith("control "):
                process.stdin.write(f"{control(text.removeprefix('control ').strip())}\n")
                process.stdin.flush()
                continue
            line = Line.read(text)
            if line is None:
                raise RunnerError(f"{self.language} printed what is no line of a runner: {text.strip()[:300]}")
            yield line
