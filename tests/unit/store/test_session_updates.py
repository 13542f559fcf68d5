"""Changes of a session: masks, patches of metadata, approvals, sizes and times."""

import sqlite3
from pathlib import Path

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from sessiond.contract.limits import Limits
from sessiond.contract.secrets import redact
from sessiond.store.errors import CorruptedError, InvalidFieldError, TooLargeError
from sessiond.store.sqlite.engine import DATABASE_NAME, SqliteStore
from sessionstore.v1 import session_store_service_pb2 as pb
from sessionstore.v1.session_pb2 import (
    LocalWorkspace,
    RemoteAuth,
    RemoteWorkspace,
    SessionConfig,
    SessionInfo,
    SessionStatus,
    Workspace,
)
from sessionstore.v1.tool_pb2 import AlwaysAsk, ApprovalPolicy, LocalToolBackend, ToolBackend, ToolConfig
from tests.builders import append, part, user_message
from tests.unit.store.sessions import create, info, merged, submit

WHOLE = SessionConfig(
    workspace=Workspace(local=LocalWorkspace(path="/old")),
    tool_config=ToolConfig(
        backends=[ToolBackend(local=LocalToolBackend())],
        approval_policy=ApprovalPolicy(always_ask=AlwaysAsk()),
        metadata={"a": "1"},
    ),
    system_prompt="old",
    metadata={"a": "1", "b": "2"},
)


async def change(store: SqliteStore, **fields: object) -> SessionInfo:
    update = pb.SessionUpdate(**fields)  # type: ignore[arg-type]
    (answer,) = await submit(store, pb.Mutation(update_session=update))
    return answer.update_session.session


async def config(store: SqliteStore) -> SessionConfig:
    return (await merged(store)).config


async def test_a_config_without_a_mask_replaces_all_of_it(store: SqliteStore) -> None:
    """What the new configuration does not have is gone."""
    await create(store, config=WHOLE)
    await change(store, config=SessionConfig(system_prompt="new"))
    assert SessionConfig(system_prompt="new") == await config(store)


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([], WHOLE),
        (["system_prompt"], {"system_prompt": "new"}),
        (["workspace"], {"workspace": None}),
        (["tool_config.approval_policy"], {"approval_policy": None}),
        (["tool_config.backends"], {"backends": 2}),
        (["metadata"], {"metadata": {"c": "3"}}),
        (["system_prompt", "metadata"], {"system_prompt": "new", "metadata": {"c": "3"}}),
    ],
)
async def test_a_mask_names_what_is_replaced(
    store: SqliteStore, paths: list[str], expected: SessionConfig | dict[str, object]
) -> None:
    """A field that is named is replaced, cleared when the new configuration lacks it; the others stay."""
    await create(store, config=WHOLE)
    new = SessionConfig(
        system_prompt="new",
        metadata={"c": "3"},
        tool_config=ToolConfig(backends=[ToolBackend(local=LocalToolBackend()) for _ in range(2)]),
    )
    await change(store, config=new, update_mask=FieldMask(paths=paths))
    wanted = SessionConfig()
    wanted.CopyFrom(WHOLE)
    changes = {} if isinstance(expected, SessionConfig) else expected
    if "system_prompt" in changes:
        wanted.system_prompt = "new"
    if "workspace" in changes:
        wanted.ClearField("workspace")
    if "approval_policy" in changes:
        wanted.tool_config.ClearField("approval_policy")
    if "backends" in changes:
        wanted.tool_config.backends.add().local.SetInParent()
    if "metadata" in changes:
        wanted.ClearField("metadata")
        wanted.metadata["c"] = "3"
    assert wanted == await config(store)


