"""A page in a real browser: it writes and follows over Connect and gRPC-Web, as examples/browser shows."""

import base64
import hashlib
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate
from playwright.sync_api import BrowserType

from sessionstore import SessionStore
from sessionstore.errors import SessionNotFoundError
from tests.browser.conftest import WebDaemon
from tests.browser.page import SessionPage
from tests.builders import part
from tests.integration.process import PATIENCE_SECONDS, run_command

PROTOCOLS = ("connect", "grpc-web")

OpenPage = Callable[[str, str], SessionPage]


def wait_for_open_tails(store: SessionStore, expected: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := store.get_server_info().open_tails) != expected:
        assert time.monotonic() < deadline, f"{found} tails are open, not {expected}"
        time.sleep(0.02)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_page_writes_and_follows_over_a_crash(daemon: WebDaemon, open_page: OpenPage, protocol: str) -> None:
    """Its own events and another client's appear live, in order, once, also after the daemon was killed."""
    page = open_page(daemon.url, daemon.token)
    page.choose(protocol)
    page.press("Create")
    page.says("created")
    page.press("Commit")
    page.follow()
    lines = ["0 message_complete Hello."]
    page.shows(lines)

    with SessionStore(daemon.address) as store:
        for number in range(1, 21):
            store.append_event("try", part(f"before {number}"))
            lines.append(f"{number} message_part")
    page.shows(lines)

    daemon.stop(signal.SIGKILL)
    page.says("trying again; no answer from")
    page.fill(Message="Still there?")
    page.press("Commit")
    page.complains("no answer from")

    daemon.start()
    with SessionStore(daemon.address) as store:
        for number in range(21, 31):
            store.append_event("try", part(f"after {number}"))
            lines.append(f"{number} message_part")
        page.shows(lines)
        page.says("following", exactly=True)
        page.press("Commit")
        page.shows([*lines, "31 message_complete Still there?"])
        assert 2 == len(store.get_session("try").state.messages)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_wrong_token_is_told(daemon: WebDaemon, open_page: OpenPage, protocol: str) -> None:
    """In the words of the daemon; the page does not try it again and again."""
    page = open_page(daemon.url, "sst_wrong")
    page.choose(protocol)
    for button in ("Create", "Follow"):
        page.press(button)
        page.complains("Unauthenticated: ")
        page.says("not following", exactly=True)
    with SessionStore(daemon.address) as store:
        assert [] == list(store.list_sessions())


def test_a_page_that_is_not_allowed_is_held_back_by_the_browser(
    tmp_path: Path, origin: str, open_page: OpenPage
) -> None:
    """Even with a token nothing reaches the daemon, and the page tells what to look for."""
    with WebDaemon(tmp_path, "--allow-origin", "http://elsewhere.example") as daemon:
        page = open_page(daemon.url, daemon.token)
        page.press("Create")
        page.complains(f"--allow-origin {origin}")
        page.press("Follow")
        page.says(f"--allow-origin {origin}")
        with SessionStore(daemon.address) as store:
            with pytest.raises(SessionNotFoundError):
                store.get_session("try")
            assert 0 == store.get_server_info().open_tails


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_a_page_followed_is_closed_in_the_daemon(daemon: WebDaemon, open_page: OpenPage, protocol: str) -> None:
    """When its tab is closed, and when it stops, without another event having to come."""
    with SessionStore(daemon.address) as store:
        store.create_session(session_id="try")
        pages = [open_page(daemon.url, daemon.token) for _ in range(2)]
        for page in pages:
            page.choose(protocol)
            page.follow()
        wait_for_open_tails(store, 2)
        pages[0].page.close()
        wait_for_open_tails(store, 1)
        pages[1].press("Stop")
        pages[1].says("not following", exactly=True)
        wait_for_open_tails(store, 0)


def test_a_deleted_session_ends_its_page(daemon: WebDaemon, open_page: OpenPage) -> None:
    """It says so, and asks no more; a session that there is not is an error."""
    with SessionStore(daemon.address) as store:
        store.create_session(session_id="try")
        page = open_page(daemon.url, daemon.token)
        page.follow()
        store.delete_session("try")
        page.says("the session was deleted")
        page.press("Follow")
        page.complains("NotFound: ")


def test_over_https_more_tails_than_six_share_a_connection(
    tmp_path: Path, chromium: BrowserType, launch: dict[str, Any], origin: str
) -> None:
    """With the certificate of `sessiond tls init`, which the browser was told to trust."""
    folder = tmp_path / "tls"
    assert 0 == run_command("tls", "init", "--tls-dir", str(folder)).returncode
    certificate, key = folder / "server.pem", folder / "server.key"
    public = load_pem_x509_certificate(certificate.read_bytes()).public_key()
    pin = hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    trust = f"--ignore-certificate-errors-spki-list={base64.b64encode(pin).decode()}"
    options = {**launch, "args": [*launch["args"], trust]}
    more = ("--allow-origin", origin, "--tls-cert", str(certificate), "--tls-key", str(key))
    with (
        WebDaemon(tmp_path, *more, scheme="https") as daemon,
        SessionStore(daemon.address) as store,
        # Chromium looks at the pin only where the folder of its profile is given.
        chromium.launch_persistent_context(tmp_path / "profile", **options) as context,
    ):
        store.create_session(session_id="try")
        pages = [SessionPage(context.new_page(), origin, daemon.url, daemon.token) for _ in range(8)]
        for page in pages:
            page.follow()
        wait_for_open_tails(store, 8)
        store.append_event("try", part("to all"))
        for page in pages:
            page.shows(["0 message_part"])


def test_a_certificate_that_is_not_trusted_is_told(tmp_path: Path, origin: str, open_page: OpenPage) -> None:
    """Nothing is sent to a server that could be another's."""
    folder = tmp_path / "tls"
    assert 0 == run_command("tls", "init", "--tls-dir", str(folder)).returncode
    pair = ("--tls-cert", str(folder / "server.pem"), "--tls-key", str(folder / "server.key"))
    with WebDaemon(tmp_path, "--allow-origin", origin, *pair, scheme="https") as daemon:
        page = open_page(daemon.url, daemon.token)
        page.press("Create")
        page.complains("its certificate is not trusted")
        with SessionStore(daemon.address) as store:
            assert [] == list(store.list_sessions())
