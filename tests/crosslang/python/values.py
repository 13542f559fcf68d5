"""The values of steps with their variables, and the patterns that answers are compared with."""

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["expand", "mismatch", "pick"]

_VARIABLE = re.compile(r"\$\{([^}]*)\}")


def expand(value: Any, variables: Mapping[str, str]) -> Any:
    """A value with its variables and repetitions filled in. Raises KeyError for a variable that is not known."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _variable(match[1], variables), value)
    if isinstance(value, dict):
        return {key: expand(entry, variables) for key, entry in value.items()}
    if not isinstance(value, list):
        return value
    expanded: list[Any] = []
    for entry in value:
        if isinstance(entry, dict) and "$repeat" in entry:
            copies = range(entry["$repeat"])
            expanded.extend(expand(entry["item"], {**variables, "i": str(index)}) for index in copies)
        else:
            expanded.append(expand(entry, variables))
    return expanded


def _variable(name: str, variables: Mapping[str, str]) -> str:
    if name.startswith("text:"):
        return "x" * int(name.removeprefix("text:"))
    return variables[name]


def mismatch(pattern: Any, actual: Any, path: str = "") -> str | None:
    """Where and how an answer differs from what is expected; None when it does not."""
    if isinstance(pattern, list) or (isinstance(pattern, dict) and pattern.keys() & {"$length", "$each"}):
        actual = [] if actual is None else actual
    if isinstance(pattern, dict):
        return _mismatch_object(pattern, actual, path)
    if isinstance(pattern, list):
        if not isinstance(actual, list) or len(actual) != len(pattern):
            return _difference(path, f"{len(pattern)} elements", actual)
        pairs = enumerate(zip(pattern, actual, strict=True))
        return _first(mismatch(inner, element, f"{path}[{index}]") for index, (inner, element) in pairs)
    if pattern == "$present":
        return None if actual is not None else _difference(path, "something", actual)
    # True == 1 in Python, and nowhere else.
    same = pattern == actual and isinstance(pattern, bool) == isinstance(actual, bool)
    return None if same else _difference(path, json.dumps(pattern), actual)


def _mismatch_object(pattern: Mapping[str, Any], actual: Any, path: str) -> str | None:
    match pattern:
        case {"$length": length}:
            fits = isinstance(actual, list | str) and len(actual) == length
            return None if fits else _difference(path, f"{length} elements", actual)
        case {"$at_least": least}:
            number = isinstance(actual, int | float) or (isinstance(actual, str) and actual.isdecimal())
            fits = number and not isinstance(actual, bool) and float(actual) >= least
            return None if fits else _difference(path, f"at least {least}", actual)
        case {"$each": each}:
            if not isinstance(actual, list):
                return _difference(path, "an array", actual)
            return _first(mismatch(each, element, f"{path}[{index}]") for index, element in enumerate(actual))
        case {"$contains": part}:
            fits = isinstance(actual, str) and part in actual
            return None if fits else _difference(path, f"something with {part!r}", actual)
    if not isinstance(actual, dict):
        return _difference(path, "an object", actual)
    return _first(mismatch(inner, actual.get(key), f"{path}.{key}") for key, inner in pattern.items())


def _first(found: Any) -> str | None:
    return next((text for text in found if text is not None), None)


def _difference(path: str, expected: str, actual: Any) -> str:
    shown = json.dumps(actual, ensure_ascii=False)
    return f"{path.lstrip('.') or 'the answer'}: expected {expected}, got {shown[:300]}"


def pick(answer: Any, path: str) -> str:
    """A part of an answer, by a path such as `sessions[0].id`, as text. Raises LookupError when it is absent."""
    for part in re.findall(r"[^.\[\]]+", path):
        answer = answer[int(part)] if isinstance(answer, list) else answer[part]
    return answer if isinstance(answer, str) else json.dumps(answer)
