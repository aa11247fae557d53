-- The read model: a projection of the event feed. Everything in here can be rebuilt from it.

-- How far the projection has come, changed in the transaction that changes the cases. No row: the feed was never open.
CREATE TABLE projection (
    singleton    INTEGER PRIMARY KEY CHECK (singleton = 1),
    -- The random id of the store that the events come from.
    epoch        BLOB    NOT NULL CHECK (length(epoch) = 16),
    -- The last position of its feed that is projected.
    position     INTEGER NOT NULL CHECK (position >= 0),
    -- Below this position the projection is being built and answers nobody: cases are missing that exist.
    rebuild_head INTEGER NOT NULL CHECK (rebuild_head >= 0),
    -- casetracker.event.v1.LifecycleDefinition, as last received. NULL: not received yet.
    lifecycle    BLOB
) STRICT;

-- One row for each case. The columns are what lists filter and sort by; the state has everything.
CREATE TABLE cases (
    -- The number in the case's id.
    number          INTEGER PRIMARY KEY CHECK (number > 0),
    status          TEXT    NOT NULL,
    status_category TEXT    NOT NULL,
    -- '': none.
    priority        TEXT    NOT NULL,
    -- '': nobody.
    assignee        TEXT    NOT NULL,
    -- '': nobody.
    reporter        TEXT    NOT NULL,
    create_time_us  INTEGER NOT NULL,
    update_time_us  INTEGER NOT NULL,
    -- case_query::stored::CaseState
    state           BLOB    NOT NULL
) STRICT;

-- Each index is a list in its order (the row id, which is the number, is the last part of every index): a page is read
-- from where the one before it ended.
CREATE INDEX cases_by_create_time ON cases (create_time_us);
CREATE INDEX cases_by_update_time ON cases (update_time_us);
CREATE INDEX cases_by_status_create_time ON cases (status, create_time_us);
CREATE INDEX cases_by_status_update_time ON cases (status, update_time_us);
CREATE INDEX cases_by_category_create_time ON cases (status_category, create_time_us);
CREATE INDEX cases_by_assignee_create_time ON cases (assignee, create_time_us);
CREATE INDEX cases_by_assignee_update_time ON cases (assignee, update_time_us);
CREATE INDEX cases_by_reporter_create_time ON cases (reporter, create_time_us);

-- The tags of each case. The time of creation never changes, so that this too is a list in its order.
CREATE TABLE case_tags (
    tag            TEXT    NOT NULL,
    create_time_us INTEGER NOT NULL,
    number         INTEGER NOT NULL,
    PRIMARY KEY (tag, create_time_us, number)
) STRICT, WITHOUT ROWID;
