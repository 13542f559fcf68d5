"""What docs/grpcui.md tells to type, typed as it stands there, and calls made through the page that it serves."""

import http.cookiejar
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

from tests.integration.process import PATIENCE_SECONDS
from tests.integration.recipes import PATH, Page, Shell, typing_user

block = Page("grpcui.md").block
SERVED = "gRPC Web UI available at "

pytestmark = pytest.mark.skipif(
    shutil.which("grpcui", path=PATH) is None, reason="grpcui is not installed; run .ci/install-grpcui (needs Go)"
)


class ServedPage:
    """The page that grpcui serves, and the calls that its forms make."""

    def __init__(self, address: str, pid: int) -> None:
        self.pid = pid
        self._address = address
        self._cookies = http.cookiejar.CookieJar()
        self._opener = build_opener(HTTPCookieProcessor(self._cookies))
        self.text = self._read(Request(address))  # noqa: S310 - an address of this machine

    def call(self, method: str, *messages: dict[str, Any], timeout_seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """What a call with these messages answers, as the page shows it."""
        (token,) = [str(cookie.value) for cookie in self._cookies if "csrf" in cookie.name]
        asked = {"timeout_seconds": timeout_seconds, "metadata": [], "data": messages}
        request = Request(  # noqa: S310
            f"{self._address}invoke/sessionstore.v1.{method}",
            data=json.dumps(asked).encode(),
            headers={"content-type": "application/json", "x-grpcui-csrf-token": token},
        )
        answer: dict[str, Any] = json.loads(self._read(request))
        return answer

    def answers(self, method: str, *messages: dict[str, Any]) -> list[dict[str, Any]]:
        """The answers of a call that succeeds."""
        called = self.call(method, *messages)
        assert called["error"] is None
        return [response["message"] for response in called["responses"]]

    def _read(self, request: Request) -> str:
        with self._opener.open(request, timeout=2 * PATIENCE_SECONDS) as response:
            text: str = response.read().decode()
            return text


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A shell, and the daemons that the page starts."""
    with typing_user(tmp_path, monkeypatch) as shell:
        shell.instead("-port 8080", "")
        yield shell


@contextmanager
def served(shell: Shell, words: str) -> Iterator[ServedPage]:
    """The page that a recipe serves."""
    with subprocess.Popen(
        shell.script(block(words)),
        env=shell.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline().strip()
            assert SERVED in said
            yield ServedPage(said.removeprefix(SERVED), process.pid)
        finally:
            process.terminate()


def test_each_recipe_shows_the_calls_and_makes_them(shell: Shell) -> None:
    """Over the socket, with a token, over TLS, and with a certificate."""
    for words in ("-unix", "127.0.0.1:50551", "127.0.0.1:50552", "127.0.0.1:50553"):
        with served(shell, words) as page:
            for name in ("sessionstore.v1.SessionStoreService", "sessionstore.v1.AdminService", "TailEvents"):
                assert name in page.text
            (info,) = page.answers("AdminService.GetServerInfo", {})
        assert "store_id" in info


@pytest.mark.parametrize("words", ["-unix", "127.0.0.1:50551"])
def test_the_page_writes_reads_and_tails(shell: Shell, words: str) -> None:
    """Messages of a stream are sent one after the other; a tail is shown when it ends, by itself or at its timeout."""
    event = {"event": {"session_saved": {"session_id": "try"}}}
    commit = {"session_id": "try", "mutations": [{"append_event": event}]}
    with served(shell, words) as page:
        page.answers("SessionStoreService.CreateSession", {"session_id": "try"})
        (appended,) = page.answers("SessionStoreService.AppendEvent", {"session_id": "try", "event_id": "e", **event})
        written = page.answers("SessionStoreService.Write", {"commits": [commit]}, {"commits": [commit]})
        (session,) = page.answers("SessionStoreService.GetSession", {"session_id": "try"})
        (read,) = page.answers("SessionStoreService.GetEvents", {"session_id": "try"})
        tailed = page.answers("SessionStoreService.TailEvents", {"session_id": "try", "no_follow": True})
        followed = page.call(
            "SessionStoreService.TailEvents", {"session_id": "try", "from_now": True}, timeout_seconds=1
        )
    assert "0" == appended["sequence"]
    results = [outcome["result"]["results"] for answer in written for outcome in answer["outcomes"]]
    assert ["1", "2"] == [result["append_event"]["sequence"] for (result,) in results]
    assert "2" == session["session"]["state"]["last_event_sequence"]
    assert ["0", "1", "2"] == [event["sequence"] for event in read["events"]]
    assert {"caught_up": {"last_sequence": "2"}} == tailed[-1]
    assert "DeadlineExceeded" == followed["error"]["name"]
    assert {"caught_up": {"last_sequence": "2"}} == followed["responses"][0]["message"]


def test_an_error_shows_its_code_and_message(shell: Shell) -> None:
    """What was wrong can be read, though the details are encoded."""
    with served(shell, "-unix") as page:
        refused = page.call("SessionStoreService.GetSession", {"session_id": "nobody"})["error"]
    assert ("NotFound", "no session 'nobody'", 2) == (refused["name"], refused["message"], len(refused["details"]))


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="only Linux tells it so")
def test_the_token_is_not_among_the_arguments(shell: Shell) -> None:
    """What everybody can see of the process names the variable, and not the token that is in it."""
    token = shell.answers("cat ~/.local/share/sessiond/token").strip()
    for words in ("127.0.0.1:50551", "127.0.0.1:50552"):
        with served(shell, words) as page:
            arguments = Path(f"/proc/{page.pid}/cmdline").read_text(encoding="utf-8").split("\0")
        assert "authorization: Bearer ${TOKEN}" in arguments
        assert token not in "".join(arguments)


def test_without_a_token_the_recipe_for_a_port_serves_nothing(shell: Shell) -> None:
    """So that the recipes with a token prove something."""
    typed = block("127.0.0.1:50551").replace("-H 'authorization: Bearer ${TOKEN}'", "")
    refused = shell.run(typed)
    assert 0 != refused.returncode
    assert "Unauthenticated" in refused.stderr
    assert "send a token: authorization: Bearer TOKEN" in refused.stderr
