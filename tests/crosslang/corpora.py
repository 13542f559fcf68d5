"""Whether events come back as they were, whichever language wrote and whichever reads them."""

import json
import secrets
from collections.abc import Sequence
from pathlib import Path

from sessionstore import SessionStore
from tests.crosslang.report import Report
from tests.crosslang.runners import HERE, Runner, RunnerError
from tests.crosslang.servers import Servers

__all__ = ["compare_corpora"]

CORPUS = HERE / "corpus.json"


def compare_corpora(runners: Sequence[Runner], servers: Servers, folder: Path, report: Report) -> None:
    """Has each language write the corpus, and each read what every other wrote.

    The bytes that the server stores must not depend on the writer, and no reader may lose anything.
    """
    size = len(json.loads(CORPUS.read_text(encoding="utf-8")))
    config = folder / "corpus.json"
    expected: list[bytes] | None = None
    for writer in runners:
        run = f"{writer.language}-{secrets.token_hex(3)}"
        config.write_text(json.dumps(servers.config(run, "unix")), encoding="utf-8")
        try:
            writer.ask("write-corpus", str(config), str(CORPUS))
        except RunnerError as error:
            report.problems.append(str(error))
            continue
        session_id = f"{run}-corpus"
        written = _stored(servers, session_id)
        expected = expected or written
        if len(written) != size or written != expected:
            differing = [index for index, pair in enumerate(zip(written, expected, strict=False)) if len(set(pair)) > 1]
            report.problems.append(f"{writer.language} wrote other bytes: {len(written)} events, differing {differing}")
            continue
        report.passed += 1
        for reader in runners:
            _read_back(reader, f"written in {writer.language}, read in {reader.language}", config, session_id, report)


def _stored(servers: Servers, session_id: str) -> list[bytes]:
    with SessionStore(servers.endpoints["unix"]["address"]) as store:
        return [stored.event.SerializeToString(deterministic=True) for stored in store.get_events(session_id)]


def _read_back(reader: Runner, pair: str, config: Path, session_id: str, report: Report) -> None:
    size = len(json.loads(CORPUS.read_text(encoding="utf-8")))
    try:
        verdicts = reader.ask("read-corpus", str(config), session_id).splitlines()
    except RunnerError as error:
        report.problems.append(f"{pair}: {error}")
        return
    changed = sorted(set(map("{} same".format, range(size))) ^ set(verdicts))
    if changed:
        report.problems.append(f"{pair}: {', '.join(changed)}")
    else:
        report.passed += 1
