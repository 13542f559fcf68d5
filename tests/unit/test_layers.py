"""The layers, read off the imports: who may know whom."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"sessionstore": ROOT / "client" / "sessionstore", "sessiond": ROOT / "server" / "sessiond"}

GRPC = ("sessiond.services", "sessiond.interceptors", "sessiond.server", "sessiond.listeners", "sessionstore")
DRIVERS = ("sessiond.store.sqlite",)
ENVIRONMENT = ("sessiond.config", "sessiond.cli", "sessionstore.address")


def modules() -> Iterator[tuple[str, str]]:
    """All modules of ours that people write, with their text."""
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            name = ".".join((package, *path.relative_to(folder).with_suffix("").parts)).removesuffix(".__init__")
            if not name.startswith("sessionstore.v1."):
                yield name, path.read_text(encoding="utf-8")


def imported(source: str) -> set[str]:
    """The modules that a source imports, those inside functions and type-checking blocks included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def reads_environment(source: str) -> bool:
    """Whether a source looks at the environment or the arguments of the process."""
    names = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    return bool(names & {"os.environ", "os.getenv", "sys.argv"})


def inside(module: str, packages: tuple[str, ...]) -> bool:
    """Whether a module is one of the packages, or in one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def violations(module: str, source: str) -> list[str]:
    """What a module imports and must not."""
    found = []
    for name in sorted(imported(source)):
        of_grpc = inside(name, ("grpc", "grpc_health", "grpc_reflection", "grpc_status"))
        if of_grpc and not inside(module, GRPC):
            found.append(f"{module} imports {name}: gRPC belongs to the services, interceptors, server and client")
        if inside(name, ("sqlite3", "aiosqlite")) and not inside(module, DRIVERS):
            found.append(f"{module} imports {name}: drivers belong to the folder of their engine")
        if inside(module, ("sessionstore",)) and inside(name, ("sessiond",)):
            found.append(f"{module} imports {name}: the client knows nothing of the daemon")
        of_client = inside(name, ("sessionstore",)) and not inside(name, ("sessionstore.v1",))
        if of_client and inside(module, ("sessiond",)) and not inside(module, ("sessiond.cli",)):
            found.append(f"{module} imports {name}: only the command line knows the daemon and the client both")
        if inside(name, ("sessiond.cli",)) and not inside(module, ("sessiond.cli",)):
            found.append(f"{module} imports {name}: nothing knows the command line")
        if inside(module, ("sessiond.store", "sessiond.contract")) and inside(
            name, ("sessiond.services", "sessiond.interceptors", "sessiond.server", "sessiond.config")
        ):
            found.append(f"{module} imports {name}: the store knows nothing of the server")
    if reads_environment(source) and not inside(module, ENVIRONMENT):
        found.append(f"{module} reads the environment: that belongs to the configuration and the command line")
    return found


def test_every_module_keeps_to_its_layer() -> None:
    """No module imports what its layer must not know."""
    assert [] == [violation for module, source in modules() for violation in violations(module, source)]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("sessiond.contract.items", "import grpc"),
        ("sessiond.tailing", "def f():\n    from grpc import aio"),
        ("sessiond.services.admin", "import sqlite3"),
        ("sessiond.server", "from sessionstore import errors"),
        ("sessiond.server", "import sessionstore.async_client"),
        ("sessiond.server", "import sessionstore"),
        ("sessionstore.errors", "from sessiond.store import errors"),
        ("sessiond.store.protocol", "from sessiond.config import ServeConfig"),
        ("sessiond.server", "import os\nx = os.environ['HOME']"),
        ("sessiond.server", "import sys\nx = sys.argv"),
        ("sessiond.server", "from sessiond.cli import app"),
    ],
)
def test_a_violation_is_caught(module: str, source: str) -> None:
    """The test of the layers can fail."""
    assert 1 <= len(violations(module, source))


def test_the_modules_are_found() -> None:
    """The test of the layers looks at something."""
    names = {name for name, _ in modules()}
    assert {"sessiond.server", "sessiond.store.sqlite.engine", "sessionstore.tailing"} <= names
