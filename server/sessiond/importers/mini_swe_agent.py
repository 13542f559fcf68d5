"""mini-swe-agent's `.traj.json` files: messages in `messages`, with what the agent noted of each in `extra`."""

from collections.abc import Mapping
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.importers.dialects import Dialect
from sessiond.importers.entry_json import Json
from sessiond.importers.identifiers import usable_id
from sessiond.importers.session_requests import describe_session
from sessiond.importers.timestamps import from_seconds
from sessiond.importers.trajectories import TrajectoryDialect, TrajectoryFormat, read_task
from sessiond.importers.values import as_object, as_text, as_tokens
from sessionstore.v1.event_pb2 import TokenUsage
from sessionstore.v1.session_pb2 import ContainerRuntime, ContainerWorkspace, Workspace
from sessionstore.v1.session_store_service_pb2 import CreateSessionRequest

__all__ = ["MiniSweAgentFormat"]

_RUNTIMES = {
    "docker": ContainerRuntime.CONTAINER_RUNTIME_DOCKER,
    "podman": ContainerRuntime.CONTAINER_RUNTIME_PODMAN,
}


class MiniSweAgentFormat(TrajectoryFormat):
    """mini-swe-agent's format."""

    name = "mini-swe-agent"
    messages_member = "messages"

    def new_dialect(self) -> Dialect:
        """See TranscriptFormat."""
        return _MiniSweAgentDialect()

    def describe_session(self, path: Path) -> CreateSessionRequest:
        """See TranscriptFormat."""
        task = read_task(path, frozenset({"info", "instance_id"}))
        info = as_object(task.get("info"))
        config = as_object(info.get("config"))
        environment = as_object(config.get("environment"))
        labels = {
            "source.instance_id": task.get("instance_id"),
            "source.model": as_object(config.get("model")).get("model_name"),
            "source.agent_version": info.get("mini_version"),
            "source.cwd": environment.get("cwd"),
        }
        image = as_text(environment.get("image"))
        runtime = _RUNTIMES.get(as_text(environment.get("executable")) or "")
        workspace = None
        if image and runtime is not None:
            workspace = Workspace(container=ContainerWorkspace(image=image, runtime=runtime))
        cwd = environment.get("cwd")
        return describe_session(self.session_id(path), self.name, labels, cwd=cwd, workspace=workspace)


class _MiniSweAgentDialect(TrajectoryDialect):
    def timestamp(self, value: Json) -> Timestamp | None:
        return from_seconds(as_object(as_object(value).get("extra")).get("timestamp"))

    def result_call_ids(self, entry: Mapping[str, Json]) -> list[str]:
        call_id = usable_id(entry.get("tool_call_id"))
        return [] if call_id is None else [call_id]

    def error(self, entry: Mapping[str, Json]) -> str | None:
        return as_text(as_object(entry.get("extra")).get("exception_info")) or None

    def model(self, entry: Mapping[str, Json]) -> str:
        return as_text(_response(entry).get("model")) or ""

    def usage(self, entry: Mapping[str, Json]) -> TokenUsage | None:
        usage = as_object(_response(entry).get("usage"))
        input_tokens = as_tokens(usage.get("prompt_tokens"))
        output_tokens = as_tokens(usage.get("completion_tokens"))
        if input_tokens is None and output_tokens is None:
            return None
        return TokenUsage(input_tokens=input_tokens, output_tokens=output_tokens)


def _response(entry: Mapping[str, Json]) -> Mapping[str, Json]:
    return as_object(as_object(entry.get("extra")).get("response"))