async def test_a_field_below_one_that_is_not_set_is_cleared(store: SqliteStore) -> None:
    """A mask that names a field of a field clears it too when the new configuration has neither of them."""
    remote = RemoteWorkspace(agent_address="host:1", auth=RemoteAuth(bearer_token="hush"))
    await create(store, config=SessionConfig(workspace=Workspace(remote=remote), tool_config=WHOLE.tool_config))
    mask = FieldMask(paths=["workspace.remote.auth", "tool_config.approval_policy", "tool_config.tools"])
    await change(store, config=SessionConfig(), update_mask=mask)
    kept = Workspace(remote=RemoteWorkspace(agent_address="host:1"))
    tools = ToolConfig(backends=[ToolBackend(local=LocalToolBackend())], metadata={"a": "1"})
    assert SessionConfig(workspace=kept, tool_config=tools) == await config(store)


async def test_a_field_below_one_that_was_never_set_is_no_reason_to_set_it(store: SqliteStore) -> None:
    """Clearing what is not there changes nothing."""
    await create(store, config=SessionConfig(system_prompt="p"))
    mask = FieldMask(paths=["tool_config.approval_policy", "workspace.remote.auth"])
    await change(store, config=SessionConfig(), update_mask=mask)
    assert SessionConfig(system_prompt="p") == await config(store)


async def test_a_mask_that_would_leave_half_a_field_is_refused(store: SqliteStore) -> None:
    """What is stored is always a configuration that CreateSession would take."""
    await create(store, config=WHOLE)
    mask = FieldMask(paths=["workspace.local"])
    with pytest.raises(InvalidFieldError, match=r"^update\.config\.workspace\.kind: ") as caught:
        await change(store, config=SessionConfig(), update_mask=mask)
    assert "update.config.workspace.kind" == caught.value.field
    assert WHOLE == await config(store)


async def test_a_mask_that_names_the_value_of_credentials_keeps_what_was_left_out(store: SqliteStore) -> None:
    """A page that was answered no secrets writes back what it was answered, field by field; kinds are not mixed up."""
    remote = RemoteWorkspace(agent_address="host:1", auth=RemoteAuth(bearer_token="hush"))
    stored = SessionConfig(workspace=Workspace(remote=remote))
    await create(store, config=stored)
    answered = SessionConfig()
    answered.CopyFrom(stored)
    redact(answered)
    answered.workspace.remote.agent_address = "host:2"
    mask = FieldMask(paths=["workspace.remote.agent_address", "workspace.remote.auth.bearer_token"])
    await change(store, config=answered, update_mask=mask)
    stored.workspace.remote.agent_address = "host:2"
    assert stored == await config(store)
    answered.workspace.remote.auth.api_key = ""
    with pytest.raises(InvalidFieldError, match="no credentials of this kind"):
        await change(store, config=answered, update_mask=FieldMask(paths=["workspace.remote.auth.api_key"]))
    given = SessionConfig(workspace=Workspace(remote=RemoteWorkspace(auth=RemoteAuth(bearer_token="new"))))
    await change(store, config=given, update_mask=mask)
    assert "new" == (await config(store)).workspace.remote.auth.bearer_token


async def test_an_absent_and_an_empty_system_prompt_differ(store: SqliteStore) -> None:
    """A prompt is emptied by an empty one, and cleared by a mask that names it without one."""
    await create(store, config=WHOLE)
    mask = FieldMask(paths=["system_prompt"])
    await change(store, config=SessionConfig(system_prompt=""), update_mask=mask)
    emptied = await config(store)
    await change(store, config=SessionConfig(), update_mask=mask)
    cleared = await config(store)
    assert (emptied.HasField("system_prompt"), emptied.system_prompt) == (True, "")
    assert not cleared.HasField("system_prompt")


async def test_the_parts_of_an_update_are_applied_in_their_order(store: SqliteStore) -> None:
    """First the configuration, then the pairs that are set, then the keys that are deleted."""
    await create(store, config=WHOLE)
    shown = await change(
        store,
        config=SessionConfig(metadata={"x": "1", "y": "1"}),
        set_metadata={"y": "2", "z": "2"},
        delete_metadata_keys=["z", "no such key"],
        status=SessionStatus.SESSION_STATUS_ACTIVE,
    )
    assert {"x": "1", "y": "2"} == dict(shown.metadata)
    assert {"x": "1", "y": "2"} == dict((await config(store)).metadata)
    assert shown == await info(store)
    assert shown.status == SessionStatus.SESSION_STATUS_ACTIVE


