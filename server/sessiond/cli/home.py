"""The home of the user in the values of options that no shell has expanded."""

import os.path
from pathlib import Path

__all__ = ["with_home"]


def with_home(path: Path | None) -> Path | None:
    """A path without its tilde, which the configuration file and the environment leave as it is."""
    # Of a user who is not known the path stays as it was, so that the message about the file repeats it.
    return None if path is None else Path(os.path.expanduser(path))  # noqa: PTH111 - `Path` raises for that user
