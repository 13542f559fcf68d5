-- Sessions, their messages, tool calls and events. Times are microseconds since 1970 in UTC; payloads are encoded
-- protobuf messages.

CREATE TABLE sessions (
    -- AUTOINCREMENT: a key is never reused, so that a tail cannot take a new session for one that was deleted.
    session_key        INTEGER PRIMARY KEY AUTOINCREMENT,
    id                 TEXT    NOT NULL UNIQUE,
    request_id         TEXT    UNIQUE,
    -- SHA-256 of the configuration that the session was created with, to tell a repeat from another session.
    create_digest      BLOB    NOT NULL,
    config             BLOB    NOT NULL,
    status             INTEGER NOT NULL,
    created_at_us      INTEGER NOT NULL,
    updated_at_us      INTEGER NOT NULL,
    archived_at_us     INTEGER,
    -- Counters that never go back; numbers are never reused.
    next_message       INTEGER NOT NULL DEFAULT 0,
    next_event         INTEGER NOT NULL DEFAULT 0,
    first_event        INTEGER NOT NULL DEFAULT 0,
    message_count      INTEGER NOT NULL DEFAULT 0,
    last_model         TEXT,
    active_message_id  TEXT,
    -- An encoded Session of which only the approvals given while the session ran are set.
    approvals          BLOB    NOT NULL DEFAULT x''
) STRICT;

CREATE INDEX sessions_by_created_at ON sessions (created_at_us, session_key) WHERE archived_at_us IS NULL;
CREATE INDEX sessions_by_updated_at ON sessions (updated_at_us, session_key) WHERE archived_at_us IS NULL;
CREATE INDEX sessions_by_message_count ON sessions (message_count, session_key) WHERE archived_at_us IS NULL;
CREATE INDEX sessions_by_archived_at ON sessions (archived_at_us, session_key) WHERE archived_at_us IS NOT NULL;

CREATE TABLE session_metadata (
    session_key INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    key         TEXT    NOT NULL,
    value       TEXT    NOT NULL,
    PRIMARY KEY (session_key, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX session_metadata_by_value ON session_metadata (key, value, session_key);

CREATE TABLE messages (
    message_key  INTEGER PRIMARY KEY,
    session_key  INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    sequence     INTEGER NOT NULL,
    id           TEXT    NOT NULL,
    stored_at_us INTEGER NOT NULL,
    payload      BLOB    NOT NULL
) STRICT;

CREATE UNIQUE INDEX messages_by_sequence ON messages (session_key, sequence);
CREATE UNIQUE INDEX messages_by_id ON messages (session_key, id);

CREATE TABLE tool_calls (
    -- Grows with each call: the order of creation.
    tool_call_key   INTEGER PRIMARY KEY AUTOINCREMENT,
    session_key     INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    id              TEXT    NOT NULL,
    status          INTEGER NOT NULL,
    kind            TEXT    NOT NULL,
    created_at_us   INTEGER NOT NULL,
    started_at_us   INTEGER,
    completed_at_us INTEGER,
    payload         BLOB    NOT NULL,
    result          BLOB,
    error           TEXT,
    stats           BLOB
) STRICT;

CREATE UNIQUE INDEX tool_calls_by_id ON tool_calls (session_key, id);
CREATE INDEX tool_calls_by_order ON tool_calls (session_key, tool_call_key);
-- Pending approval, approved and executing: the calls that somebody may still have to settle.
CREATE INDEX tool_calls_unfinished ON tool_calls (session_key, tool_call_key) WHERE status IN (1, 2, 4);

CREATE TABLE events (
    -- The position among the events of all sessions, given by the counter in store_counters.
    position     INTEGER PRIMARY KEY,
    session_key  INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    sequence     INTEGER NOT NULL,
    -- The number of the event in its commit, from 0: the events of a commit reach a tail in one batch.
    commit_index INTEGER NOT NULL,
    stored_at_us INTEGER NOT NULL,
    type         TEXT    NOT NULL,
    event_id     TEXT,
    payload      BLOB    NOT NULL
) STRICT;

CREATE UNIQUE INDEX events_by_sequence ON events (session_key, sequence);
CREATE UNIQUE INDEX events_by_id ON events (session_key, event_id) WHERE event_id IS NOT NULL;
CREATE INDEX events_by_type ON events (session_key, type, sequence);

CREATE TABLE store_info (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE store_counters (
    name  TEXT    PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A counter, and not the largest position, so that a position is not reused when the newest event is deleted.
INSERT INTO store_counters (name, value) VALUES ('next_position', 1);

INSERT INTO store_info (key, value) VALUES ('store_id', lower(hex(randomblob(16))));
