-- The indexes of events by id and by type as tables of their own, which are brought up to date some events at a time.
-- An index that is kept with each append costs a page of it for each session that a group of writes appends to, and
-- those pages were most of what a commit wrote to the disk.

CREATE TABLE event_ids (
    session_key INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    event_id    TEXT    NOT NULL,
    sequence    INTEGER NOT NULL,
    PRIMARY KEY (session_key, event_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE event_types (
    session_key INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    type        TEXT    NOT NULL,
    sequence    INTEGER NOT NULL,
    PRIMARY KEY (session_key, type, sequence)
) STRICT, WITHOUT ROWID;

INSERT INTO event_ids (session_key, event_id, sequence)
SELECT session_key, event_id, sequence FROM events WHERE event_id IS NOT NULL ORDER BY session_key, event_id;

INSERT INTO event_types (session_key, type, sequence)
SELECT session_key, type, sequence FROM events ORDER BY session_key, type, sequence;

DROP INDEX events_by_id;
DROP INDEX events_by_type;

-- The first event that the two tables do not have yet; they have all before it, and none from it on.
ALTER TABLE sessions ADD COLUMN unindexed_from INTEGER NOT NULL DEFAULT 0;
UPDATE sessions SET unindexed_from = next_event;
