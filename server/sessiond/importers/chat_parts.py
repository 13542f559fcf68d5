"""Parts of messages as chat APIs write them: texts and other blocks, thoughts, roles, and the parameters of tools."""

from collections.abc import Mapping

from sessiond.importers.entry_commits import JSON_MEDIA_TYPE, EntryCommit, custom_content
from sessiond.importers.entry_json import InvalidEntryError, Json, dump_json, parse_entry
from sessiond.importers.values import as_object, as_text, joined_texts
from sessionstore.v1.message_pb2 import (
    AssistantContent,
    CustomMessage,
    RedactedThought,
    SimpleThought,
    SystemContent,
    SystemMessage,
    Thought,
    UserContent,
)

__all__ = ["assistant_part", "custom_role", "parameters_text", "reasoning_parts", "system_message", "user_part"]

TEXT_MEDIA_TYPE = "text/plain; charset=utf-8"


def user_part(block: Json, commit: EntryCommit) -> UserContent:
    """A part of a user's message; what is no text keeps its JSON."""
    text = joined_texts([block])
    if text is not None:
        return UserContent(text=text)
    return UserContent(custom=custom_content(as_object(block).get("type"), commit.json_text(block)))


def assistant_part(block: Json, commit: EntryCommit) -> AssistantContent:
    """A part of a model's message; what is no text keeps its JSON."""
    text = joined_texts([block])
    if text is not None:
        return AssistantContent(text=text)
    return AssistantContent(custom=custom_content(as_object(block).get("type"), commit.json_text(block)))


def reasoning_parts(item: Mapping[str, Json]) -> list[AssistantContent]:
    """An item of reasoning as thoughts: its summary and its text as simple ones, its encrypted content as redacted."""
    thoughts = []
    for member in ("summary", "content"):
        blocks = item.get(member)
        for block in blocks if isinstance(blocks, list) else ():
            text = as_text(as_object(block).get("text"))
            if text is not None:
                thoughts.append(Thought(simple=SimpleThought(text=text)))
    encrypted = as_text(item.get("encrypted_content"))
    if encrypted:
        thoughts.append(Thought(redacted=RedactedThought(data=encrypted)))
    return [AssistantContent(thought=thought) for thought in thoughts]


def system_message(content: Json) -> SystemMessage | None:
    """Instructions to the model; None when they are not only texts."""
    texts = [content] if isinstance(content, str) else [joined_texts([block]) for block in content]
    if any(text is None for text in texts):
        return None
    return SystemMessage(content=[SystemContent(text=text) for text in texts])


def custom_role(role: str, content: Json, commit: EntryCommit) -> CustomMessage:
    """A message in a role of the agent's own: its texts joined by line feeds, or the JSON of what is not only text."""
    text = content if isinstance(content, str) else joined_texts(content)
    if text is not None:
        return CustomMessage(role=role, content_type=TEXT_MEDIA_TYPE, data=text.encode())
    return CustomMessage(role=role, content_type=JSON_MEDIA_TYPE, data=commit.json_text(content).encode())


def parameters_text(given: Json, commit: EntryCommit) -> str:
    """The parameters of a tool as JSON text: JSON in a string as it is, any other string as a JSON string."""
    if given is None or given == "":
        return ""
    if not isinstance(given, str):
        return commit.json_text(given)
    try:
        # An inexact reading says that it is not strict JSON, or that a reader of it would lose something.
        if parse_entry(given.encode()).is_exact:
            return given
    except InvalidEntryError:
        pass
    return dump_json(given)
