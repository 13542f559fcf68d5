"""What `import sessionstore` offers, and how it looks."""

import inspect
import subprocess
import sys

import pytest

import sessionstore
from sessionstore import AsyncSessionStore, SessionStore


def test_every_public_name_is_there() -> None:
    """All names of `__all__` load, and `dir` shows them."""
    assert [name for name in sessionstore.__all__ if not hasattr(sessionstore, name)] == []
    assert set(sessionstore.__all__) <= set(dir(sessionstore))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name says so."""
    with pytest.raises(AttributeError, match="SesionStore"):
        _ = sessionstore.SesionStore


def test_the_import_is_light() -> None:
    """Neither gRPC nor protobuf nor asyncio is loaded before something needs it."""
    heavy = "import sys, sessionstore; print([m for m in ('grpc', 'google.protobuf', 'asyncio') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def public_methods(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


def test_the_blocking_client_has_every_method_of_the_other() -> None:
    """No call is missing from one of the two."""
    assert public_methods(AsyncSessionStore) == public_methods(SessionStore)


@pytest.mark.parametrize("name", sorted(public_methods(SessionStore) - {"close", "write"}))
def test_the_blocking_methods_show_the_same_parameters_and_text(name: str) -> None:
    """`help()` teaches the blocking client as well."""
    blocking, asynchronous = getattr(SessionStore, name), getattr(AsyncSessionStore, name)
    assert inspect.signature(blocking).parameters == inspect.signature(asynchronous).parameters
    assert (blocking.__doc__, blocking.__name__) == (asynchronous.__doc__, asynchronous.__name__)
    assert not inspect.iscoroutinefunction(blocking)
