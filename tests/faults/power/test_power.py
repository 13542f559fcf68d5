"""The power cuts at their smallest, and disks that lie, which must be caught."""

import random
import shutil
from pathlib import Path

import pytest

from tests.faults.power.campaign import FAILING_SYNCS, READER, build_recorder, run_campaign
from tests.faults.power.disks import Disk, Record

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler (cc) for the recorder")


def disk(*changes: Record) -> Disk:
    made = Disk()
    for change in changes:
        made.take(change)
    return made


def test_a_disk_keeps_what_was_synced_and_may_lose_the_rest() -> None:
    """A sync holds for what came before it, in its own file."""
    made = disk(
        Record("write", "a", 0, b"old"),
        Record("sync", "a"),
        Record("write", "a", 1, b"new"),
        Record("write", "b", 2, b"other"),
        Record("truncate", "a", 2),
    )
    assert {"a": b"old", "b": b""} == made.lose_all()
    assert {"a": b"on", "b": b"\0\0other"} == made.lose_nothing()


def test_what_a_failed_sync_was_to_put_onto_the_disk_is_forgotten() -> None:
    """No later sync puts it there; what is written again is."""
    made = disk(Record("write", "a", 0, b"abc"), Record("forget", "a"), Record("write", "a", 1, b"B"))
    made.take(Record("sync", "a"))
    assert {"a": b"\0B"} == made.lose_all()
    assert {"a": b"aBc"} == made.lose_nothing()


def test_a_write_is_torn_between_sectors_and_nowhere_else() -> None:
    """Each sector is the old one or the new one."""
    made = disk(Record("write", "a", 0, b"o" * 1024), Record("sync", "a"), Record("write", "a", 100, b"n" * 800))
    old = (b"o" * 512, b"o" * 512)
    new = (b"o" * 100 + b"n" * 412, b"n" * 388 + b"o" * 124)
    chance = random.Random(1)
    contents = [made.lose_some(chance)["a"] for _ in range(50)]
    seen = {(content[:512] == new[0], content[512:] == new[1]) for content in contents}
    assert all(content[:512] in (old[0], new[0]) and content[512:] in (old[1], new[1]) for content in contents)
    assert {(False, False), (False, True), (True, False), (True, True)} == seen


def test_files_are_removed_and_renamed() -> None:
    """What is gone is gone, and a new name has what the old one had."""
    made = disk(
        Record("write", "a", 0, b"1"), Record("rename", "a", target="b"), Record("write", "c"), Record("unlink", "c")
    )
    assert {"b": b"1"} == made.lose_nothing()


@pytest.mark.parametrize("options", [(), (FAILING_SYNCS,), (FAILING_SYNCS, READER)])
@pytest.mark.parametrize("durability", ["full", "normal"])
def test_a_cut_loses_nothing_that_was_promised(tmp_path: Path, durability: str, options: tuple[str, ...]) -> None:
    """At full durability nothing acknowledged, at normal durability nothing before what is there; the rest is whole."""
    library = build_recorder(tmp_path)
    findings = run_campaign(tmp_path, library, durability, points=5, seed=2, options=options)
    assert [] == findings.violations
    assert 20 == findings.disks
    assert findings.checked


def test_a_disk_that_forgets_what_it_was_asked_to_sync_is_caught(tmp_path: Path) -> None:
    """So that the campaign proves something: acknowledged events are missing then."""
    findings = run_campaign(tmp_path, build_recorder(tmp_path), "full", points=5, seed=2, lies=True)
    assert any("acknowledged, and not stored" in found or "is gone" in found for found in findings.violations)


def test_going_on_after_a_failed_sync_as_if_nothing_was_is_caught(tmp_path: Path) -> None:
    """What the operating system forgot is missing below what came later: the database is not whole.

    Beside a reader checkpoints stop, and more is copied before it is synced, so that each run has such a place.
    """
    options = (FAILING_SYNCS, READER, "--trusting")
    findings = run_campaign(tmp_path, build_recorder(tmp_path), "normal", points=40, seed=7, options=options)
    assert findings.violations
