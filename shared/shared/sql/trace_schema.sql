-- One row is one finished span. `id` grows with time of writing and is what pruning goes by.
CREATE TABLE IF NOT EXISTS span (
    id             INTEGER PRIMARY KEY,
    trace_id       TEXT    NOT NULL,
    span_id        TEXT    NOT NULL,
    parent_id      TEXT    NOT NULL,            -- '' for a root
    name           TEXT    NOT NULL,
    kind           TEXT    NOT NULL,
    service        TEXT    NOT NULL,
    start_ns       INTEGER NOT NULL,            -- Unix time
    end_ns         INTEGER NOT NULL,
    status         TEXT    NOT NULL,            -- UNSET, OK or ERROR
    status_message TEXT    NOT NULL,
    attributes     TEXT    NOT NULL,            -- a JSON object
    events         TEXT    NOT NULL             -- a JSON list of {name, time_ns, attributes}
) STRICT;
CREATE INDEX IF NOT EXISTS span_trace ON span (trace_id);
