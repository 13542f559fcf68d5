"""The main job, in under a minute: a daemon, an imported session, and a live tail while another process appends.

Runs the commands that a person would type, on a temporary directory, prints what happens, and cleans up.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO

SESSIOND = str(Path(sys.executable).with_name("sessiond"))
HERE = Path(__file__).resolve().parent
LIVE_EVENTS = 5
PATIENCE_SECONDS = 60

TIME_LIMIT_SECONDS = 100

APPENDER = """
import sys, time
from sessionstore import SessionStore
from sessionstore.v1.event_pb2 import Event, MessageComplete
from sessionstore.v1.message_pb2 import AssistantContent, AssistantMessage, Message
from sessionstore.v1.session_store_service_pb2 import EventAppend, Mutation
session_id, count = sys.argv[1], int(sys.argv[2])
with SessionStore() as store:
    for number in range(1, count + 1):
        content = [AssistantContent(text=f"This is live message {number} of {count}.")]
        message = Message(id=f"live-{number}", assistant=AssistantMessage(content=content))
        event = Event(message_complete=MessageComplete(message=message, model="a-model"))
        # The message and its event in one commit: both are there, or neither.
        store.commit(session_id, [Mutation(append_message=message), Mutation(append_event=EventAppend(event=event))])
        time.sleep(0.3)
"""


def say(text: str) -> None:
    """Prints a headline."""
    print(f"\n== {text}", flush=True)  # noqa: T201


def transcript() -> Path:
    """A recorded session: one of those beside the checkout when they are there, else the small one of the demo."""
    recorded = Path(os.environ.get("SESSIOND_TRANSCRIPTS", HERE.parents[2] / "shared" / "data" / "transcripts"))
    found = sorted(recorded.glob("swe-agent/*.traj"))
    return found[0] if found else HERE / "session.jsonl"


def run(*arguments: str, head: int | None = None) -> str:
    """Runs a command as a person would, and shows what it prints."""
    print(f"$ sessiond {' '.join(arguments)}", flush=True)  # noqa: T201
    done = subprocess.run(  # noqa: S603
        [SESSIOND, *arguments], check=True, stdout=subprocess.PIPE, text=True, timeout=PATIENCE_SECONDS
    )
    lines = done.stdout.splitlines()
    for line in lines[:head]:
        print(f"  {line[:150]}")  # noqa: T201
    if head is not None and len(lines) > head:
        print(f"  … and {len(lines) - head} more lines")  # noqa: T201
    return done.stdout


def wait_for_line(stream: IO[str], text: str) -> str:
    """Reads on until a line holds the text."""
    for line in stream:
        if text in line:
            return line.rstrip()
    raise RuntimeError(f"the output ended before {text!r} came")


def follow(session_id: str, last_sequence: str) -> None:
    """Tails the session in one process while another appends to it."""
    # After the last event that was imported, and not `now`: the second client may be there before the tail is.
    command = [SESSIOND, "tail", session_id, "--from", last_sequence]
    print(f"$ sessiond {' '.join(command[1:])}", flush=True)  # noqa: T201
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tail:  # noqa: S603
        if tail.stdout is None:
            raise RuntimeError("no output to read")
        watchdog = threading.Timer(PATIENCE_SECONDS, tail.kill)
        watchdog.start()
        appender = subprocess.Popen([sys.executable, "-c", APPENDER, session_id, str(LIVE_EVENTS)])  # noqa: S603
        try:
            for _ in range(LIVE_EVENTS):
                print(f"  {wait_for_line(tail.stdout, 'live message')}", flush=True)  # noqa: T201
        finally:
            watchdog.cancel()
            tail.terminate()
            if appender.wait(PATIENCE_SECONDS) != 0:
                raise RuntimeError("the second client failed")


def out_of_time(signal_number: int, frame: object) -> None:
    """Ends the demo, by way of what cleans up."""
    raise TimeoutError(f"the demo did not end within {TIME_LIMIT_SECONDS} seconds")


def main() -> None:
    """Runs the demo; fails loudly when anything does not work."""
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(TIME_LIMIT_SECONDS)
    with tempfile.TemporaryDirectory(prefix="sessiond-demo-") as folder:
        address = f"unix:{folder}/sessiond.sock"
        os.environ["SESSIOND_ADDRESS"] = address
        # The settings of whoever runs this are not those of the demo.
        settings = Path(folder, "config.toml")
        settings.touch()
        os.environ["SESSIOND_CONFIG"] = str(settings)
        say("start the daemon")
        print(f"$ sessiond serve --data-dir {folder}/data --listen {address}", flush=True)  # noqa: T201
        daemon = subprocess.Popen(  # noqa: S603
            [SESSIOND, "serve", "--data-dir", f"{folder}/data", "--listen", address], stdout=subprocess.PIPE, text=True
        )
        try:
            if daemon.stdout is None:
                raise RuntimeError("no output to read")
            print(f"  {wait_for_line(daemon.stdout, 'ready')}")  # noqa: T201
            say("import a recorded session")
            run("import", str(transcript()))
            session = json.loads(run("sessions", "--json"))
            say("show it")
            run("show", session["id"], head=18)
            say("follow it live, while a second client, another process, appends")
            follow(session["id"], session["last_event_sequence"])
            say("stop the daemon")
        finally:
            daemon.terminate()
            code = daemon.wait(PATIENCE_SECONDS)
        print(f"  it exited with {code}")  # noqa: T201
        if code != 0:
            sys.exit(code)


if __name__ == "__main__":
    main()
