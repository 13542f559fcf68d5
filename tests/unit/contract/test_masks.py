"""Which fields a mask replaces: those that are named, and nothing around them."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from sessiond.contract.masks import replace_masked
from sessiond.store.errors import InvalidFieldError
from sessionstore.v1.session_pb2 import SessionConfig


def masked(stored: SessionConfig, given: SessionConfig, *paths: str) -> SessionConfig:
    """What is left of a stored configuration."""
    replace_masked(stored, given, FieldMask(paths=paths))
    return stored


def remote(address: str = "host") -> SessionConfig:
    """A configuration with a remote workspace."""
    config = SessionConfig()
    config.workspace.remote.agent_address = address
    return config


@pytest.mark.parametrize(
    "paths",
    [
        ("workspace.local",),
        ("workspace.local.path",),
        ("workspace.remote.auth",),
        ("workspace.remote.auth.bearer_token", "workspace.local"),
    ],
)
def test_clearing_what_is_not_there_changes_nothing(paths: tuple[str, ...]) -> None:
    """Not even the messages that would hold it are made; a workspace without a kind would be refused."""
    assert SessionConfig() == masked(SessionConfig(), remote(), *paths)


@pytest.mark.parametrize("path", ["tool_config.tools", "tool_config.backends", "tool_config.approval_policy"])
def test_an_empty_list_does_not_make_what_would_hold_it(path: str) -> None:
    """It is not set."""
    given = SessionConfig()
    given.tool_config.SetInParent()
    assert SessionConfig() == masked(SessionConfig(), given, path)


def test_what_is_set_is_replaced_with_what_holds_it() -> None:
    """Fields beside it stay as they are."""
    stored = remote()
    given = remote("other")
    given.workspace.remote.auth.api_key = "k"
    given.tool_config.tools["bash"].bash.approved_patterns.append("ls")
    masked(stored, given, "workspace.remote.auth", "tool_config.tools")
    expected = remote()
    expected.workspace.remote.auth.api_key = "k"
    expected.tool_config.tools["bash"].bash.approved_patterns.append("ls")
    assert expected == stored


@pytest.mark.parametrize("path", ["workspace.local", "workspace.local.path"])
def test_what_is_set_and_empty_is_set(path: str) -> None:
    """Empty is a value of a message, and of a field in it that knows no absence."""
    given = SessionConfig()
    given.workspace.local.SetInParent()
    assert given == masked(remote(), given, path)


def test_what_is_present_and_empty_stays_so() -> None:
    """Absent and empty differ."""
    assert SessionConfig(system_prompt="") == masked(SessionConfig(), SessionConfig(system_prompt=""), "system_prompt")
    assert SessionConfig() == masked(SessionConfig(system_prompt="x"), SessionConfig(), "system_prompt")


def test_lists_are_replaced_and_not_joined() -> None:
    """Also maps."""
    given = SessionConfig(metadata={"a": "1"})
    assert given == masked(SessionConfig(metadata={"b": "2"}), given, "metadata")


def test_a_workspace_of_no_kind_is_refused() -> None:
    """What the mask leaves must be a configuration."""
    with pytest.raises(InvalidFieldError, match=r"update\.config\.workspace\.kind"):
        masked(remote(), SessionConfig(), "workspace.remote")
