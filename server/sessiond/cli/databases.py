"""Where the database is that a command looks at, and how it ends where that cannot be used."""

from pathlib import Path
from typing import TYPE_CHECKING

from sessiond.cli.exits import CommandError, ExitCode
from sessiond.config import default_data_dir

if TYPE_CHECKING:
    from sessiond.store.sqlite.migration_files import MigrationError

__all__ = ["existing_database", "unusable_database"]


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


def unusable_database(error: "MigrationError") -> CommandError:
    """How a command ends then. Only where another try is of no use the code says so: services are told not to try."""
    from sessiond.store.sqlite.migration_files import DatabaseUnavailableError

    passes = isinstance(error, DatabaseUnavailableError)
    return CommandError(str(error), ExitCode.FAILED if passes else ExitCode.MIGRATION)
