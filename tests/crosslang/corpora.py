"""Whether events come back with the same bytes, whichever language wrote and whichever reads them."""

import json
import secrets
from collections.abc import Sequence
from pathlib import Path

from tests.crosslang.report import Report
from tests.crosslang.runners import HERE, Runner, RunnerError
from tests.crosslang.servers import Servers

__all__ = ["compare_corpora"]

CORPUS = HERE / "corpus.json"


def compare_corpora(runners: Sequence[Runner], servers: Servers, folder: Path, report: Report) -> None:
    """Has each language write the corpus, and each read what every other wrote; all digests must be the same."""
    size = len(json.loads(CORPUS.read_text(encoding="utf-8")))
    config = folder / "corpus.json"
    expected: list[str] | None = None
    for writer in runners:
        run = f"{writer.language}-{secrets.token_hex(3)}"
        config.write_text(json.dumps(servers.config(run, "unix")), encoding="utf-8")
        try:
            writer.ask("write-corpus", str(config), str(CORPUS))
        except RunnerError as error:
            report.problems.append(str(error))
            continue
        for reader in runners:
            pair = f"written in {writer.language}, read in {reader.language}"
            try:
                digests = reader.ask("read-corpus", str(config), f"{run}-corpus").splitlines()
            except RunnerError as error:
                report.problems.append(str(error))
                continue
            expected = expected or digests
            if len(digests) != size:
                report.problems.append(f"{pair}: {len(digests)} of {size} events")
            elif digests != expected:
                differing = [ours.split()[0] for ours, theirs in zip(digests, expected, strict=True) if ours != theirs]
                report.problems.append(f"{pair}: other bytes in events {', '.join(differing)}")
            else:
                report.passed += 1
