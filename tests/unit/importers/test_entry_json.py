"""Reading one entry loses nothing that Python's own reading would lose."""

import json

import pytest

from sessiond.importers.entry_json import InvalidEntryError, Number, dump_json, parse_entry


@pytest.mark.parametrize("text", ["1", "1.5", "1.10", "1E5", "-0", "-0.0", "1e400", "123456789012345678901234567890"])
def test_numbers_keep_their_digits(text: str) -> None:
    """What a double would change stays text."""
    parsed = parse_entry(f'{{"n":[{text}]}}'.encode())
    assert parsed.is_exact
    assert f'{{"n":[{text}]}}' == dump_json(parsed.value)


def test_an_integer_too_long_to_convert_keeps_its_digits() -> None:
    """Python refuses to convert it, JSON allows it."""
    digits = "9" * 5000
    assert Number(digits) == parse_entry(digits.encode()).value


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', "NaN", "[-Infinity]", '"\\ud83d"', '{"\\udc00x":1}'])
def test_what_a_value_cannot_say_is_noticed(text: str) -> None:
    """Keys that repeat, constants that JSON does not know, and halves of surrogate pairs."""
    parsed = parse_entry(text.encode())
    assert not parsed.is_exact
    dump_json(parsed.value).encode()


def test_a_whole_surrogate_pair_is_a_character() -> None:
    """Only halves are replaced."""
    parsed = parse_entry(b'"\\ud83d\\ude00 \\ud83d."')
    assert "\N{GRINNING FACE} \N{REPLACEMENT CHARACTER}." == parsed.value
    assert "\N{GRINNING FACE}" == parse_entry(b'"\\ud83d\\ude00"').value
    assert parse_entry(b'"\\ud83d\\ude00"').is_exact


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a":', "is not JSON"),
        (b'"\xff"', "byte 2 is not UTF-8"),
        (b"[" * 100_000 + b"]" * 100_000, "is nested too deeply"),
        (b'"a\nb"', "is not JSON"),
    ],
)
def test_what_cannot_be_read_says_why(raw: bytes, reason: str) -> None:
    """The reason is part of the error."""
    with pytest.raises(InvalidEntryError, match=reason):
        parse_entry(raw)


def test_dumped_json_is_strict() -> None:
    """Constants that JSON does not know become strings."""
    text = dump_json(parse_entry(b'{"a":[NaN,1.10,"\xc3\xa9"]}').value)
    assert '{"a":["NaN",1.10,"é"]}' == text
    assert {"a": ["NaN", 1.1, "é"]} == json.loads(text)
