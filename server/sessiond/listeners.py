"""Binds the addresses of a server, loudly when one is taken."""

import errno
import os
import socket
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import grpc

from sessiond.config import Listener

__all__ = ["BACKLOG", "AddressInUseError", "bind", "bind_web"]


BACKLOG = 4096
"""How many connections may wait to be accepted, where the system lets them. It resets some of those beyond, when it has
told their clients already that they are connected."""


class AddressInUseError(Exception):
    """An address is taken, or cannot be used; the text says which and what to do."""


def bind(
    server: grpc.aio.Server, listeners: Sequence[Listener], tls: grpc.ServerCredentials | None = None
) -> list[Listener]:
    """Binds all addresses; returns them with the ports that were chosen. Raises AddressInUseError.

    Those with TLS use the credentials.

    gRPC would replace the socket of a running server silently, so each socket is tried first.
    """
    return [_bind_one(server, listener, tls) for listener in listeners]


def _bind_one(server: grpc.aio.Server, listener: Listener, tls: grpc.ServerCredentials | None) -> Listener:
    if listener.socket is not None:
        _make_folder(listener.socket.parent)
        _clear_socket(listener.socket)
        _try_socket(listener.socket)
    else:
        _try_port(listener)
    # Not for a moment may somebody else connect to the socket.
    umask = os.umask(0o177)
    try:
        if listener.tls and tls is not None:
            port = server.add_secure_port(_grpc_target(listener), tls)
        else:
            port = server.add_insecure_port(_grpc_target(listener))
    except RuntimeError as error:
        raise AddressInUseError(f"cannot listen on {listener}: taken, or no address of this machine") from error
    finally:
        os.umask(umask)
    return listener if listener.socket is not None else replace(listener, port=port)


def _grpc_target(listener: Listener) -> str:
    # gRPC reads it as a URI, in which `%`, `#` and `?` of a path would mean something.
    if listener.socket is None:
        return str(replace(listener, tls=False))
    return f"unix:{quote(os.fsencode(listener.socket))}"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise AddressInUseError(f"cannot make the folder {folder} of the socket: {error.strerror}") from error
    # Whoever may write to the folder can put a socket of their own in the place of ours, unless the folder is sticky.
    status = folder.stat()
    if status.st_uid not in (os.getuid(), 0):
        raise AddressInUseError(f"the folder {folder} of the socket belongs to somebody else; choose one of your own")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX:
        raise AddressInUseError(
            f"others may write to the folder {folder} of the socket, and put their own in its place; choose another "
            f"one, or run: chmod go-w {folder}"
        )


def _clear_socket(path: Path) -> None:
    """Removes the socket that a server left behind when it was killed; refuses when somebody listens on it."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise AddressInUseError(f"cannot use {path}: {error.strerror}") from error
    if not stat.S_ISSOCK(mode):
        raise AddressInUseError(f"cannot listen on unix:{path}: the file is no socket; choose another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(5)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except FileNotFoundError:
            return
        except OSError as error:
            raise AddressInUseError(f"cannot use unix:{path}: {error.strerror}") from error
    raise AddressInUseError(f"another server listens on unix:{path}; stop it, or choose another path")


def _try_socket(path: Path) -> None:
    """Makes a socket and removes it: gRPC would tell no reason, and write lines of its own."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as tried:
        try:
            tried.bind(str(path))
        except OSError as error:
            raise AddressInUseError(f"cannot listen on unix:{path}: {error.strerror}") from error
    path.unlink()


def bind_web(listener: Listener) -> tuple[socket.socket, Listener]:
    """A socket that listens at the address, and the address with the port that was chosen. Raises AddressInUseError."""
    listening = _bound_socket(listener)
    listening.listen(BACKLOG)
    return listening, replace(listener, port=listening.getsockname()[1])


def _try_port(listener: Listener) -> None:
    _bound_socket(listener).close()


def _bound_socket(listener: Listener) -> socket.socket:
    try:
        found = socket.getaddrinfo(listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise AddressInUseError(f"cannot listen on {listener}: {error.strerror}") from error
    family, kind, protocol, _, address = found[0]
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise AddressInUseError(
                f"another program listens on {listener}; stop it, or choose another port"
            ) from error
        raise AddressInUseError(f"cannot listen on {listener}: {error.strerror}") from error
    return bound
