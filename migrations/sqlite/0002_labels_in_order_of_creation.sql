-- The time of a session's creation beside each of its labels, so that a list of the sessions with a label, in the
-- order of creation, is read from one index, however many sessions there are and wherever in the order they lie.

CREATE TABLE labels (
    session_key   INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    key           TEXT    NOT NULL,
    value         TEXT    NOT NULL,
    -- A copy of the session's own, which never changes.
    created_at_us INTEGER NOT NULL,
    PRIMARY KEY (session_key, key)
) STRICT, WITHOUT ROWID;

INSERT INTO labels (session_key, key, value, created_at_us)
SELECT session_key, key, value, created_at_us FROM session_metadata JOIN sessions USING (session_key)
ORDER BY session_key, key;

DROP TABLE session_metadata;
ALTER TABLE labels RENAME TO session_metadata;

CREATE INDEX session_metadata_by_value ON session_metadata (key, value, created_at_us, session_key);
