"""Plays the scenario in each language against daemons of its own, and prints a table.

python -m tests.crosslang.kit --languages go,python
"""

import argparse
import json
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.crosslang.corpora import compare_corpora
from tests.crosslang.examples import follow_examples
from tests.crosslang.figures import figures_table
from tests.crosslang.report import Report
from tests.crosslang.runners import HERE, LANGUAGES, Runner, RunnerError
from tests.crosslang.servers import Servers

__all__ = ["main"]

DEFAULTS = ("unix", "tcp")


def steps_of(files: Sequence[Path]) -> list[str]:
    """The steps of scenario files, as runners name them. Raises ValueError when two have one name."""
    steps = [f"{file.stem}/{step['name']}" for file in files for step in json.loads(file.read_text(encoding="utf-8"))]
    twice = {step for step in steps if steps.count(step) > 1}
    if twice or not steps:
        raise ValueError(f"steps must have names of their own: {', '.join(sorted(twice)) or 'there is none'}")
    return steps


def play_all(runners: Sequence[Runner], files: Sequence[Path], servers: Servers, folder: Path, report: Report) -> None:
    """Plays the scenario in each language, over each default endpoint."""
    for runner in runners:
        for default in DEFAULTS:
            column = f"{runner.language}, {default}"
            run = f"{runner.language}-{default}-{secrets.token_hex(3)}"
            config = folder / f"{run}.json"
            say(f"playing: {column}")
            try:
                with servers.small_disk():
                    config.write_text(json.dumps(servers.config(run, default)), encoding="utf-8")
                    report.add(column, runner.play(config, files, servers.control))
            except RunnerError as error:
                report.problems.append(str(error))


def say(text: str) -> None:
    """Prints at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the kit; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.crosslang.kit", description=__doc__)
    parser.add_argument("--languages", default=",".join(LANGUAGES), help="which, separated by commas")
    parser.add_argument("--no-bench", action="store_true", help="leave the figures out")
    chosen = parser.parse_args(arguments)
    files = sorted((HERE / "scenario").glob("*.json"))
    report = Report(steps_of(files))
    built: list[Runner] = []
    languages = chosen.languages.split(",")
    for language in languages:
        say(f"building: {language}")
        runner = Runner(language)
        try:
            runner.build()
            built.append(runner)
        except RunnerError as error:
            report.problems.append(str(error))
    with TemporaryDirectory(prefix="crosslang-") as name:
        folder = Path(name)
        servers = Servers(folder)
        with servers.running():
            play_all(built, files, servers, folder, report)
            say("comparing: the bytes of events")
            compare_corpora(built, servers, folder, report)
            say("following: examples")
            follow_examples(languages, servers, report)
            figures = "" if chosen.no_bench else figures_table(built, servers, folder, report)
    say(f"\n{report.table()}\n")
    if figures:
        say(figures)
    for runner in built:
        say(", ".join(runner.versions().values()))
    counts = report.counts
    say(f"\ncrosslang: {counts['ok']} passed, {counts['FAIL']} failed, {counts['skip']} skipped")
    return 0 if report.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
