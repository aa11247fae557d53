-- What events are looked up by, besides their case. Every column is computed from the leaf, so that it can neither
-- contradict the evidence nor be forgotten: rows that were there before have it, and so have rows that a program without
-- this migration adds. Names are those of the leaf.

-- The leaf, which is text kept as bytes. NULL if it is damaged: nothing is found by it then, but its text can still be
-- erased, and whoever reads the record is told.
ALTER TABLE audit_log ADD COLUMN
    leaf_json TEXT GENERATED ALWAYS AS (iif(json_valid(CAST(leaf AS TEXT)), CAST(leaf AS TEXT), NULL)) VIRTUAL;
ALTER TABLE audit_log ADD COLUMN
    actor_id TEXT GENERATED ALWAYS AS (json_extract(leaf_json, '$.data.actor_id')) VIRTUAL;
ALTER TABLE audit_log ADD COLUMN
    action TEXT GENERATED ALWAYS AS (json_extract(leaf_json, '$.data.action')) VIRTUAL;
ALTER TABLE audit_log ADD COLUMN
    request_id TEXT GENERATED ALWAYS AS (json_extract(leaf_json, '$.data.request_id')) VIRTUAL;
-- 32 lower-case hexadecimal digits; empty: the request had no trace.
ALTER TABLE audit_log ADD COLUMN
    trace_id TEXT GENERATED ALWAYS AS (json_extract(leaf_json, '$.data.trace_id')) VIRTUAL;
-- RFC 3339 in UTC with six digits of the second: sorts as text. Never runs backwards in the order of the log.
ALTER TABLE audit_log ADD COLUMN
    time TEXT GENERATED ALWAYS AS (json_extract(leaf_json, '$.time')) VIRTUAL;

-- The row id is the last part of every index: each value has its events in the order of the log. There is none for the
-- outcome, which is the same in every row.
CREATE INDEX audit_log_by_actor ON audit_log (actor_id);
CREATE INDEX audit_log_by_action ON audit_log (action);
CREATE INDEX audit_log_by_request ON audit_log (request_id);
CREATE INDEX audit_log_by_trace ON audit_log (trace_id) WHERE trace_id <> '';
CREATE INDEX audit_log_by_time ON audit_log (time);
