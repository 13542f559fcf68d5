"""The layers, read off the imports: who may know whom."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"sessionstore": ROOT / "client" / "sessionstore", "sessiond": ROOT / "server" / "sessiond"}

GRPC = (
    "sessiond.access.transport",
    "sessiond.interceptors",
    "sessiond.listeners",
    "sessiond.server",
    "sessiond.services",
    "sessiond.web",
    "sessionstore",
)
WEB_LIBRARIES = ("connectrpc", "hypercorn", "starlette", "protobuf")
DRIVERS = ("sessiond.store.sqlite",)
ENVIRONMENT = ("sessiond.config", "sessiond.cli", "sessionstore.address", "sessionstore.credentials")
ENVIRONMENT_NAMES = {"os.environ", "os.environb", "os.getenv", "os.getenvb", "sys.argv", "sys.orig_argv"}


def modules() -> Iterator[tuple[str, str]]:
    """All modules of ours, with their text."""
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            name = ".".join((package, *path.relative_to(folder).with_suffix("").parts)).removesuffix(".__init__")
            yield name, path.read_text(encoding="utf-8")


def imported(tree: ast.AST) -> set[str]:
    """The modules and names that are imported, inside functions and type-checking blocks too; `.` when relatively."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            home = "." if node.level else node.module or ""
            found.add(home)
            found.update(f"{home}.{alias.name}" for alias in node.names if not node.level)
        elif isinstance(node, ast.Call) and called(node.func) in {"import_module", "__import__"}:
            # A name that is computed cannot be read here.
            found.update(
                argument.value
                for argument in node.args
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            )
    return found


def called(function: ast.expr) -> str:
    """The last part of the name of a function that is called."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def reads_environment(tree: ast.AST, imports: set[str]) -> bool:
    """Whether a source looks at the environment or the arguments of the process."""
    names = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    return bool((names | imports) & ENVIRONMENT_NAMES)


def inside(module: str, packages: tuple[str, ...]) -> bool:
    """Whether a module is one of the packages, or in one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def violations(module: str, source: str) -> list[str]:
    """What a module imports and must not."""
    tree = ast.parse(source)
    imports = imported(tree)
    if inside(module, ("sessionstore.v1",)):
        return [
            f"{module} imports {name}: the stubs know nothing but themselves"
            for name in sorted(imports)
            if inside(name, ("sessionstore", "sessiond")) and not inside(name, ("sessionstore.v1",))
        ]
    found = [f"{module} imports relatively: whole names are what this test reads"] if "." in imports else []
    for name in sorted(imports):
        of_grpc = inside(name, ("grpc", "grpc_health", "grpc_reflection", "grpc_status"))
        if of_grpc and not inside(module, GRPC):
            found.append(f"{module} imports {name}: gRPC belongs to the services, interceptors, server and client")
        if inside(name, ("sqlite3", "aiosqlite")) and not inside(module, DRIVERS):
            found.append(f"{module} imports {name}: drivers belong to the folder of their engine")
        if inside(name, WEB_LIBRARIES) and not inside(module, ("sessiond.web",)):
            found.append(f"{module} imports {name}: what is installed only with the extra belongs to the web")
        if inside(module, ("sessionstore",)) and inside(name, ("sessiond",)):
            found.append(f"{module} imports {name}: the client knows nothing of the daemon")
        of_client = inside(name, ("sessionstore",)) and not inside(name, ("sessionstore.v1",))
        if of_client and inside(module, ("sessiond",)) and not inside(module, ("sessiond.cli",)):
            found.append(f"{module} imports {name}: only the command line knows the daemon and the client both")
        if inside(name, ("sessiond.cli",)) and not inside(module, ("sessiond.cli", "sessiond.__main__")):
            found.append(f"{module} imports {name}: nothing knows the command line")
        if inside(module, ("sessiond.store", "sessiond.contract")) and inside(
            name, ("sessiond.services", "sessiond.interceptors", "sessiond.server", "sessiond.config")
        ):
            found.append(f"{module} imports {name}: the store knows nothing of the server")
    if reads_environment(tree, imports) and not inside(module, ENVIRONMENT):
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
        ("sessiond.server", "from starlette.types import ASGIApp"),
        ("sessiond.server", "from sessionstore import errors"),
        ("sessiond.server", "import sessionstore.async_client"),
        ("sessiond.server", "import sessionstore"),
        ("sessionstore.errors", "from sessiond.store import errors"),
        ("sessiond.store.protocol", "from sessiond.config import ServeConfig"),
        ("sessiond.server", "import os\nx = os.environ['HOME']"),
        ("sessiond.server", "import sys\nx = sys.argv"),
        ("sessiond.server", "from sessiond.cli import app"),
        ("sessiond.server", "from os import environ"),
        ("sessiond.tailing", "from .cli import app"),
        ("sessiond.cli.app", "import grpc"),
        ("sessiond.contract.items", "import importlib\nimportlib.import_module('grpc.aio')"),
        ("sessionstore.v1.event_pb2", "from sessionstore import errors"),
    ],
)
def test_a_violation_is_caught(module: str, source: str) -> None:
    """The test of the layers can fail."""
    assert 1 <= len(violations(module, source))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("sessiond.services.admin", "import grpc\nfrom sessionstore.v1 import event_pb2"),
        ("sessiond.store.sqlite.engine", "import sqlite3, aiosqlite"),
        ("sessiond.cli.tailing", "from sessionstore import AsyncSessionStore\nimport sys\nx = sys.argv"),
        ("sessionstore.errors", "import grpc\nfrom sessionstore.v1 import error_reason_pb2"),
        ("sessionstore.v1.event_pb2", "from sessionstore.v1 import message_pb2\nimport grpc"),
        ("sessiond.grpcless", "import os\nx = os.fspath('environ')"),
    ],
)
def test_what_a_layer_may_know_is_no_violation(module: str, source: str) -> None:
    """The test of the layers forbids no more than it means to."""
    assert [] == violations(module, source)


def test_the_modules_are_found() -> None:
    """The test of the layers looks at something."""
    names = {name for name, _ in modules()}
    assert {
        "sessiond.server",
        "sessiond.store.sqlite.engine",
        "sessionstore.tailing",
        "sessionstore.v1.event_pb2",
    } <= names
