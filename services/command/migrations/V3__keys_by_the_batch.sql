-- Idempotency keys, one row for all that a transaction added: one insert a batch instead of one a command, and a start reads
-- few rows and no answers.
CREATE TABLE key_batches (
    -- The id of the row's first key; each further key has the next one, and so goes on the next row.
    first_id INTEGER PRIMARY KEY,
    -- When the latest of them was accepted.
    time_us  INTEGER NOT NULL,
    -- 41 bytes each (idempotency::record): the first 16 bytes of SHA-256 over actor and key, the first 16 bytes of SHA-256 over
    -- method and request, the feed's last position when the command was accepted (big endian), and what answers a replay:
    -- 0: the case that the event at this position created; 1: the row of the key's id in `answers`.
    keys     BLOB    NOT NULL CHECK (length(keys) > 0 AND length(keys) % 41 = 0),
    -- storage::checksum over first_id, time_us and keys.
    checksum INTEGER
) STRICT;

-- What commands answered that did not create a case: the case as the command left it (stored::CaseState).
CREATE TABLE answers (
    id       INTEGER PRIMARY KEY,
    state    BLOB    NOT NULL,
    -- storage::checksum over id and state.
    checksum INTEGER
) STRICT;

-- What is remembered stays remembered, each key in a row of its own. (unhex: to join BLOBs with `||` makes a text of them.)
INSERT INTO key_batches (first_id, time_us, keys)
SELECT id, time_us, unhex(hex(key_hash) || hex(fingerprint) || printf('%016x', position) || '01') FROM idempotency_keys;

INSERT INTO answers (id, state, checksum) SELECT id, state, state_checksum FROM idempotency_keys;

DROP TABLE idempotency_keys;
