"""Mutations of transcripts are made of their seed and of nothing that came before."""

from random import Random

from tests.fuzz.guided import json_mutations
from tests.fuzz.guided.json_mutations import mutated_json


def test_mutations_leave_alone_what_they_put_in() -> None:
    """One that the next mutation changes would grow from input to input, come to hold itself, and take all memory."""
    values = repr(json_mutations._VALUES)
    chance = Random(1)
    for _ in range(3000):
        mutated_json(b'{"a": 1}', chance)
    assert values == repr(json_mutations._VALUES)
