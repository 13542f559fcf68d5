"""Reads and writes the JSON of one entry without losing what Python's own reading would lose.

Numbers that do not come back in the same digits stay text; keys that repeat, constants such as NaN and halves of
surrogate pairs are noticed, so that the caller can keep the bytes as well.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

__all__ = ["InvalidEntryError", "Json", "Number", "ParsedEntry", "dump_json", "parse_entry"]

Json = Any
"""A JSON value: what `json.loads` makes of it, and `Number` where a float or an int would lose digits."""

_MAX_INT_DIGITS = 4000  # Python refuses to convert 4300 digits and more
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_CONSTANTS = frozenset({"NaN", "Infinity", "-Infinity"})


class InvalidEntryError(ValueError):
    """The bytes are not one JSON value in UTF-8; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number in the digits of its file."""

    text: str

    @property
    def is_json(self) -> bool:
        """Whether the text is a number by the rules of JSON, which knows no NaN."""
        return self.text not in _CONSTANTS


@dataclass(frozen=True, slots=True)
class ParsedEntry:
    """One entry.

    Attributes:
        value: The JSON value.
        is_exact: Whether the value says all that the bytes say, apart from white space. It does not when a key
            repeats, a number is NaN, or half of a surrogate pair had to be replaced by U+FFFD.
    """

    value: Json
    is_exact: bool


class _Hooks:
    """What the JSON reader calls, with the memory of whether anything was lost."""

    def __init__(self) -> None:
        self.is_exact = True

    def make_object(self, pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        made = dict(pairs)
        if len(made) != len(pairs):
            self.is_exact = False
        return made

    def make_constant(self, name: str) -> Number:
        self.is_exact = False
        return Number(name)

    @staticmethod
    def make_float(text: str) -> float | Number:
        value = float(text)
        return value if repr(value) == text else Number(text)

    @staticmethod
    def make_int(text: str) -> int | Number:
        return Number(text) if len(text) > _MAX_INT_DIGITS or text == "-0" else int(text)


def parse_entry(raw: bytes) -> ParsedEntry:
    """Reads one JSON value.

    Raises:
        InvalidEntryError: The bytes are not UTF-8, not JSON, or nested too deeply to be read.
    """
    hooks = _Hooks()
    try:
        value = json.loads(
            raw.decode(),
            object_pairs_hook=hooks.make_object,
            parse_constant=hooks.make_constant,
            parse_float=hooks.make_float,
            parse_int=hooks.make_int,
        )
        if _SURROGATE_ESCAPE.search(raw):
            repaired = _without_lone_surrogates(value)
            if repaired != value:
                return ParsedEntry(repaired, is_exact=False)
    except UnicodeDecodeError as error:
        raise InvalidEntryError(f"byte {error.start + 1} is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise InvalidEntryError(f"is not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise InvalidEntryError("is nested too deeply") from None
    return ParsedEntry(value, hooks.is_exact)


def dump_json(value: Json) -> str:
    """The value as compact JSON text, numbers in the digits of their file; NaN and its like become strings."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except TypeError:
        return _dump_with_numbers(value)


def _dump_with_numbers(value: Json) -> str:
    match value:
        case Number():
            return value.text if value.is_json else f'"{value.text}"'
        case dict():
            members = (f"{dump_json(key)}:{_dump_with_numbers(member)}" for key, member in value.items())
            return "{" + ",".join(members) + "}"
        case list():
            return "[" + ",".join(map(_dump_with_numbers, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _without_lone_surrogates(value: Json) -> Json:
    match value:
        case str():
            return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
        case dict():
            return {_without_lone_surrogates(key): _without_lone_surrogates(member) for key, member in value.items()}
        case list():
            return [_without_lone_surrogates(member) for member in value]
        case _:
            return value
