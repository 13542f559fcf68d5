"""The built page of examples/browser on an origin of its own, a daemon to call, and a headless Chromium."""

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, Page, sync_playwright

from tests.browser.page import SessionPage
from tests.integration.process import PATIENCE_SECONDS, DaemonProcess

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "examples" / "browser" / "dist"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    # The pages are our own, and who runs as root, as in a container, has no sandbox.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Nothing but this machine is looked for.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of the one above
        """Nothing: the tests say what went wrong."""


@pytest.fixture(scope="session")
def origin() -> Iterator[str]:
    """Where the page comes from, which is another origin than the daemon's."""
    if not (PAGE / "page.js").exists():
        pytest.fail("the page is not built; run: make browser")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(PAGE))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def chromium() -> Iterator[BrowserType]:
    """Starts browsers."""
    with sync_playwright() as playwright:
        yield playwright.chromium


@pytest.fixture(scope="session")
def launch() -> dict[str, Any]:
    """How a browser is started: the one that is installed; none is downloaded."""
    named = os.environ.get("SESSIOND_CHROMIUM")
    found = named or next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail("no Chromium is installed; run .ci/install-chromium, or name one by SESSIOND_CHROMIUM")
    return {"executable_path": found, "args": list(FLAGS), "timeout": PATIENCE_SECONDS * 1000}


@pytest.fixture(scope="session")
def browser(chromium: BrowserType, launch: dict[str, Any]) -> Iterator[Browser]:
    """A browser that the tests share; each page has a context of its own."""
    browser = chromium.launch(**launch)
    yield browser
    browser.close()


@pytest.fixture
def open_page(browser: Browser, origin: str) -> Iterator[Callable[[str, str], SessionPage]]:
    """Opens the page in a new context, and fills in an address and a token."""
    pages: list[Page] = []

    def opened(address: str, token: str) -> SessionPage:
        page = browser.new_context().new_page()
        pages.append(page)
        return SessionPage(page, origin, address, token)

    yield opened
    for page in pages:
        page.context.close()


class WebDaemon(DaemonProcess):
    """A daemon with an address for browsers, which is the same after a restart."""

    def __init__(self, folder: Path, *more: str, scheme: str = "http") -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.url = f"{scheme}://127.0.0.1:{free.getsockname()[1]}"
        super().__init__(folder, "--listen", self.url, *more)

    @property
    def token(self) -> str:
        """The one that the first start has made."""
        return (self.data_dir / "token").read_text(encoding="utf-8").strip()


@pytest.fixture
def daemon(tmp_path: Path, origin: str) -> Iterator[WebDaemon]:
    """A daemon that lets the page call."""
    with WebDaemon(tmp_path, "--allow-origin", origin) as running:
        yield running
