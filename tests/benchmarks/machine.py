"""What the figures depend on: the machine and the versions."""

import os
import platform
import sqlite3
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["described"]

_PACKAGES = (
    *("sessiond", "grpcio", "protobuf", "aiosqlite"),
    *("redis", "hiredis", "nats-py", "aetcd", "asyncpg", "openai-agents", "google-adk"),
)


def described(folder: Path) -> dict[str, Any]:
    """The facts, for the JSON and the head of the table."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": [round(load, 2) for load in os.getloadavg()],
        "machine": platform.machine(),
        "kernel": f"{platform.system()} {platform.release()}",
        "file_system": _file_system(folder),
        "python": sys.version.partition(" ")[0],
        "sqlite": sqlite3.sqlite_version,
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _file_system(folder: Path) -> str:
    """The type of the file system that a folder is on."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return "unknown"
    found, longest = "unknown", -1
    for line in mounts.read_text(encoding="utf-8").splitlines():
        _, place, kind, *_ = line.split()
        if folder.resolve().is_relative_to(place) and len(place) > longest:
            found, longest = kind, len(place)
    return found
