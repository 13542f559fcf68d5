"""The files of the credentials that the command shows to the daemon."""

import os
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sessionstore import Credentials

__all__ = ["CredentialFiles", "named_files", "token_in_environment"]


@dataclass(frozen=True, slots=True)
class CredentialFiles:
    """The files that the command line, the environment or the configuration file names; None where none does."""

    token_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    data_dir: Path | None = None
    """That of the user's daemon, whose token is in it."""

    def credentials(self, address: str) -> "Credentials":
        """The credentials for an address; the client library finds those that were not named."""
        from dataclasses import replace

        from sessionstore import Credentials

        found = Credentials.from_environment(address, data_dir=self.data_dir)
        if self.token_file is not None:
            found = replace(found, token=None, token_file=self.token_file)
        if self.certificate_file is not None or self.key_file is not None:
            found = replace(found, certificate_file=self.certificate_file, key_file=self.key_file)
        return found if self.ca_file is None else replace(found, ca_file=self.ca_file)


def token_in_environment() -> bool:
    """Whether the environment names a token, which counts more than the configuration file."""
    return bool(os.environ.get("SESSIOND_TOKEN") or os.environ.get("SESSIOND_TOKEN_FILE"))


named_files: ContextVar[CredentialFiles] = ContextVar("named_files", default=CredentialFiles())  # noqa: B039 - it is frozen
"""What the options before the command name."""
