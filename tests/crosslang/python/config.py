"""The config of a runner, and the channels to its endpoints."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

__all__ = ["Config", "Endpoints"]

MAX_ANSWER_BYTES = 16 * 1024 * 1024

Metadata = tuple[tuple[str, str], ...]


@dataclass
class Config:
    """See README.md for what each part means."""

    run: str
    default: str
    endpoints: dict[str, dict[str, str]]
    absent: dict[str, str]
    tokens: dict[str, str]
    controls: list[str]

    @classmethod
    def load(cls, path: str) -> "Config":
        """Reads the file."""
        return cls(**json.loads(Path(path).read_text(encoding="utf-8")))


class Endpoints:
    """The channels, opened when they are first used."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._in_use: list[grpc.aio.Channel] = []

    def channel(self, name: str) -> grpc.aio.Channel:
        """The channel to an endpoint."""
        if name not in self._channels:
            self._channels[name] = _open(self._config.endpoints[name])
        return self._channels[name]

    def metadata(self, name: str, token: str | None) -> Metadata:
        """What a call sends along, with the endpoint's own token unless another is named."""
        token = token or self._config.endpoints[name].get("token")
        if token is None or token == "nobody":  # noqa: S105 - the name of none
            return ()
        return (("authorization", f"Bearer {self._config.tokens[token]}"),)

    def forget(self) -> None:
        """Has the next call connect anew; what is open stays open for the tails that use it."""
        self._in_use.extend(self._channels.values())
        self._channels.clear()

    async def close(self) -> None:
        """Closes everything."""
        self.forget()
        for channel in self._in_use:
            await channel.close()


def _open(endpoint: dict[str, str]) -> grpc.aio.Channel:
    address = endpoint["address"]
    options: list[tuple[str, Any]] = [("grpc.max_receive_message_length", MAX_ANSWER_BYTES)]
    if address.startswith("unix:"):
        options.append(("grpc.default_authority", "localhost"))
    if "ca_file" not in endpoint:
        return grpc.aio.insecure_channel(address, options=options)
    files = (endpoint.get(key) for key in ("ca_file", "key_file", "certificate_file"))
    credentials = grpc.ssl_channel_credentials(*(Path(file).read_bytes() if file else None for file in files))
    return grpc.aio.secure_channel(address, credentials, options=options)
