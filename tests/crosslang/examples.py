"""The examples of all languages: what one writes, another follows, over a crash of the daemon."""

import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from sessionstore import SessionStore, SessionStoreError
from sessionstore.v1.event_pb2 import Event, SessionSaved
from tests.crosslang.report import Report
from tests.crosslang.servers import Servers
from tests.integration.process import DaemonProcess, run_command

__all__ = ["EXAMPLES", "follow_examples", "told_of_lost"]

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE_SECONDS = 60
BUILD_SECONDS = 1200


class _Follower:
    """The `tail` of an example, as a process."""

    def __init__(self, language: str, address: str, session_id: str) -> None:
        command = [str(EXAMPLES / language / "run"), "tail", address, session_id]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._lines: list[str] = []
        self._complaints: list[str] = []
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._listen), threading.Thread(target=self._hear_complaints)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, expected: Sequence[str]) -> str | None:
        """Waits until these lines were printed; says what is wrong, if anything."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._lines) >= len(expected) or self.ended(), PATIENCE_SECONDS)
            if self._lines == list(expected):
                return None
            return f"printed {self._lines}, expected {list(expected)}; {''.join(self._complaints)[-1000:]}"

    def wait_for_end(self) -> str | None:
        """Waits until it ends by itself."""
        try:
            code = self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            return "does not end"
        return None if code == 0 else f"ended with {code}: {''.join(self._complaints)[-1000:]}"

    def wait_for_failure(self) -> str | None:
        """Waits until it ends by itself, and not as if all were well."""
        try:
            code = self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            return "goes on behind events that were deleted before it saw them"
        return None if code else "ends at events that were deleted before it saw them, as if all were well"

    def close(self) -> None:
        """Ends it."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join()

    def ended(self) -> bool:
        """Whether it has ended, and all that it printed is known."""
        return self._process.poll() is not None and not self._threads[0].is_alive()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            with self._changed:
                self._lines.append(line.strip())
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def _hear_complaints(self) -> None:
        self._complaints.extend(self._process.stderr or ())


def follow_examples(languages: Sequence[str], servers: Servers, report: Report) -> None:
    """Follows, with the example of each language, what that of the next one writes."""
    for language in languages:
        build = EXAMPLES / language / "build"
        if build.exists():
            built = subprocess.run(
                [build], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
            )
            if built.returncode:
                report.problems.append(f"the example in {language} was not built: {built.stderr[-2000:]}")
    for index, language in enumerate(languages):
        writer = languages[(index + 1) % len(languages)]
        missing = [name for name in (language, writer) if not (EXAMPLES / name / "run").exists()]
        wrong = (
            f"no example in {missing[0]}" if missing else _follow(language, writer, servers) or told_of_lost(language)
        )
        if wrong is None:
            report.passed += 1
        else:
            report.problems.append(f"the example in {language}, beside that in {writer}: {wrong}")


def _follow(reader: str, writer: str, servers: Servers) -> str | None:
    address = servers.endpoints["unix"]["address"]
    session_id = f"example-{reader}-{writer}-{time.monotonic_ns()}"
    wrong = _write(writer, address, session_id)
    if wrong is not None:
        return wrong
    follower = _Follower(reader, address, session_id)
    try:
        expected = ["0 message_complete"]
        wrong = follower.wait_for(expected)
        for control in ("kill", "restart"):
            if wrong is not None:
                return wrong
            servers.control(control)
            wrong = _append(address, session_id, control)
            expected.append(f"{len(expected)} session_saved")
            wrong = wrong or follower.wait_for(expected)
        if wrong is not None:
            return wrong
        run_command("delete", session_id, "--yes", address=address)
        return follower.wait_for_end() or follower.wait_for(expected)
    finally:
        follower.close()


def told_of_lost(reader: str) -> str | None:
    """Lets an example wait at an empty session, and has events come and go while it cannot look.

    No cursor names the place before the first event, so that the server cannot tell that they were deleted.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        daemon, elsewhere = DaemonProcess(folder), DaemonProcess(folder, listen=f"unix:{folder / 'elsewhere.sock'}")
        with daemon, SessionStore(daemon.address) as store:
            store.create_session(session_id="s")
            follower = _Follower(reader, daemon.address, "s")
            try:
                while store.get_server_info().open_tails == 0:
                    if follower.ended():
                        return "does not follow an empty session"
                    time.sleep(0.05)
                daemon.stop()
                with elsewhere, SessionStore(elsewhere.address) as other:
                    for number in range(4):
                        other.append_event("s", Event(session_saved=SessionSaved()), event_id=str(number))
                    other.delete_events_before("s", 2)
                daemon.start()
                return follower.wait_for_failure() or follower.wait_for([])
            finally:
                follower.close()


def _write(language: str, address: str, session_id: str) -> str | None:
    """Writes twice, of which the second time is a repeat."""
    for _ in range(2):
        command = [str(EXAMPLES / language / "run"), "write", address, session_id]
        written = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
        )
        if (written.returncode, written.stdout.strip()) != (0, "committed 0"):
            return f"{language} wrote: {written.stdout.strip()} {written.stderr[-1000:]}"
    return None


def _append(address: str, session_id: str, event_id: str) -> str | None:
    try:
        with SessionStore(address) as store:
            store.append_event(session_id, Event(session_saved=SessionSaved(session_id=session_id)), event_id=event_id)
    except SessionStoreError as error:
        return str(error)
    return None
