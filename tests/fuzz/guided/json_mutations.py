"""Mutates transcripts as what they are: lines of JSON, or one JSON object."""

import json
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

__all__ = ["mutated_json"]

_MARK = "\N{SNOWMAN}mark\N{SNOWMAN}"
_RAW = (
    "NaN", "-Infinity", "-0", "1E400", "1.00000000000000000001", "9" * 30, "9" * 5000, "[" * 300 + "]" * 300,
    '{"a":' * 150 + "1" + "}" * 150, '{"a":1,"a":2}', '"\\ud800"', '{"\\udfff":"\\ud800"}', '"\\u0000"', "tru", "",
    "[" * 30000, '"' + "\\u20ac" * 40 + '"',
)  # fmt: skip
"""Values that only text can hold."""

_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 0.5, 2**31, 2**63, 2**64, -(2**63) - 1, 1e308, "", "\t", "x", "x" * 300, "\x00",
    "\x7f", "\ud800", "\U0010ffff" * 70, "user", "assistant", "system", "tool", "message", "text", "tool_use",
    "tool_result", "thinking", "function_call", "function_call_output", "response_item", "2026-01-14T19:20:03.207Z",
    "9999-12-31T23:59:60Z", "0001-01-01T00:00:00+23:59", "2026-13-01", "10000-01-01T00:00:00Z", {}, [], [[]],
    [None], {"": ""}, {"$text": [0, 0, 1]}, {"$json": [0, 0, 9]}, {"$number": "1"}, {"$object": {}},
    [{"type": "text", "text": "x" * 100}], {"role": "assistant"},
)  # fmt: skip


def mutated_json(data: bytes, chance: Random) -> bytes | None:
    """The transcript with a few values changed; None when it holds no JSON."""
    try:
        return _mutated(data, chance)
    except (ValueError, RecursionError):
        # It is nested too deeply to be written.
        return None


def _mutated(data: bytes, chance: Random) -> bytes | None:
    whole = _parsed(data)
    if isinstance(whole, dict) and b"\n{" not in data.strip():
        return _changed(whole, chance)
    lines = data.split(b"\n")
    match chance.randrange(10):
        case 0:
            lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
        case 1:
            del lines[chance.randrange(len(lines))]
        case 2:
            chance.shuffle(lines)
        case _:
            index = chance.randrange(len(lines))
            value = _parsed(lines[index])
            if not isinstance(value, dict | list):
                return None
            lines[index] = _changed(value, chance)
    return b"\n".join(lines)


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _changed(value: Any, chance: Random) -> bytes:
    raw = None
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        raw = _change(value, chance) or raw
    text = json.dumps(value, ensure_ascii=chance.random() < 0.8, separators=chance.choice([(",", ":"), (", ", ": ")]))
    if raw is not None:
        text = text.replace(json.dumps(_MARK), raw).replace(f'"{_MARK}"', raw)
    return text.encode(errors="surrogatepass")


def _change(value: Any, chance: Random) -> str | None:
    """Changes something below a value; the text to put in place of the mark, if it left one."""
    places: list[tuple[Any, Any]] = []
    _collect(value, places)
    if not places:
        return None
    holder, key = chance.choice(places)
    raw = None
    choices: list[Callable[[], Any]] = [
        # A copy: a value that is changed later would be another one in all inputs to come, and might hold itself.
        lambda: holder.__setitem__(key, deepcopy(chance.choice(_VALUES))),
        lambda: holder.__setitem__(key, _copy(chance.choice(places))),
        lambda: holder.__delitem__(key),
        lambda: _repeat(holder, key, chance),
    ]
    if chance.random() < 0.2:
        holder[key], raw = _MARK, chance.choice(_RAW)
    else:
        chance.choice(choices)()
    return raw


def _collect(value: Any, places: list[tuple[Any, Any]], depth: int = 0) -> None:
    if depth > 50:
        return
    keys: Any = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        places.append((value, key))
        _collect(value[key], places, depth + 1)


def _copy(place: tuple[Any, Any]) -> Any:
    holder, key = place
    return json.loads(json.dumps(holder[key]))


def _repeat(holder: Any, key: Any, chance: Random) -> None:
    """Puts a value there twice: again in a list, under another key in an object."""
    if isinstance(holder, list):
        holder.insert(chance.randrange(len(holder) + 1), holder[key])
    else:
        holder[chance.choice(("\ud800", "", "x", "role", "content", "type", "id", key + key))] = holder[key]
