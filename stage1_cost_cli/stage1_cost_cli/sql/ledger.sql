-- The ledger's statements. Each has a name, by which ledger.py and ledger_file.py call it, and a
-- purpose. Money is TEXT: SQLite's own numbers are binary floats. `decimal_sum` is registered by
-- ledger_file.py; the sqlite3 shell has the same function built in.

-- name: migrate_1
-- One row a call, however it ended. NULL means that nobody said; it never stands for zero.
-- The application id is "STG1": it tells a ledger from any other SQLite file.
CREATE TABLE calls (
    id                 INTEGER PRIMARY KEY,
    started_at         TEXT NOT NULL,
    provider           TEXT NOT NULL,
    model_asked        TEXT NOT NULL,
    model_answered     TEXT,
    feature            TEXT NOT NULL,
    input_tokens       INTEGER,
    output_tokens      INTEGER,
    cache_read_tokens  INTEGER,
    cache_write_tokens INTEGER,
    reasoning_tokens   INTEGER,
    cost_usd           TEXT,
    saved_usd          TEXT,
    price_source       TEXT,
    first_token_s      REAL,
    total_s            REAL NOT NULL,
    attempts           INTEGER NOT NULL,
    stop               TEXT,
    error              TEXT,
    request_id         TEXT,
    streamed           INTEGER NOT NULL,
    cancelled          INTEGER NOT NULL
);
CREATE INDEX calls_by_time ON calls (started_at);
PRAGMA application_id = 1398032177;

-- name: migrate_2
-- The rate limits that a provider's headers stated last, as a JSON list.
CREATE TABLE limits (
    provider TEXT NOT NULL,
    model    TEXT NOT NULL,
    seen_at  TEXT NOT NULL,
    limits   TEXT NOT NULL,
    PRIMARY KEY (provider, model)
);

-- name: append
-- One statement, so one transaction: a process killed here leaves a whole row or none.
INSERT INTO calls (
    started_at, provider, model_asked, model_answered, feature,
    input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens,
    cost_usd, saved_usd, price_source,
    first_token_s, total_s, attempts, stop, error, request_id, streamed, cancelled
) VALUES (
    :started_at, :provider, :model_asked, :model_answered, :feature,
    :input_tokens, :output_tokens, :cache_read_tokens, :cache_write_tokens, :reasoning_tokens,
    :cost_usd, :saved_usd, :price_source,
    :first_token_s, :total_s, :attempts, :stop, :error, :request_id, :streamed, :cancelled
);

-- name: totals
-- Sums by day (UTC, as providers bill), by model asked, or by feature.
SELECT CASE :by
           WHEN 'day' THEN substr(started_at, 1, 10)
           WHEN 'model' THEN model_asked
           ELSE feature
       END AS key,
       count(*) AS calls,
       count(error) AS failed,
       sum(cancelled) AS cancelled,
       sum(cost_usd IS NULL) AS unknown_cost,
       coalesce(sum(input_tokens), 0) AS input_tokens,
       coalesce(sum(output_tokens), 0) AS output_tokens,
       coalesce(sum(cache_read_tokens), 0) AS cache_read_tokens,
       decimal_sum(cost_usd) AS cost_usd,
       decimal_sum(saved_usd) AS saved_usd
FROM calls
WHERE started_at >= :since
GROUP BY 1
ORDER BY 1;

-- name: averages
-- What one whole call needs: failed and cancelled calls would pull the averages down.
SELECT count(*) AS calls,
       sum(input_tokens) AS input_tokens,
       sum(output_tokens) AS output_tokens,
       sum(cache_read_tokens) AS cache_read_tokens,
       sum(cache_write_tokens) AS cache_write_tokens,
       min(started_at) AS first_at,
       max(started_at) AS last_at
FROM calls
WHERE error IS NULL AND cancelled = 0
  AND input_tokens IS NOT NULL AND output_tokens IS NOT NULL
  AND (:model IS NULL OR model_asked = :model)
  AND (:feature IS NULL OR feature = :feature)
  AND started_at >= :since;

-- name: output_tokens
-- Lengths of past answers, newest first, from which the next one's length is guessed.
SELECT output_tokens
FROM calls
WHERE error IS NULL AND cancelled = 0 AND output_tokens IS NOT NULL
  AND (:model IS NULL OR model_asked = :model)
  AND (:feature IS NULL OR feature = :feature)
ORDER BY started_at DESC, id DESC
LIMIT :newest;

-- name: remember_limits
-- An older answer that arrives late does not overwrite a newer one.
INSERT INTO limits (provider, model, seen_at, limits)
VALUES (:provider, :model, :seen_at, :limits)
ON CONFLICT (provider, model) DO UPDATE
SET seen_at = excluded.seen_at, limits = excluded.limits
WHERE excluded.seen_at >= limits.seen_at;

-- name: last_limits
-- The newest headers of each provider and model.
SELECT provider, model, seen_at, limits FROM limits ORDER BY provider, model;
