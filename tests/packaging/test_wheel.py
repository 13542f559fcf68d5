"""The installed distribution, away from the checkout: nothing is missing from it."""

import importlib.metadata
import importlib.resources
import os
import subprocess
import sys
from pathlib import Path

import sessiond
import sessionstore

SESSIOND = str(Path(sys.executable).with_name("sessiond"))


def test_the_installed_code_is_what_runs() -> None:
    """Nothing comes from the checkout."""
    prefix = Path(sys.prefix).resolve()
    assert Path(sessiond.__file__).resolve().is_relative_to(prefix)
    assert Path(sessionstore.__file__).resolve().is_relative_to(prefix)


def test_the_version_is_that_of_the_distribution() -> None:
    """The command says the version that is installed."""
    done = subprocess.run([SESSIOND, "version"], capture_output=True, text=True, check=True)
    assert f"sessiond {importlib.metadata.version('sessiond')}\n" == done.stdout


def test_the_migrations_and_type_markers_are_packaged() -> None:
    """SQL and py.typed travel with the code."""
    packaged = importlib.resources.files(sessiond)
    assert (packaged / "migrations" / "sqlite" / "0001_sessions.sql").is_file()
    assert (packaged / "py.typed").is_file()
    assert (importlib.resources.files(sessionstore) / "py.typed").is_file()
    assert (importlib.resources.files(sessionstore) / "v1" / "event_pb2.pyi").is_file()


def test_an_installed_daemon_serves(tmp_path: Path) -> None:
    """It starts on an empty folder, takes and gives back an event, and stops in good order."""
    address = f"unix:{tmp_path}/s.sock"
    environment = {**os.environ, "SESSIOND_ADDRESS": address}
    command = [SESSIOND, "serve", "--data-dir", str(tmp_path / "data"), "--listen", address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        assert f"sessiond is ready on {address}\n" == daemon.stdout.readline()
        try:
            subprocess.run([SESSIOND, "ping"], check=True, env=environment, capture_output=True)
            script = (
                "from sessionstore import SessionStore\n"
                "from sessionstore.v1.event_pb2 import Event, SessionSaved\n"
                "with SessionStore() as store:\n"
                "    store.create_session(session_id='s')\n"
                "    store.append_event('s', Event(session_saved=SessionSaved(session_id='s')))\n"
                "    print([stored.sequence for stored in store.tail('s', follow=False)])\n"
            )
            done = subprocess.run(
                [sys.executable, "-c", script], check=True, env=environment, capture_output=True, text=True
            )
            assert "[0]\n" == done.stdout
        finally:
            daemon.terminate()
    assert 0 == daemon.returncode


def test_without_the_extra_an_address_for_browsers_is_refused(tmp_path: Path) -> None:
    """It says what to install, before anything is written."""
    data = tmp_path / "data"
    command = [SESSIOND, "serve", "--data-dir", str(data), "--listen", "http://127.0.0.1:0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert 2 == done.returncode
    assert "pip install 'sessiond[web]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not data.exists()
