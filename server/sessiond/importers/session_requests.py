"""The request that creates a transcript's session.

It must be the same however far the transcript has grown, or the store would take it for another session's. So it holds
only what the beginning of a transcript says, or what cannot change, and of the name of the file only what an entry says
as well.
"""

from collections.abc import Mapping

from sessiond.importers.entry_json import Json
from sessionstore.v1.session_pb2 import LocalWorkspace, SessionConfig, Workspace
from sessionstore.v1.session_store_service_pb2 import CreateSessionRequest

__all__ = ["describe_session"]

_MAX_LABEL_BYTES = 4096
_MAX_PROMPT_BYTES = 1024 * 1024


def describe_session(
    session_id: str,
    format_name: str,
    labels: Mapping[str, Json],
    *,
    cwd: Json = None,
    system_prompt: Json = None,
    workspace: Workspace | None = None,
) -> CreateSessionRequest:
    """The request that creates a session.

    Args:
        session_id: The id of the session.
        format_name: The format of the transcript, for the metadata `source.format`.
        labels: The other metadata; what is no text, is empty or is very long is left out.
        cwd: The folder in which the agent worked, when it is a text.
        system_prompt: The instructions to the model, when they are a text.
        workspace: The place in which the agent worked, when it is more than a folder.
    """
    metadata = {key: value for key, value in labels.items() if _is_label(value)}
    config = SessionConfig(metadata={"source.format": format_name, **metadata}, workspace=workspace)
    if workspace is None and _is_label(cwd):
        config.workspace.CopyFrom(Workspace(local=LocalWorkspace(path=cwd)))
    if isinstance(system_prompt, str) and len(system_prompt.encode()) <= _MAX_PROMPT_BYTES:
        config.system_prompt = system_prompt
    return CreateSessionRequest(session_id=session_id, config=config)


def _is_label(value: Json) -> bool:
    return isinstance(value, str) and 0 < len(value.encode()) <= _MAX_LABEL_BYTES
