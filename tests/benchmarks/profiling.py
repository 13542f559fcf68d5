"""Flame graphs of the daemon under the loads of the benchmark, recorded by py-spy.

python -m tests.benchmarks.profiling                                # into build/profile
python -m tests.benchmarks.profiling --only replay --seconds 30     # another workload, for longer
python -m tests.benchmarks.profiling --folder flames --native       # with what is not Python, which takes longer
python -m tests.benchmarks.profiling --gil                          # without the threads that wait
python -m tests.benchmarks.profiling --quick                        # only proves that it runs
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks.child import running
from tests.benchmarks.daemon import running_daemon
from tests.benchmarks.figures import Run
from tests.benchmarks.setting import Setting
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.workloads import concurrent_appends, fan_out, single_append
from tests.benchmarks.workloads.scale import SCALED

__all__ = ["AttachError", "ProfileError", "explained", "main"]

USUAL = [each.name for each in (concurrent_appends.WORKLOAD, single_append.WORKLOAD, fan_out.ONE_SESSION)]
DRIVERS = {workload.name: driver for workload, driver in SCALED}

SHARED_EVENTS = 100
"""Events that each tail sees in a fan-out: enough that it is these that are seen, and not the opening of the tails."""


class ProfileError(Exception):
    """There is no flame graph; the text tells why, and what to do."""


class AttachError(ProfileError):
    """The recorder may not look into the daemon."""


@dataclass(frozen=True)
class Recording:
    """How a flame graph is recorded.

    Attributes:
        seconds: For how long.
        rate: Samples a second.
        native: Whether functions that are not Python are shown too.
        gil: Whether only threads that hold the interpreter's lock are shown, and none that waits.
    """

    seconds: int
    rate: int = 200
    native: bool = False
    gil: bool = False

    def command(self, pid: int, output: Path) -> list[str]:
        """What records a process."""
        beside = Path(sys.executable).with_name("py-spy")
        program = str(beside) if beside.exists() else shutil.which("py-spy")
        if program is None:
            raise ProfileError("py-spy is not installed; pip install --group figures, or make profile, installs it")
        times = ["--duration", str(self.seconds), "--rate", str(self.rate)]
        shown = [f"--{name}" for name, wanted in (("native", self.native), ("gil", self.gil)) if wanted]
        return [program, "record", "--pid", str(pid), "--output", str(output), "--threads", *times, *shown]


def explained(said: str) -> ProfileError:
    """The error that stands for what the recorder said before it failed."""
    lowered = said.lower()
    if "not permitted" in lowered or "permission denied" in lowered or "as root" in lowered:
        return AttachError(
            "py-spy may not attach to the daemon. Allow it in one of these ways: run as root; set"
            " kernel.yama.ptrace_scope to 0 (sudo sysctl kernel.yama.ptrace_scope=0); in a container, add the"
            " capability SYS_PTRACE (docker run --cap-add SYS_PTRACE)."
        )
    last = said.strip().splitlines()[-1:] or ["nothing was said"]
    return ProfileError(f"py-spy failed: {last[0]}")


async def record(pid: int, load: Run, recording: Recording, output: Path, log: Path) -> None:
    """Records a process for as long as it was told, under a load. Raises ProfileError."""
    # What happens once, at the first of everything, is no part of the picture.
    await load()

    async def keep_loading() -> None:
        while True:
            await load()

    async with running(recording.command(pid, output), log) as recorder:
        loading = asyncio.create_task(keep_loading())
        recorded = asyncio.create_task(asyncio.to_thread(recorder.wait))
        try:
            await asyncio.wait((loading, recorded), return_when=asyncio.FIRST_COMPLETED)
            if loading.done():
                recorder.terminate()
                await loading
        finally:
            await recorded
            loading.cancel()
            with suppress(asyncio.CancelledError):
                await loading
    if recorder.returncode or not output.exists():
        raise explained(log.read_text(encoding="utf-8", errors="replace"))


async def _record_all(names: list[str], sizes: Sizes, recording: Recording, folder: Path, temporary: Path) -> None:
    setting = Setting(temporary, sizes, "", {}, {})
    for name in names:
        async with running_daemon(setting.fresh_path("d")) as daemon, DRIVERS[name](daemon, setting) as load:
            output = folder / f"{name}.svg"
            output.unlink(missing_ok=True)
            await record(daemon.pid, load, recording, output, temporary / "py-spy.log")
        sys.stdout.write(f"{output}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Records flame graphs of the daemon under load.")
    parser.add_argument("--quick", action="store_true", help="only prove that it runs")
    parser.add_argument(
        "--only", nargs="+", choices=DRIVERS, default=USUAL, metavar="WORKLOAD", help=", ".join(DRIVERS)
    )
    parser.add_argument("--seconds", type=int, default=15, help="for how long each is recorded")
    parser.add_argument("--native", action="store_true", help="show functions that are not Python too")
    parser.add_argument("--gil", action="store_true", help="show only threads that hold the interpreter's lock")
    parser.add_argument("--folder", type=Path, default=Path("build/profile"), help="where the flame graphs go")
    return parser.parse_args()


def main() -> int:
    """Records from the command line."""
    arguments = _arguments()
    sizes = Sizes.quick() if arguments.quick else replace(Sizes(), shared_events=SHARED_EVENTS, replay=100_000)
    recording = Recording(1 if arguments.quick else arguments.seconds, native=arguments.native, gil=arguments.gil)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="sd-profile-", ignore_cleanup_errors=True) as temporary:
            asyncio.run(_record_all(arguments.only, sizes, recording, arguments.folder, Path(temporary)))
    except ProfileError as error:
        sys.stderr.write(f"{error}\n")
        # Where nobody may attach, there is nothing that a quick run could prove.
        return 0 if arguments.quick and isinstance(error, AttachError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
