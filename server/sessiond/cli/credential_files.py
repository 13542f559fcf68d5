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
        """The credentials for an address; the client library finds those that were not named.

        Raises ValueError when files that the connection needs are not what they should be.
        """
        from dataclasses import replace

        from sessionstore import Credentials

        found = Credentials.from_environment(address, data_dir=self.data_dir)
        if self.token_file is not None:
            found = replace(found, token=None, token_file=self.token_file)
        if self.certificate_file is not None or self.key_file is not None:
            found = replace(found, certificate_file=self.certificate_file, key_file=self.key_file)
        if self.ca_file is not None:
            found = replace(found, ca_file=self.ca_file)
        if address.startswith("tls:"):
            _check(found)
        return found


def _check(credentials: "Credentials") -> None:
    """Looks at the files, which gRPC would refuse only as a server that cannot be reached. Raises ValueError."""
    from sessiond.access.pem_files import certificate_in, check_authorities, check_key, read_pem

    authority, certificate, key = credentials.ca_file, credentials.certificate_file, credentials.key_file
    if authority is not None:
        check_authorities(read_pem(authority), authority)
    # Half a pair is for the client library to refuse.
    if certificate is not None and key is not None:
        check_key(read_pem(key), key, certificate_in(read_pem(certificate), certificate), certificate)


def token_in_environment() -> bool:
    """Whether the environment names a token, which counts more than the configuration file."""
    return bool(os.environ.get("SESSIOND_TOKEN") or os.environ.get("SESSIOND_TOKEN_FILE"))


named_files: ContextVar[CredentialFiles] = ContextVar("named_files", default=CredentialFiles())  # noqa: B039 - it is frozen
"""What the options before the command name."""
