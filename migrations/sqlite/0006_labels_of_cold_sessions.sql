-- Copies of the time of a session's last update and of its number of messages beside its labels, so that a list of the
-- sessions with a label in one of these orders is read from one index. They change with nearly every write, so that
-- only those sessions have right ones that were not written to for long: the cold ones, up to the horizon.

ALTER TABLE session_metadata ADD COLUMN updated_at_us INTEGER;
ALTER TABLE session_metadata ADD COLUMN message_count INTEGER;

CREATE INDEX session_metadata_by_update ON session_metadata (key, value, updated_at_us, session_key)
    WHERE updated_at_us IS NOT NULL;
CREATE INDEX session_metadata_by_messages ON session_metadata (key, value, message_count, session_key)
    WHERE message_count IS NOT NULL;

-- Where a session stands in the order of updates, by time and key, whether or not it is there still: the live ones up
-- to there have copies as their rows are; those of the others mean nothing. At first there are none up to there.
CREATE TABLE label_horizon (
    horizon       INTEGER PRIMARY KEY CHECK (horizon = 1),
    updated_at_us INTEGER NOT NULL,
    session_key   INTEGER NOT NULL,
    checksum      INTEGER NOT NULL
) STRICT;

INSERT INTO label_horizon (horizon, updated_at_us, session_key, checksum)
VALUES (1, -9223372036854775807, 0, row_sum(2, -9223372036854775807, 0));
