"""How a command ends: its exit code, and one line on standard error that says what to do."""

from enum import IntEnum

__all__ = ["CommandError", "ExitCode"]


class ExitCode(IntEnum):
    """The exit codes, which scripts may rely on."""

    OK = 0
    FAILED = 1
    """The daemon answered with an error, or something else failed."""
    USAGE = 2
    """The command line or the configuration is wrong."""
    UNREACHABLE = 3
    """No daemon answers at the address."""
    INCOMPLETE = 4
    """An import went through, but for entries, files or folders that could not be read."""
    IN_USE = 5
    """The data directory or an address is in use by another process."""
    MIGRATION = 6
    """The database cannot be used with this version of the program, or not at all; another try would not help."""


class CommandError(Exception):
    """Ends a command with a code and a message for a person."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.code = code
