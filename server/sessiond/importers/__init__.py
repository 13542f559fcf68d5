"""Reads the sessions that other agents recorded, and says what to store of them.

Nothing here talks to a server: a transcript yields one commit for each of its entries, and its driver sends them.
Ids and contents depend on the entry and what it answers, never on what follows, so an import can be repeated.
"""

from sessiond.importers.detection import FORMAT_NAMES, UnknownFormatError, open_transcript
from sessiond.importers.finding import FoundFile, find_transcripts
from sessiond.importers.remainders import rebuild_entry, remainder_message_ids
from sessiond.importers.steps import Additions, Outcome, Problem, Step
from sessiond.importers.summary import ImportTally, Summary
from sessiond.importers.transcripts import Transcript

__all__ = [
    "FORMAT_NAMES",
    "Additions",
    "FoundFile",
    "ImportTally",
    "Outcome",
    "Problem",
    "Step",
    "Summary",
    "Transcript",
    "UnknownFormatError",
    "find_transcripts",
    "open_transcript",
    "rebuild_entry",
    "remainder_message_ids",
]
