"""What docs/grpcurl.md tells to type, typed as it stands there."""

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.recipes import PATH, Page, Shell, typing_user

block = Page("grpcurl.md").block

pytestmark = pytest.mark.skipif(
    shutil.which("grpcurl", path=PATH) is None, reason="grpcurl is not installed; run .ci/install-grpcurl (needs Go)"
)


def objects(text: str) -> list[dict[str, Any]]:
    """The JSON objects that stand one after the other."""
    decoder, at = json.JSONDecoder(), 0
    found: list[dict[str, Any]] = []
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        found.append(value)
        at += len(text[at:]) - len(text[at:].lstrip())
    return found


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A shell, and the daemons that the page starts."""
    with typing_user(tmp_path, monkeypatch) as shell:
        yield shell


def test_the_page_can_be_typed_from_its_start_to_its_end(shell: Shell) -> None:
    """Each block does what the page says, over the socket, with a token, and over TLS."""
    looked = shell.answers(block("-msg-template"))
    for name in ("sessionstore.v1.AdminService", "TailEvents (", "oneof start", '"mutations"', "store_id", "SERVING"):
        assert name in looked

    created, appended, committed = objects(shell.answers(block("CreateSession")))
    assert "session" in created
    assert "position" in appended
    assert 2 == len(committed["results"])

    outcomes = [item for answer in objects(shell.answers(block("-d @"))) for item in answer["outcomes"]]
    assert 2 == len(outcomes)
    assert all("result" in outcome for outcome in outcomes)

    read = shell.answers(block("no_follow"))
    assert '"text": "Hello."' in read
    frames = [frame for frame in objects(read) if frame.keys() & {"events", "caught_up"}]
    assert "3" == frames[-1]["caught_up"]["last_sequence"]

    refused = shell.run(block("nobody"))
    assert 69 == refused.returncode
    assert "SESSION_NOT_FOUND" in refused.stderr

    for words in ("127.0.0.1:50551", "127.0.0.1:50552", "127.0.0.1:50553"):
        assert "sessionstore.v1.AdminService" in (said := shell.answers(block(words))) or "store_id" in said


def test_a_tail_of_the_page_shows_what_happens_until_it_is_interrupted(shell: Shell) -> None:
    """An event that is appended while it is open appears in it."""
    shell.answers(block("CreateSession"))
    with subprocess.Popen(
        shell.script(block("from_now")), env=shell.environment, stdout=subprocess.PIPE, text=True
    ) as tail:
        assert tail.stdout is not None
        for line in tail.stdout:
            if "caught_up" in line:
                break
        shell.answers(block("-d @"))
        assert any("session_saved" in line for line in tail.stdout)
        tail.send_signal(signal.SIGINT)
        tail.stdout.read()
    assert 0 != tail.returncode


def test_without_a_token_a_port_of_the_page_is_closed(shell: Shell) -> None:
    """So that the recipes with a token prove something."""
    refused = shell.run("grpcurl -plaintext 127.0.0.1:50551 list")
    assert 0 != refused.returncode
    assert "Unauthenticated" in refused.stderr or "authorization" in refused.stderr
