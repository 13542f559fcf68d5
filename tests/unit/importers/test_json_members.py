"""A file that is one JSON object is read piece by piece, with every byte in its place."""

import json
from pathlib import Path
from typing import Any

import pytest

from sessiond.importers import json_members
from sessiond.importers.json_members import TornFileError, read_members

TRICKY: dict[str, Any] = {
    "text": 'quote " backslash \\ both \\" brackets ]}[{ comma ,',
    "history": [{"a": [1, [2, {"b": "]}"}]]}, "x\\", -1.5e3, None, [], {}],
    "empty": [],
    "nothing": None,
    'ké"y': {"deep": {"deeper": [True]}},
}


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 7, 64, 4096])
@pytest.mark.parametrize("indent", [None, 1])
def test_every_piece_keeps_its_bytes_wherever_the_file_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk_bytes: int, indent: int | None
) -> None:
    """Strings, escapes and brackets may lie across the pieces in which the file is read."""
    monkeypatch.setattr(json_members, "_CHUNK_BYTES", chunk_bytes)
    path = tmp_path / "object.json"
    text = json.dumps(TRICKY, indent=indent, ensure_ascii=False) + "\n"
    path.write_text(text)
    expected = [
        (key, index, item)
        for key, value in TRICKY.items()
        for index, item in (enumerate(value) if isinstance(value, list) else [(None, value)])
    ]
    entries = list(read_members(path))
    assert expected == [(entry.member, entry.index, json.loads(entry.data)) for entry in entries]
    for entry in entries:
        assert entry.data in text.encode()
        assert entry.data == entry.data.strip()


def test_two_versions_of_a_file_are_never_taken_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is written anew in place while it is read gives what the first version said, and is told of."""
    monkeypatch.setattr(json_members, "_CHUNK_BYTES", 64)
    path = tmp_path / "object.json"
    items = [f"message {number} " + "x" * 2000 for number in range(20)]
    path.write_text(json.dumps({"trajectory": [], "history": items}))
    reading = read_members(path)
    whole = [next(reading), next(reading)]
    path.write_text(json.dumps({"trajectory": [0, 0], "history": [*items, "more"]}))
    with pytest.raises(TornFileError, match="was written anew while it was read"):
        whole.extend(reading)
    assert items[: len(whole)] == [json.loads(entry.data) for entry in whole]


def test_lines_are_counted(tmp_path: Path) -> None:
    """Each piece knows the line on which it begins."""
    path = tmp_path / "object.json"
    path.write_text('{\n"a":\n[1,\n\n2],\n"b": {\n}\n}')
    assert [("a", 3), ("a", 5), ("b", 6)] == [(entry.member, entry.line) for entry in read_members(path)]


def test_an_invalid_piece_does_not_harm_the_others(tmp_path: Path) -> None:
    """Its bytes are handed on, to be found invalid where they are parsed."""
    path = tmp_path / "object.json"
    path.write_bytes(b'{"history": [{"a" 1}, tru, {"b":"\xff"}, {"c":2}], "info": nul}')
    pieces = [b'{"a" 1}', b"tru", b'{"b":"\xff"}', b'{"c":2}', b"nul"]
    entries = list(read_members(path))
    assert pieces == [entry.data for entry in entries]
    assert [None] * 5 == [entry.error for entry in entries]


@pytest.mark.parametrize(
    ("text", "pieces", "location"),
    [
        ("", 0, ("", None)),
        ("[]", 0, ("", None)),
        ('{"a": 1', 0, ("a", None)),
        ('{"a": [1, {"b": "c', 1, ("a", 1)),
        ('{"a": [1, 2]', 2, ("", None)),
        ('{"a": [1,', 1, ("a", 1)),
        ('{"a" 1}', 0, ("a", None)),
        ('{"a": 1} {}', 1, ("", None)),
        ('{"a', 0, ("", None)),
        ('{"a": }', 0, ("a", None)),
    ],
)
def test_a_torn_or_broken_object_ends_with_an_error(
    tmp_path: Path, text: str, pieces: int, location: tuple[str, int | None]
) -> None:
    """What came before is kept, and the error says where it is."""
    path = tmp_path / "object.json"
    path.write_text(text)
    *whole, last = read_members(path)
    assert pieces == len(whole)
    assert last.error is not None
    assert location == (last.member, last.index)


def test_a_byte_order_mark_is_no_part_of_the_object(tmp_path: Path) -> None:
    """Some editors write one."""
    path = tmp_path / "object.json"
    path.write_bytes(b'\xef\xbb\xbf{"a":1}')
    assert [b"1"] == [entry.data for entry in read_members(path)]


@pytest.mark.parametrize("key", ['"\\ud800"', '"a\\udfff"'])
def test_a_key_with_half_of_a_surrogate_pair_is_text_all_the_same(tmp_path: Path, key: str) -> None:
    """The half is replaced by U+FFFD: what cannot be encoded could be neither stored nor shown."""
    path = tmp_path / "object.json"
    path.write_text(f'{{{key}: 1, "b": 2}}')
    first, second = read_members(path)
    assert "\N{REPLACEMENT CHARACTER}" == first.member.encode().decode()[-1]
    assert "b" == second.member


def test_a_key_that_is_not_utf8_ends_the_object_with_an_error(tmp_path: Path) -> None:
    """Whatever other encoding its bytes look like."""
    path = tmp_path / "object.json"
    path.write_bytes(b'{"a": 1, "\xed\xa0\x80": 2}')
    first, last = read_members(path)
    assert ("a", None) == (first.member, first.error)
    assert last.error is not None
