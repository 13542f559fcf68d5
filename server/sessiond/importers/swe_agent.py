"""SWE-agent's `.traj` files: messages in `history`, which carry no times."""

from collections.abc import Mapping
from pathlib import Path

from sessiond.importers.dialects import Dialect
from sessiond.importers.entry_json import Json
from sessiond.importers.identifiers import usable_id
from sessiond.importers.session_requests import describe_session
from sessiond.importers.trajectories import TrajectoryDialect, TrajectoryFormat, read_task
from sessiond.importers.values import as_object, as_text
from sessionstore.v1.session_pb2 import ContainerRuntime, ContainerWorkspace, Workspace
from sessionstore.v1.session_store_service_pb2 import CreateSessionRequest

__all__ = ["SweAgentFormat"]

_LABELS = ("agent", "message_type")


class SweAgentFormat(TrajectoryFormat):
    """SWE-agent's format."""

    name = "swe-agent"
    messages_member = "history"

    def new_dialect(self) -> Dialect:
        """See TranscriptFormat."""
        return _SweAgentDialect()

    def describe_session(self, path: Path) -> CreateSessionRequest:
        """See TranscriptFormat."""
        replay = as_object(read_task(path, frozenset({"replay_config"})).get("replay_config"))
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


class _SweAgentDialect(TrajectoryDialect):
    def result_call_ids(self, entry: Mapping[str, Json]) -> list[str]:
        call_ids = entry.get("tool_call_ids")
        if not isinstance(call_ids, list):
            return []
        return [call_id for call_id in call_ids if usable_id(call_id) is not None]

    def labels(self, entry: Mapping[str, Json]) -> dict[str, str]:
        return {label: text for label in _LABELS if (text := as_text(entry.get(label)))}
