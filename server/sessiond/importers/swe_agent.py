"""SWE-agent's `.traj` files: messages in `history`, which carry no times.

The agent writes the file anew at each step, and marks messages that it has written before: for the cache of the
model's provider, which also turns a text into a list of one, and with tags. Such a message is the same as without its
marks; each version of it has its own `swe-agent/entry` event.

What the agent was shown as a demonstration stands among the messages; the label `demonstration` of their events says
so.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from sessiond.importers.entry_json import InvalidEntryError, Json, Number, dump_json, parse_entry
from sessiond.importers.identifiers import usable_id
from sessiond.importers.json_members import TornFileError, read_members
from sessiond.importers.session_requests import describe_session
from sessiond.importers.trajectories import TrajectoryDialect, TrajectoryFormat, read_task
from sessiond.importers.values import as_object, as_text
from sessionstore.v1.session_pb2 import ContainerRuntime, ContainerWorkspace, Workspace
from sessionstore.v1.session_store_service_pb2 import CreateSessionRequest

__all__ = ["SweAgentFormat"]

_LABELS = ("agent", "message_type")
_CACHE_MARK = "cache_control"
_MARKS = frozenset({_CACHE_MARK, "tags"})


class SweAgentFormat(TrajectoryFormat):
    """SWE-agent's format."""

    name = "swe-agent"
    messages_member = "history"

    def new_dialect(self) -> TrajectoryDialect:
        """See TranscriptFormat."""
        return _SweAgentDialect()

    def run_marks(self, path: Path) -> Iterator[bytes]:
        """See TrajectoryFormat."""
        # Its messages have neither times nor ids of their own, and a model may well answer the same question twice in
        # the same words. How long the first step took is another number in each run.
        has_messages = False
        for entry in read_members(path):
            if entry.error is not None:
                if has_messages:
                    return
                # Whoever looked for the messages before found them: the file is being written.
                raise TornFileError(f"ends before its messages: {entry.error}")
            has_messages = has_messages or entry.member == self.messages_member
            if entry.member == "trajectory" and entry.index == 0:
                try:
                    seconds = as_object(parse_entry(entry.data).value).get("execution_time")
                except InvalidEntryError:
                    return
                if isinstance(seconds, int | float | Number):
                    yield dump_json(seconds).encode()
                return

    def describe_session(self, path: Path) -> CreateSessionRequest:
        """See TranscriptFormat."""
        replay = _replay_config(path)
        deployment = as_object(as_object(replay.get("env")).get("deployment"))
        agent = as_object(replay.get("agent"))
        labels = {
            "source.instance_id": as_object(replay.get("problem_statement")).get("id"),
            "source.model": as_object(agent.get("model")).get("name"),
        }
        image = as_text(deployment.get("image"))
        workspace = None
        if image and deployment.get("type") == "docker":
            container = ContainerWorkspace(image=image, runtime=ContainerRuntime.CONTAINER_RUNTIME_DOCKER)
            workspace = Workspace(container=container)
        return describe_session(self.session_id(path), self.name, labels, workspace=workspace)


def _replay_config(path: Path) -> Mapping[str, Json]:
    """The options of the run: an object, or as newer versions write it the JSON text of one."""
    config = read_task(path, frozenset({"replay_config"})).get("replay_config")
    if isinstance(config, str):
        try:
            config = parse_entry(config.encode()).value
        except InvalidEntryError:
            config = None
    return as_object(config)


class _SweAgentDialect(TrajectoryDialect):
    def settled(self, value: Json) -> Json | None:
        if not isinstance(value, dict):
            return value
        entry = {key: member for key, member in value.items() if key not in _MARKS}
        if isinstance(entry.get("content"), list):
            entry["content"] = _unmarked(entry["content"])
        return entry

    def is_demonstration(self, entry: Mapping[str, Json]) -> bool:
        return entry.get("is_demo") is True

    def result_call_ids(self, entry: Mapping[str, Json]) -> list[str]:
        call_ids = entry.get("tool_call_ids")
        if not isinstance(call_ids, list):
            return []
        return [call_id for call_id in call_ids if usable_id(call_id) is not None]

    def labels(self, entry: Mapping[str, Json]) -> dict[str, str]:
        labels = {label: text for label in _LABELS if (text := as_text(entry.get(label)))}
        return labels | {"demonstration": "true"} if self.is_demonstration(entry) else labels


def _unmarked(blocks: list[Json]) -> Json:
    """The content of a message before it was marked."""
    plain = [
        {key: member for key, member in block.items() if key != _CACHE_MARK} if isinstance(block, dict) else block
        for block in blocks
    ]
    match plain:
        case [{"type": "text", "text": str(text), **rest}] if not rest:
            return text
        case _:
            return plain
