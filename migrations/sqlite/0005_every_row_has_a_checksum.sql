-- Sums of the rows that were written before there were any, so that a row without one is a damaged row. And what tells
-- that an index has lost an entry: numbers in the session's row, and second copies of indexes that seldom change.
--
-- row_sum(n, …) is the sum of n numbers and texts and of the blobs after them, event_sum(…) that of an event; both are
-- checksums.py, and take texts as blobs. They are NULL for a text that is none: that row is damaged, the others are not.

UPDATE events SET checksum = event_sum(
    position, session_key, sequence, commit_index, stored_at_us, CAST(type AS BLOB), CAST(event_id AS BLOB), payload)
WHERE checksum IS NULL;

UPDATE messages SET checksum = row_sum(4, session_key, sequence, CAST(id AS BLOB), stored_at_us, payload)
WHERE checksum IS NULL;

UPDATE tool_calls SET checksum = row_sum(
    8, session_key, CAST(id AS BLOB), status, CAST(kind AS BLOB), created_at_us, started_at_us, completed_at_us,
    CAST(error AS BLOB), payload, result, stats)
WHERE checksum IS NULL;

-- How many tool calls the session has, and how many of them are not settled.
ALTER TABLE sessions ADD COLUMN tool_calls INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN unfinished_tool_calls INTEGER NOT NULL DEFAULT 0;
-- The total of the sums of its labels.
ALTER TABLE sessions ADD COLUMN labels_checksum INTEGER NOT NULL DEFAULT 0;

UPDATE sessions SET
    tool_calls = (SELECT count(*) FROM tool_calls c WHERE c.session_key = sessions.session_key),
    unfinished_tool_calls = (
        SELECT count(*) FROM tool_calls c WHERE c.session_key = sessions.session_key AND c.status IN (1, 2, 4)),
    labels_checksum = (
        SELECT coalesce(sum(row_sum(3, CAST(m.key AS BLOB), CAST(m.value AS BLOB), m.created_at_us)), 0)
        FROM session_metadata m WHERE m.session_key = sessions.session_key);

-- The sum of the row takes these in, and when the session was archived; the sum of the configuration, the request that
-- created the session. A row that does not have the sum that it was stored with gets none.
UPDATE sessions SET
    checksum = CASE WHEN checksum IS NULL OR checksum = row_sum(
        12, CAST(id AS BLOB), created_at_us, updated_at_us, status, next_message, next_event, first_event,
        message_count, CAST(last_model AS BLOB), CAST(active_message_id AS BLOB), unindexed_from, stored_bytes)
    THEN row_sum(
        16, CAST(id AS BLOB), created_at_us, updated_at_us, status, next_message, next_event, first_event,
        message_count, CAST(last_model AS BLOB), CAST(active_message_id AS BLOB), unindexed_from, stored_bytes,
        tool_calls, unfinished_tool_calls, labels_checksum, archived_at_us)
    END,
    config_checksum = CASE WHEN config_checksum IS NULL OR config_checksum = row_sum(0, config, approvals)
    THEN row_sum(1, CAST(request_id AS BLOB), config, approvals, create_digest)
    END;

-- Second copies: what the first has lost is found in them. Only of indexes that no append changes.
CREATE INDEX sessions_by_id_again ON sessions (id);
CREATE INDEX sessions_by_request_again ON sessions (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX sessions_by_created_at_again ON sessions (created_at_us, session_key) WHERE archived_at_us IS NULL;
CREATE INDEX sessions_by_archived_at_again ON sessions (archived_at_us, session_key)
    WHERE archived_at_us IS NOT NULL;
CREATE INDEX session_metadata_by_value_again ON session_metadata (key, value, created_at_us, session_key);
