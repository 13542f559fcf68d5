"""How a command ends whose database cannot be used."""

import pytest

from sessiond.cli.databases import unusable_database
from sessiond.cli.exits import ExitCode
from sessiond.store.sqlite.migration_files import DatabaseUnavailableError, MigrationError


@pytest.mark.parametrize(
    ("kind", "code"), [(MigrationError, ExitCode.MIGRATION), (DatabaseUnavailableError, ExitCode.FAILED)]
)
def test_the_code_says_whether_another_try_is_of_use(kind: type[MigrationError], code: ExitCode) -> None:
    """A service is not to try again with the wrong version, and is to do so when the disk was full."""
    ended = unusable_database(kind("what is wrong"))
    assert ("what is wrong", code) == (str(ended), ended.code)
