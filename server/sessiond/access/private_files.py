"""Files that only their owner may read, replaced as a whole."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

__all__ = ["write_private"]


def write_private(path: Path, content: bytes) -> None:
    """Writes a file of mode 0600 in one step: a reader finds the old content or the new, also after a power cut.

    Raises OSError.
    """
    # The file is made with mode 0600, before there is anything in it to read.
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as fresh:
        try:
            fresh.write(content)
            fresh.flush()
            os.fsync(fresh.fileno())
            Path(fresh.name).replace(path)
        except BaseException:
            Path(fresh.name).unlink(missing_ok=True)
            raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