async def test_the_table_of_metadata_is_that_of_the_configuration(store: SqliteStore) -> None:
    """Whatever the way of a change, lists show the pairs that the session has."""
    await create(store, config=WHOLE)
    for fields in (
        {"set_metadata": {"a": "x", "c": ""}},
        {"delete_metadata_keys": ["a"]},
        {"config": SessionConfig(metadata={"a": "again"}), "update_mask": FieldMask(paths=["metadata"])},
        {"config": SessionConfig(metadata={"no": "mask"}), "update_mask": FieldMask()},
        {"config": SessionConfig()},
    ):
        await change(store, **fields)
        assert dict((await config(store)).metadata) == dict((await info(store)).metadata)


async def test_an_empty_update_moves_only_the_time(store: SqliteStore) -> None:
    """An update with nothing in it touches updated_at."""
    await create(store, config=WHOLE)
    before = await merged(store)
    await change(store)
    after = await merged(store)
    assert after.updated_at.ToMicroseconds() > before.updated_at.ToMicroseconds()
    after.updated_at.CopyFrom(before.updated_at)
    assert before == after


async def test_what_an_update_makes_too_large_is_refused_whole(data_dir: Path) -> None:
    """Metadata, configuration and approvals are bounded as they add up, and a refusal changes nothing."""
    store = await SqliteStore.open(data_dir, limits=Limits(max_item_bytes=2000, max_metadata_bytes=100))
    await create(store, config=SessionConfig(metadata={"a": "x" * 60}))
    before = await merged(store)
    for fields, named in (
        ({"set_metadata": {"b": "é" * 20}}, "update.set_metadata"),
        ({"config": SessionConfig(system_prompt="x" * 2000)}, "update"),
        ({"add_approved_tools": [f"tool {index}" for index in range(300)]}, "update"),
    ):
        with pytest.raises(TooLargeError) as caught:
            await change(store, **fields)
        assert (named, before) == (caught.value.field, await merged(store))
    await change(store, set_metadata={"b": "é" * 19})
    await store.close()


async def test_every_change_moves_updated_at_and_no_repeat_does(store: SqliteStore) -> None:
    """The time of update is that of the newest change to the session or to anything in it."""
    created = await create(store)
    seen = [created.updated_at.ToMicroseconds()]
    for mutation in (
        pb.Mutation(append_message=user_message("m")),
        append(part(), "e"),
        pb.Mutation(set_active_message=pb.ActiveMessageUpdate(message_id="m")),
    ):
        await submit(store, mutation)
        seen.append((await info(store)).updated_at.ToMicroseconds())
    await store.delete_events_before(pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=1))
    seen.append((await info(store)).updated_at.ToMicroseconds())
    await submit(store, pb.Mutation(append_message=user_message("m")))
    await store.delete_events_before(pb.DeleteEventsBeforeRequest(session_id="s", before_sequence=1))
    assert seen == sorted(set(seen))
    assert seen[-1] == (await info(store)).updated_at.ToMicroseconds()
    assert created.created_at == (await info(store)).created_at


async def test_a_clock_that_steps_back_moves_no_time_back(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was updated last does not look older than before."""
    created = await create(store)
    monkeypatch.setattr("sessiond.store.sqlite.transaction.now_us", lambda: 1)
    await submit(store, append(part()))
    assert created.updated_at == (await info(store)).updated_at


async def test_a_damaged_configuration_is_told(store: SqliteStore, data_dir: Path) -> None:
    """An update does not overwrite what it cannot read."""
    await create(store, config=WHOLE)
    connection = sqlite3.connect(data_dir / DATABASE_NAME)
    with connection:
        connection.execute("UPDATE sessions SET config = x'0AFF'")
    connection.close()
    with pytest.raises(CorruptedError, match="the configuration of session 's' is damaged"):
        await change(store, status=SessionStatus.SESSION_STATUS_ACTIVE)
    assert (await info(store)).status == SessionStatus.SESSION_STATUS_INACTIVE
