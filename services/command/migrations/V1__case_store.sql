-- No table here has a random-key index: every insert is an append, or an update by the number of the case.

-- One row: what the next batch counts on from, updated once a batch, in the batch's transaction.
CREATE TABLE store (
    id               INTEGER PRIMARY KEY CHECK (id = 1),
    -- This store's random id. A restored store gets another one.
    epoch            BLOB    NOT NULL CHECK (length(epoch) = 16),
    last_position    INTEGER NOT NULL CHECK (last_position >= 0),
    last_case_number INTEGER NOT NULL CHECK (last_case_number >= 0),
    -- Microseconds since 1970-01-01T00:00:00Z of the last event: times never run backwards.
    last_time_us     INTEGER NOT NULL
) STRICT;

-- The present state of each case (stored::CaseState).
CREATE TABLE cases (
    number INTEGER PRIMARY KEY,
    state  BLOB NOT NULL
) STRICT;

-- What happened: the feed and the outbox in one. Never updated, but for content that is erased.
CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    -- casetracker.event.v1.Evidence
    evidence BLOB NOT NULL,
    -- casetracker.event.v1.Content
    content  BLOB NOT NULL
) STRICT;

-- Accepted commands that had a key. Looked up in memory, so nothing but the order of arrival is indexed.
CREATE TABLE idempotency_keys (
    id          INTEGER PRIMARY KEY,
    time_us     INTEGER NOT NULL,
    -- The first 16 bytes of SHA-256 over actor and key.
    key_hash    BLOB    NOT NULL CHECK (length(key_hash) = 16),
    -- The first 16 bytes of SHA-256 over method and request.
    fingerprint BLOB    NOT NULL CHECK (length(fingerprint) = 16),
    -- The feed's last position when the command was accepted.
    position    INTEGER NOT NULL,
    -- The answer: the case as the command left it (stored::CaseState).
    state       BLOB    NOT NULL
) STRICT;

-- How far each consumer of the feed says it has come.
CREATE TABLE consumers (
    name                  TEXT    PRIMARY KEY,
    acknowledged_position INTEGER NOT NULL CHECK (acknowledged_position >= 0)
) STRICT, WITHOUT ROWID;

-- Every lifecycle that was ever in force; the one with the highest version is.
CREATE TABLE lifecycles (
    version    INTEGER PRIMARY KEY,
    time_us    INTEGER NOT NULL,
    -- casetracker.event.v1.LifecycleDefinition
    definition BLOB    NOT NULL
) STRICT;
