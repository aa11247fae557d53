-- One row for each event. Rows are added at the end and keep their evidence for ever: the triggers below refuse
-- everything else, whoever asks.
CREATE TABLE audit_log (
    -- The place in the log: from 0, without gaps.
    log_index   INTEGER PRIMARY KEY CHECK (log_index >= 0),
    -- The place in the feed that the event came from: from 1, growing.
    position    INTEGER NOT NULL UNIQUE CHECK (position > 0),
    -- A UUIDv7: new ids are added at the right edge of the index, or near it.
    event_id    BLOB    NOT NULL UNIQUE CHECK (length(event_id) = 16),
    -- The number in the case's id: new cases are added at the right edge of the index.
    case_number INTEGER NOT NULL,
    case_id     TEXT    NOT NULL,
    -- The canonical bytes. Never rewritten, never serialised again.
    leaf        BLOB    NOT NULL CHECK (length(leaf) > 0),
    -- casetracker.event.v1.Content: the free text and its salt. Erasing a person's text is setting it to x''.
    content     BLOB    NOT NULL
) STRICT;

-- Events of one case, in the order of the log (the row id is the last part of every index).
CREATE INDEX audit_log_by_case ON audit_log (case_number);

CREATE TRIGGER audit_log_keeps_evidence
BEFORE UPDATE OF log_index, position, event_id, case_number, case_id, leaf ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'evidence is never changed: only content can be erased');
END;

CREATE TRIGGER audit_log_keeps_rows
BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'evidence is never deleted: only content can be erased');
END;

-- How far the log has come, changed in the transaction that adds the rows. No row: nothing has been recorded yet.
CREATE TABLE log_state (
    singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
    -- The random id of the store that the events come from.
    epoch     BLOB    NOT NULL CHECK (length(epoch) = 16),
    -- The last position of its feed that is recorded.
    position  INTEGER NOT NULL CHECK (position >= 0),
    -- How many rows the log has: the next log_index.
    length    INTEGER NOT NULL CHECK (length >= 0)
) STRICT;
