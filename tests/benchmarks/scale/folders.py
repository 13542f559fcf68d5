"""The filled databases of a run: each is made once, when the first workload asks for it, and goes with the run."""

import asyncio
from pathlib import Path

from sessiond.store.sqlite.engine import DATABASE_NAME
from tests.benchmarks.daemon import Daemon, running_daemon
from tests.benchmarks.scale.contents import Contents
from tests.benchmarks.scale.filling import fill
from tests.benchmarks.setting import Setting
from tests.benchmarks.sizes import Sizes

__all__ = ["ContentsError", "check", "filled_folder", "large", "small"]

SAMPLES = 20


class ContentsError(Exception):
    """The daemon does not answer what the database was filled with."""


def large(sizes: Sizes) -> Contents:
    """What a database holds after long use."""
    return Contents(sizes.scale_sessions, sizes.scale_events // sizes.scale_sessions)


def small(sizes: Sizes) -> Contents:
    """What a database holds after a while, with sessions of the same kind."""
    return Contents(sizes.scale_few_sessions, sizes.scale_events // sizes.scale_sessions)


async def filled_folder(setting: Setting, contents: Contents) -> Path:
    """The folder of a daemon with these contents. Raises ContentsError."""
    folder = setting.folder / f"filled-{contents.sessions}-{contents.events}"
    if not folder.exists():
        data_dir = folder / "data"
        data_dir.mkdir(parents=True, mode=0o700)
        await asyncio.to_thread(fill, data_dir / DATABASE_NAME, contents)
        async with running_daemon(folder) as daemon:
            await check(daemon, contents)
    return folder


async def check(daemon: Daemon, contents: Contents) -> None:
    """Reads some of the sessions, the first and the last among them. Raises ContentsError."""
    for number in sorted({index * (contents.sessions - 1) // SAMPLES for index in range(SAMPLES + 1)}):
        filled = contents.session(number)
        session = await daemon.client.get_session(filled.id)
        events = [stored.event async for stored in daemon.client.get_events(filled.id)]
        found = (
            session.config,
            session.status,
            [stored.message for stored in session.state.messages],
            session.state.last_model,
            events,
        )
        expected = (
            filled.config,
            filled.status,
            [filled.message(sequence) for sequence in range(filled.messages)],
            filled.model,
            [filled.event(sequence) for sequence in range(filled.events)],
        )
        if expected != found:
            raise ContentsError(f"session {number} is not what it was filled with: {session}")
