-- What comments, timelines, links from the other side, and every filter and order need.
--
-- The rows of version 1 lack most of it, and the event feed has all of it: this migration empties the read model and puts
-- it back to its beginning, so that the service builds it anew, and answers nobody until it is whole again. That costs
-- about as long as the first start of a new replica; nothing is lost by it.

DELETE FROM projection;
DELETE FROM case_tags;
-- With its indexes.
DROP TABLE cases;

-- One row for each case. The columns are what lists filter and sort by; the state has everything. Unset values sort before
-- every other: '' in texts, 0 in ranks, the smallest integer in times. None of them is NULL, so that pages can go on from
-- any of them by plain comparison.
CREATE TABLE cases (
    -- The number in the case's id.
    number          INTEGER PRIMARY KEY CHECK (number > 0),
    title           TEXT    NOT NULL,
    status          TEXT    NOT NULL,
    status_category TEXT    NOT NULL,
    -- 0: none, then LOW = 1 to URGENT = 4; likewise severity.
    priority        INTEGER NOT NULL,
    severity        INTEGER NOT NULL,
    -- '': nobody; likewise reporter, and team: none.
    assignee        TEXT    NOT NULL,
    team            TEXT    NOT NULL,
    reporter        TEXT    NOT NULL,
    create_time_us  INTEGER NOT NULL,
    update_time_us  INTEGER NOT NULL,
    due_time_us     INTEGER NOT NULL,
    close_time_us   INTEGER NOT NULL,
    -- case_query::stored::CaseState
    state           BLOB    NOT NULL
) STRICT;

-- Each index is a list in its order (the row id, which is the number, is the last part of every index): a page is read
-- from where the one before it ended. First every order of all cases,
CREATE INDEX cases_by_create_time ON cases (create_time_us);
CREATE INDEX cases_by_update_time ON cases (update_time_us);
CREATE INDEX cases_by_due_time ON cases (due_time_us);
CREATE INDEX cases_by_close_time ON cases (close_time_us);
CREATE INDEX cases_by_priority ON cases (priority);
CREATE INDEX cases_by_severity ON cases (severity);
CREATE INDEX cases_by_status ON cases (status);
CREATE INDEX cases_by_assignee ON cases (assignee);
CREATE INDEX cases_by_title ON cases (title);
-- then what is asked for most, narrowed by one field.
CREATE INDEX cases_by_status_create_time ON cases (status, create_time_us);
CREATE INDEX cases_by_status_update_time ON cases (status, update_time_us);
CREATE INDEX cases_by_category_create_time ON cases (status_category, create_time_us);
CREATE INDEX cases_by_assignee_create_time ON cases (assignee, create_time_us);
CREATE INDEX cases_by_assignee_update_time ON cases (assignee, update_time_us);
CREATE INDEX cases_by_team_create_time ON cases (team, create_time_us);
CREATE INDEX cases_by_reporter_create_time ON cases (reporter, create_time_us);

-- One row for each event: what it did to its case. Rows are only ever added at the end, and a case finds its own by a
-- small index.
CREATE TABLE timeline_entries (
    -- The place of the event in the feed.
    position     INTEGER PRIMARY KEY CHECK (position > 0),
    -- Of the case.
    number       INTEGER NOT NULL,
    -- The version of the case after the event: from 1, without gaps.
    case_version INTEGER NOT NULL,
    -- case_query::stored_entry::EntryState
    entry        BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX timeline_by_case ON timeline_entries (number, case_version);

-- Which entries are comments. The text stands in the entry, once, so that there is one place to forget it in.
CREATE TABLE comments (
    -- Of the case.
    number         INTEGER NOT NULL,
    -- Within the case, from 1.
    comment_number INTEGER NOT NULL,
    -- Of the entry.
    position       INTEGER NOT NULL,
    PRIMARY KEY (number, comment_number)
) STRICT, WITHOUT ROWID;

-- Links from the side of the case that they point to. The side that has them keeps them in its state.
CREATE TABLE case_links (
    -- The case that is pointed to.
    linked_number INTEGER NOT NULL,
    -- The case that has the link.
    number        INTEGER NOT NULL,
    -- What the case that has the link is to the other.
    link_type     TEXT    NOT NULL,
    -- The id of the case that has the link.
    case_id       TEXT    NOT NULL,
    PRIMARY KEY (linked_number, number, link_type)
) STRICT, WITHOUT ROWID;
