-- A sum of each row beside it, since SQLite has none of its pages: what is damaged is told and not served as truth. Rows
-- that were written before have none. And how much each session holds.

ALTER TABLE events ADD COLUMN checksum INTEGER;
ALTER TABLE messages ADD COLUMN checksum INTEGER;
ALTER TABLE tool_calls ADD COLUMN checksum INTEGER;
-- Of the counters and the like, which change with nearly each write, and of what is large and seldom changes.
ALTER TABLE sessions ADD COLUMN checksum INTEGER;
ALTER TABLE sessions ADD COLUMN config_checksum INTEGER;

-- The bytes of the session's messages, of its tool calls with their results, and of its events.
ALTER TABLE sessions ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT 0;

UPDATE sessions SET stored_bytes =
    (SELECT coalesce(sum(length(payload)), 0) FROM messages WHERE messages.session_key = sessions.session_key)
    + (SELECT coalesce(sum(length(payload)), 0) FROM events WHERE events.session_key = sessions.session_key)
    + (SELECT coalesce(sum(length(payload) + coalesce(length(result), 0) + coalesce(length(CAST(error AS BLOB)), 0)
                           + coalesce(length(stats), 0)), 0)
       FROM tool_calls WHERE tool_calls.session_key = sessions.session_key);
