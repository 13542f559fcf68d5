"""What calls look like on the web: protobuf's binary form, passed on as it is, and its JSON."""

import json
from dataclasses import dataclass
from typing import cast

from connectrpc.codec import Codec
from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from google.protobuf.message import Message

from sessiond.interceptors.statuses import status_of
from sessiond.store.errors import InvalidFieldError, InvalidRequestError
from sessiond.web.errors import connect_error
from sessiond.web.json_requests import check_json
from sessionstore.v1.error_reason_pb2 import ErrorReason

__all__ = ["BinaryCodec", "EncodedAnswer", "JsonCodec"]

SHOWN_CHARACTERS = 256
"""So much is shown of the beginning of an explanation, and of its end."""


@dataclass(frozen=True, slots=True)
class EncodedAnswer:
    """An answer as the daemon gave it, and what it is."""

    kind: type[Message]
    data: bytes


class BinaryCodec(Codec[EncodedAnswer, bytes]):
    """Leaves the bytes alone: the daemon says what is wrong with them, and nothing is lost on the way."""

    def name(self) -> str:
        """See Codec."""
        return "proto"

    def encode(self, message: EncodedAnswer) -> bytes:
        """See Codec."""
        return message.data

    def decode(self, data: bytes | bytearray, message_class: type[bytes]) -> bytes:
        """See Codec."""
        return bytes(data)


class JsonCodec(Codec[EncodedAnswer, bytes]):
    """The canonical JSON of protobuf."""

    def name(self) -> str:
        """See Codec."""
        return "json"

    def encode(self, message: EncodedAnswer) -> bytes:
        """See Codec."""
        return MessageToJson(message.kind.FromString(message.data), indent=None).encode()

    def decode(self, data: bytes | bytearray, message_class: type[Message]) -> bytes:  # type: ignore[override]
        """See Codec. Raises ConnectError.

        A field that is not known is refused: a misspelt one would be dropped without a word, and be lost.
        """
        try:
            text = bytes(data).decode()
            message = Parse(text, message_class())
            check_json(json.loads(text), cast("Descriptor", message_class.DESCRIPTOR))
            return message.SerializeToString()
        except InvalidFieldError as refusal:
            raise connect_error(status_of(refusal)) from None
        except (ParseError, UnicodeDecodeError, RecursionError) as error:
            explanation = f"the JSON is no valid {message_class.DESCRIPTOR.name}: {_words_of(error)}"
            malformed = InvalidRequestError(explanation, ErrorReason.ERROR_REASON_MALFORMED_REQUEST)
            raise connect_error(status_of(malformed)) from None


def _words_of(error: Exception) -> str:
    """What protobuf says, which names the field.

    It may repeat all that was sent, and halves of surrogate pairs, which no answer can hold.
    """
    words = " ".join(str(error).split()).encode(errors="backslashreplace").decode()
    is_short = len(words) <= 2 * SHOWN_CHARACTERS
    return words if is_short else f"{words[:SHOWN_CHARACTERS]} … {words[-SHOWN_CHARACTERS:]}"
