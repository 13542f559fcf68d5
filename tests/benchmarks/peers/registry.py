"""Which peers there are, and which of them run here."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.peers import etcd, google_adk, nats, openai_agents, postgresql, redis
from tests.benchmarks.peers.absence import AbsentError
from tests.benchmarks.stores import Role, Store

__all__ = ["PEERS", "OpenPeers", "Peer", "open_peers"]


@dataclass(frozen=True)
class Peer:
    """A peer that may be here or not.

    Attributes:
        name: How the table calls it.
        roles: What it can be measured at.
        opened: Starts it in an empty folder; raises AbsentError, or ImportError without its client.
    """

    name: str
    roles: Role
    opened: Callable[[Path], AbstractAsyncContextManager[Store]]


PEERS = (
    Peer(etcd.NAME, Role.APPEND | Role.FOLLOW, etcd.opened),
    Peer(redis.NAME, Role.APPEND | Role.FOLLOW | Role.REPLAY, redis.opened),
    Peer(nats.NAME, Role.APPEND | Role.FOLLOW, nats.opened),
    Peer(postgresql.NAME, Role.APPEND | Role.FOLLOW, postgresql.opened),
    Peer(openai_agents.NAME, Role.APPEND, openai_agents.opened),
    Peer(google_adk.NAME, Role.APPEND, google_adk.opened),
)


@dataclass(frozen=True)
class OpenPeers:
    """The peers that run, and why the others do not."""

    here: dict[str, tuple[Role, Store]]
    absent: dict[str, tuple[Role, str]]


@asynccontextmanager
async def open_peers(folder: Path, peers: tuple[Peer, ...] = PEERS) -> AsyncIterator[OpenPeers]:
    """Starts all that can be started; what cannot is absent, with the reason, and fails nothing."""
    found = OpenPeers({}, {})
    async with AsyncExitStack() as stack:
        for peer in peers:
            place = folder / peer.name.partition(" ")[0]
            place.mkdir(parents=True)
            try:
                store = await stack.enter_async_context(peer.opened(place))
            except ImportError as error:
                found.absent[peer.name] = peer.roles, f"its Python client is not installed ({error.name})"
            except AbsentError as error:
                found.absent[peer.name] = peer.roles, str(error)
            except Exception as error:  # noqa: BLE001 - a peer that breaks, however it does, is no failure of ours
                found.absent[peer.name] = peer.roles, f"{type(error).__name__}: {error}"
            else:
                found.here[peer.name] = peer.roles, store
        yield found
