-- What the agent keeps across sessions: one note a topic.

-- name: create
CREATE TABLE IF NOT EXISTS note (
    topic TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    written_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- name: write
INSERT INTO note (topic, text) VALUES (:topic, :text)
ON CONFLICT (topic) DO UPDATE SET text = excluded.text, written_at = CURRENT_TIMESTAMP;

-- name: count
SELECT count(*) FROM note;

-- name: find
-- By a word of topic or text, newest first.
SELECT topic, text, written_at FROM note
WHERE instr(lower(topic), lower(:word)) OR instr(lower(text), lower(:word))
ORDER BY written_at DESC, topic LIMIT 20;
