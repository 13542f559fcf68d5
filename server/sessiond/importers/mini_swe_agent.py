"""mini-swe-agent's `.traj.json` files: messages in `messages`, with what the agent noted of each in `extra`.

With models that are called through OpenAI's Responses API, an answer of the model is the response itself: an object
whose `output` holds texts, reasoning and calls in their order. The result of a tool is then a `function_call_output`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp

from sessiond.importers.chat_parts import assistant_part, parameters_text, reasoning_parts
from sessiond.importers.entry_commits import EntryCommit, custom_content
from sessiond.importers.entry_json import Json
from sessiond.importers.identifiers import usable_id
from sessiond.importers.session_requests import describe_session
from sessiond.importers.timestamps import from_seconds
from sessiond.importers.trajectories import TrajectoryDialect, TrajectoryFormat, read_task
from sessiond.importers.values import as_model, as_object, as_text, as_tokens, text_of_blocks
from sessionstore.v1.event_pb2 import TokenUsage
from sessionstore.v1.message_pb2 import AssistantContent, AssistantMessage, Message
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

    def new_dialect(self) -> TrajectoryDialect:
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

    def is_answer(self, entry: Mapping[str, Json]) -> bool:
        return _is_response(entry) or super().is_answer(entry)

    def translate(self, value: Json, message_id: str, commit: EntryCommit) -> None:
        entry = as_object(value)
        output = entry.get("output")
        if _is_response(entry) and isinstance(output, list):
            model = self.model(entry)
            parts = [part for item in output for part in _output_parts(item, model, commit)]
            message = Message(id=message_id, timestamp=self.timestamp(value))
            message.assistant.CopyFrom(AssistantMessage(content=parts))
            commit.add_message(message, model=model, usage=self.usage(entry))
        elif entry.get("type") == "function_call_output" and usable_id(entry.get("call_id")) is not None:
            payload = text_of_blocks(output, commit)
            commit.add_result(message_id, None, entry["call_id"], payload, error=self.error(entry))
        else:
            super().translate(value, message_id, commit)

    def result_call_ids(self, entry: Mapping[str, Json]) -> list[str]:
        call_id = usable_id(entry.get("tool_call_id"))
        return [] if call_id is None else [call_id]

    def error(self, entry: Mapping[str, Json]) -> str | None:
        return as_text(as_object(entry.get("extra")).get("exception_info")) or None

    def model(self, entry: Mapping[str, Json]) -> str:
        return as_model(_response(entry).get("model"))

    def usage(self, entry: Mapping[str, Json]) -> TokenUsage | None:
        usage = as_object(_response(entry).get("usage"))
        input_tokens = as_tokens(usage.get("prompt_tokens", usage.get("input_tokens")))
        output_tokens = as_tokens(usage.get("completion_tokens", usage.get("output_tokens")))
        if input_tokens is None and output_tokens is None:
            return None
        return TokenUsage(input_tokens=input_tokens, output_tokens=output_tokens)


def _response(entry: Mapping[str, Json]) -> Mapping[str, Json]:
    return entry if _is_response(entry) else as_object(as_object(entry.get("extra")).get("response"))


def _is_response(entry: Mapping[str, Json]) -> bool:
    return entry.get("object") == "response"


def _output_parts(item: Json, model: str, commit: EntryCommit) -> Iterator[AssistantContent]:
    """What one item of a response says; an item of another kind keeps its JSON."""
    entry = as_object(item)
    match entry:
        case {"type": "message", "content": list(blocks)}:
            yield from (assistant_part(block, commit) for block in blocks)
        case {"type": "function_call", "call_id": str(call_id), "name": str(name)} if name and usable_id(call_id, 200):
            parameters = parameters_text(entry.get("arguments"), commit)
            yield AssistantContent(tool_call=commit.begin_call(call_id, name, parameters, model))
        case {"type": "reasoning"} if thoughts := reasoning_parts(entry):
            yield from thoughts
        case _:
            yield AssistantContent(custom=custom_content(entry.get("type"), commit.json_text(item)))
