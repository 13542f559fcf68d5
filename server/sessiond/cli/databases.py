"""Where the database is that a command looks at."""

from pathlib import Path

from sessiond.cli.exits import CommandError
from sessiond.config import default_data_dir

__all__ = ["existing_database"]


def existing_database(data_dir: Path | None) -> Path:
    """The database of a data directory, which is the user's when it is None. Raises CommandError when there is none."""
    from sessiond.store.sqlite.engine import DATABASE_NAME

    path = (data_dir or default_data_dir()) / DATABASE_NAME
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise CommandError(f"there is no {path.name} in {path.parent}") from None
    except OSError as error:
        raise CommandError(f"cannot use the data directory {path.parent}: {error.strerror}") from error
    return path
