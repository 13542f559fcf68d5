"""Decides, from what clients saw and from the database afterwards, whether a promise was broken."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tests.faults.history import ARCHIVED, GONE, LIVE, SessionHistory, TailHistory, Write
from tests.faults.stored import StoredSession

__all__ = ["violations"]

SHOWN = 5


def violations(histories: Iterable[SessionHistory], stored: dict[str, StoredSession]) -> list[str]:
    """What of the promises is broken, each with the session in front."""
    found: list[str] = []
    for history in histories:
        session = None if history.replaced else stored.get(history.session_id)
        found += [f"{history.session_id}: {violation}" for violation in _of_session(history, session)]
    return found


def _of_session(history: SessionHistory, session: StoredSession | None) -> Iterator[str]:
    yield from _places(history, session)
    yield from _answers(history.writes)
    if session is None:
        for tail in history.tails:
            yield from _endings(tail)
            yield from _ranges(tail, history.trim_sent)
            yield from _strangers(tail, history.writes)
        return
    yield from _counters(session)
    yield from _content(history, session)
    yield from _writes(history, session)
    yield from _refusals(history.writes, session)
    yield from _trims(history, session)
    yield from _expectations(history.writes)
    yield from _tool_calls(history, session)
    yield from _reads(history)
    for tail in history.tails:
        yield from _tail(tail, history, session)


def _places(history: SessionHistory, session: StoredSession | None) -> Iterator[str]:
    place = GONE if session is None else ARCHIVED if session.archived else LIVE
    if place not in history.places[-1]:
        yield f"the session is {place}, and must be {' or '.join(sorted(history.places[-1]))}"
    for look in history.looks:
        if not look.seen & look.possible:
            yield (
                f"an answer said that the session is {' or '.join(sorted(look.seen))} when it was"
                f" {' or '.join(sorted(look.possible))}"
            )


def _counters(session: StoredSession) -> Iterator[str]:
    sequences = [sequence for sequence, *_ in session.events]
    if sequences != list(range(session.first_event, session.next_event)):
        yield f"sequences are not dense from {session.first_event} to {session.next_event}: {_some(sequences)}"
    if [sequence for sequence, *_ in session.messages] != list(range(session.next_message)):
        yield "the sequences of messages are not dense"
    if len(session.messages) != session.message_count:
        yield f"{session.message_count} messages are counted, {len(session.messages)} are there"


def _content(history: SessionHistory, session: StoredSession) -> Iterator[str]:
    sent_events = {name: payload for write in history.writes for name, payload in write.events.items()}
    sent_messages = {name: payload for write in history.writes for name, payload in write.messages.items()}
    stored_events = [(name, payload) for _, name, _, payload in session.events]
    stored_messages = [(name, payload) for _, name, payload in session.messages]
    for what, sent, stored in (("event", sent_events, stored_events), ("message", sent_messages, stored_messages)):
        names = [name for name, _ in stored]
        if len(set(names)) != len(names):
            yield f"an {what} is stored twice"
        if altered := [name for name, payload in stored if sent.get(name) != payload]:
            yield f"stored, and never sent so: {what} {_some(altered)}"


def _writes(history: SessionHistory, session: StoredSession) -> Iterator[str]:
    sequences = {name: sequence for sequence, name, *_ in session.events}
    messages = {name for _, name, _ in session.messages}
    for write in history.writes:
        if write.sequences is not None:
            # What was deleted later is not lost.
            kept = {name: sequence for name, sequence in write.sequences.items() if sequence >= history.trim_sent}
            lost = [name for name, sequence in kept.items() if sequences.get(name) != sequence]
            lost += [name for name in write.messages if name not in messages]
            if lost:
                yield f"acknowledged, and not stored as acknowledged: {_some(lost)}"
        elif not history.trim_sent:
            there = [name in sequences for name in write.events] + [name in messages for name in write.messages]
            if any(there) and not all(there):
                yield f"a commit is stored in part: {_some([*write.events, *write.messages])}"


def _refusals(writes: Sequence[Write], session: StoredSession) -> Iterator[str]:
    stored = {name for _, name, *_ in session.events} | {name for _, name, _ in session.messages}
    refused = [name for write in writes if write.refused for name in (*write.events, *write.messages)]
    if kept := [name for name in refused if name in stored]:
        yield f"refused, and stored: {_some(kept)}"


def _answers(writes: Sequence[Write]) -> Iterator[str]:
    for write in writes:
        if write.unlike:
            yield f"a repeat was answered with {write.unlike}"


def _strangers(tail: TailHistory, writes: Sequence[Write]) -> Iterator[str]:
    sent = {name for write in writes for name in write.events}
    if strangers := [name for batch in tail.batches for _, name in batch.events if name not in sent]:
        yield f"a tail gave what was never sent to its session: {_some(strangers)}"


def _trims(history: SessionHistory, session: StoredSession) -> Iterator[str]:
    if session.first_event < history.trim_acknowledged:
        yield f"events before {history.trim_acknowledged} were deleted, and the first is {session.first_event}"
    if session.first_event > history.trim_sent:
        yield f"nobody deleted events before {session.first_event}"


def _expectations(writes: Sequence[Write]) -> Iterator[str]:
    taken: dict[int, str] = {}
    for write in writes:
        for name, sequence in (write.sequences or {}).items():
            if sequence in taken:
                yield f"{taken[sequence]} and {name} were both given sequence {sequence}"
            taken[sequence] = name
        if write.expected_last is not None and write.sequences:
            first = min(write.sequences.values())
            if first != write.expected_last + 1:
                yield f"expected to follow {write.expected_last}, and was given {first}"


def _tool_calls(history: SessionHistory, session: StoredSession) -> Iterator[str]:
    for name, allowed in history.tool_calls.items():
        # Zero stands for one that need not be there at all.
        if session.tool_calls.get(name, 0) not in allowed:
            yield f"tool call {name} is in state {session.tool_calls.get(name, 0)}, of {sorted(allowed)}"


def _reads(history: SessionHistory) -> Iterator[str]:
    commit_of = {name: number for number, write in enumerate(history.writes) for name in write.events}
    for read in history.reads:
        if len(set(read)) != len(read):
            yield "a read gave an event twice"
        counted = Counter(commit_of[name] for name in read if name in commit_of)
        torn = [number for number, count in counted.items() if count != len(history.writes[number].events)]
        if torn and not history.trim_sent:
            yield f"a read gave a part of a commit: {_some(list(history.writes[torn[0]].events))}"


def _tail(tail: TailHistory, history: SessionHistory, session: StoredSession) -> Iterator[str]:
    yield from _endings(tail)
    yield from _ranges(tail, history.trim_sent)
    yield from _pin(tail, session)
    events = [event for batch in tail.batches for event in batch.events]
    sequences = [sequence for sequence, _ in events]
    if sequences != sorted(set(sequences)):
        yield "a tail repeated an event, or gave them out of order"
    wanted = {sequence: name for sequence, name, kind, _ in session.events if not tail.types or kind in tail.types}
    given = dict(events)
    if other := [sequence for sequence, name in given.items() if wanted.get(sequence, name) != name]:
        yield f"a tail gave another event than is stored: {_some(other)}"
    if extra := [sequence for sequence in given if sequence >= session.first_event and sequence not in wanted]:
        yield f"a tail gave what is not stored, or what its filter leaves out: {_some(extra)}"
    first = max(history.trim_sent, 0 if tail.pinned is None else tail.pinned + 1)
    end = (-1 if tail.accounted is None else tail.accounted) + 1
    if tail.whole:
        # What its writer has given up may be stored behind the event that ends a session, and its tails with it.
        end = session.next_event if history.ended_at is None else history.ended_at + 1
    if missed := [sequence for sequence in wanted if sequence not in given and first <= sequence < end]:
        yield f"a tail missed {_some(missed)}"
    batch_of = {name: number for number, batch in enumerate(tail.batches) for _, name in batch.events}
    for write in history.writes:
        numbers = {batch_of[name] for name in write.events if name in batch_of}
        if len(numbers) > 1 and tail.knows_batches and not history.trim_sent:
            yield f"a tail spread a commit over batches: {_some(list(write.events))}"


def _endings(tail: TailHistory) -> Iterator[str]:
    if tail.unexplained:
        yield "a tail ended, and was not told why"
    if tail.stayed_open:
        yield f"a tail stayed open when its session was archived: {tail.stayed_open}"
    if tail.misbegun is not None:
        yield f"a tail from now on began with {tail.misbegun}, and not with its sequence"
    if tail.misrefused:
        yield f"a tail was told of what nobody has deleted: {tail.misrefused}"


def _pin(tail: TailHistory, session: StoredSession) -> Iterator[str]:
    if tail.pinned is None:
        return
    if tail.pinned < tail.acknowledged_before:
        yield f"a tail from now on began at {tail.pinned}, when {tail.acknowledged_before} was acknowledged"
    if tail.pinned >= session.next_event:
        yield f"a tail from now on began at {tail.pinned}, which is not stored"


def _ranges(tail: TailHistory, trim_sent: int) -> Iterator[str]:
    accounted = -1 if tail.pinned is None else tail.pinned
    for batch in tail.batches:
        if not batch.first <= batch.last or not all(batch.first <= each <= batch.last for each, _ in batch.events):
            yield f"a batch has events outside of its range {batch.first} to {batch.last}"
        if batch.first <= accounted:
            yield f"a tail went back from {accounted} to {batch.first}"
        is_told = not (tail.skips or tail.types) and tail.pinned is not None
        if is_told and len(batch.events) != batch.last - batch.first + 1:
            yield f"a tail passed over what was deleted in silence, between {batch.first} and {batch.last}"
        if batch.first > max(accounted + 1, trim_sent):
            yield f"a tail went on at {batch.first} after {accounted}"
        accounted = batch.last


def _some(things: Sequence[object]) -> str:
    return ", ".join(map(str, things[:SHOWN])) + (", ..." if len(things) > SHOWN else "")
