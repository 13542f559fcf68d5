"""Reads JSON values whose types nobody promised."""

from collections.abc import Mapping

from sessiond.contract.limits import MAX_MODEL_BYTES
from sessiond.importers.entry_commits import EntryCommit
from sessiond.importers.entry_json import Json

__all__ = ["as_model", "as_object", "as_text", "as_tokens", "joined_texts", "text_of_blocks"]

_NO_MEMBERS: Mapping[str, Json] = {}
_MAX_TOKENS = 2**63 - 1
_TEXT_BLOCKS = frozenset({"text", "input_text", "output_text"})


def as_object(value: Json) -> Mapping[str, Json]:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else _NO_MEMBERS


def as_text(value: Json) -> str | None:
    """The value when it is a text."""
    return value if isinstance(value, str) else None


def as_model(value: Json) -> str:
    """The name of a model when the store takes it; else none, and what else is kept of the entry tells it."""
    text = as_text(value)
    return text if text is not None and len(text.encode(errors="replace")) <= MAX_MODEL_BYTES else ""


def as_tokens(value: Json) -> int | None:
    """The value when it is a number of tokens."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_TOKENS:
        return None
    return value


def joined_texts(blocks: Json) -> str | None:
    """The texts of a list of text blocks, joined by line feeds; None when the value is no such list."""
    if not isinstance(blocks, list):
        return None
    texts = []
    for block in map(as_object, blocks):
        text = block.get("text")
        if as_text(block.get("type")) not in _TEXT_BLOCKS or not isinstance(text, str):
            return None
        texts.append(text)
    return "\n".join(texts)


def text_of_blocks(content: Json, commit: EntryCommit) -> str:
    """What a tool answered: a text as it is, a list of texts joined by line feeds, anything else as JSON."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    texts = joined_texts(content)
    return commit.json_text(content) if texts is None else texts
