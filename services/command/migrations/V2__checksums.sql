-- A checksum beside everything that nobody else has (storage::checksum, over the row's key and its other columns). NULL in
-- rows of programs that wrote none, which this one takes as they are; such a program works on this schema, too.
ALTER TABLE store ADD COLUMN checksum INTEGER;
ALTER TABLE cases ADD COLUMN checksum INTEGER;
ALTER TABLE events ADD COLUMN checksum INTEGER;
ALTER TABLE lifecycles ADD COLUMN checksum INTEGER;
-- Of all columns but the state, so that a start need not read the states.
ALTER TABLE idempotency_keys ADD COLUMN checksum INTEGER;
ALTER TABLE idempotency_keys ADD COLUMN state_checksum INTEGER;
