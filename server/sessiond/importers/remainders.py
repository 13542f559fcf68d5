"""What an entry says beyond the messages made of it, kept so that the entry can be rebuilt.

For each entry that becomes messages, a custom event `<format>/entry` holds a JSON object with `message_ids`, the ids of
these messages, and `entry`, the whole entry. Only long texts that the messages hold already are replaced in it:

- `{"$text": [i, start, end]}` stands for characters `start` to `end` of the i-th long text of the messages;
- `{"$json": [i, start, end]}` stands for the JSON value that these characters spell;
- `{"$number": "1.10"}` stands for a number whose digits a double does not keep;
- `{"$object": {...}}` stands for an object of the entry that looks like one of these.

The long texts of messages are their strings of at least `MIN_SHARED_CHARACTERS` characters (and such bytes as are
UTF-8), in the order of the messages, of the fields by number, and of the items. Where an entry says more than its JSON
value (a key twice, NaN, half a surrogate pair), `raw` holds its text in place of `entry`.
"""

from collections.abc import Iterator, Mapping, Sequence

from google.protobuf.message import Message as ProtobufMessage

from sessiond.importers.entry_json import Json, Number, dump_json, parse_entry
from sessionstore.v1.message_pb2 import Message

__all__ = ["MIN_SHARED_CHARACTERS", "describe_raw", "describe_remainder", "rebuild_entry", "remainder_message_ids"]

MIN_SHARED_CHARACTERS = 64
"""The length from which a text is worth a reference."""

_TEXT = "$text"
_JSON = "$json"
_NUMBER = "$number"
_OBJECT = "$object"
_MARKS = frozenset({_TEXT, _JSON, _NUMBER, _OBJECT})


def describe_remainder(entry: Json, messages: Sequence[Message], documents: Mapping[int, str]) -> bytes:
    """The data of the event that keeps the rest of an entry.

    Args:
        entry: The JSON value of the entry.
        messages: The messages made of it.
        documents: By the identity of an object inside `entry`: the JSON text as which a message holds it.
    """
    shared = _Shared(messages, documents)
    return dump_json(
        {"message_ids": [message.id for message in messages], "entry": shared.without_shared(entry)}
    ).encode()


def describe_raw(raw: bytes, messages: Sequence[Message]) -> bytes:
    """The data of the event for an entry that says more than its JSON value."""
    return dump_json({"message_ids": [message.id for message in messages], "raw": raw.decode()}).encode()


def remainder_message_ids(data: bytes) -> list[str]:
    """The ids of the messages that belong to the data of an `<format>/entry` event, in order."""
    return [str(identifier) for identifier in parse_entry(data).value["message_ids"]]


def rebuild_entry(data: bytes, messages: Sequence[Message]) -> str:
    """The JSON text of an entry, from the data of its `<format>/entry` event and its messages.

    It has no white space between its tokens; apart from that it says what the transcript says, in the same order and
    with the same digits.

    Raises:
        ValueError: The data is not that of such an event, or the messages are not its messages.
    """
    kept = parse_entry(data).value
    if [message.id for message in messages] != kept["message_ids"]:
        raise ValueError(f"the entry is of the messages {kept['message_ids']}")
    if "raw" in kept:
        return str(kept["raw"])
    return dump_json(_restored(kept["entry"], list(_long_texts(messages))))


class _Shared:
    """Finds what the messages of an entry hold already."""

    def __init__(self, messages: Sequence[Message], documents: Mapping[int, str]) -> None:
        self._texts = list(_long_texts(messages))
        self._documents = documents

    def without_shared(self, value: Json) -> Json:
        match value:
            case str():
                place = self._find(value)
                return value if place is None else {_TEXT: place}
            case Number():
                return {_NUMBER: value.text}
            case dict() | list():
                document = self._documents.get(id(value))
                place = None if document is None else self._find(document)
                if place is not None:
                    return {_JSON: place}
                if isinstance(value, list):
                    return [self.without_shared(item) for item in value]
                kept = {key: self.without_shared(member) for key, member in value.items()}
                return {_OBJECT: kept} if _is_marked(value) else kept
            case _:
                return value

    def _find(self, text: str) -> list[int] | None:
        if len(text) < MIN_SHARED_CHARACTERS:
            return None
        for index, candidate in enumerate(self._texts):
            start = candidate.find(text)
            if start >= 0:
                return [index, start, start + len(text)]
        return None


def _is_marked(value: Mapping[str, Json]) -> bool:
    return len(value) == 1 and not _MARKS.isdisjoint(value)


def _restored(value: Json, texts: Sequence[str]) -> Json:
    match value:
        case list():
            return [_restored(item, texts) for item in value]
        case dict() if _is_marked(value):
            ((mark, held),) = value.items()
            if mark == _NUMBER:
                return Number(held)
            if mark == _OBJECT:
                return {key: _restored(member, texts) for key, member in held.items()}
            index, start, end = held
            text = texts[index][start:end]
            return text if mark == _TEXT else parse_entry(text.encode()).value
        case dict():
            return {key: _restored(member, texts) for key, member in value.items()}
        case _:
            return value


def _long_texts(messages: Sequence[ProtobufMessage]) -> Iterator[str]:
    for message in messages:
        for _field, value in message.ListFields():
            for item in [value] if isinstance(value, str | bytes | ProtobufMessage) else _items(value):
                yield from _long_texts_of(item)


def _items(value: object) -> Iterator[object]:
    return iter(value) if isinstance(value, Sequence) else iter(())


def _long_texts_of(item: object) -> Iterator[str]:
    if isinstance(item, ProtobufMessage):
        yield from _long_texts([item])
        return
    if isinstance(item, bytes):
        try:
            item = item.decode()
        except UnicodeDecodeError:
            return
    if isinstance(item, str) and len(item) >= MIN_SHARED_CHARACTERS:
        yield item
