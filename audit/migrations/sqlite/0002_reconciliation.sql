-- What the reconciler has come to; all of it follows from the entries, so it is no part of the history and may change.
-- `position`: below it every entry was read. `told`: below it the log itself tells of them. `ran_at`: when it last told, in
-- milliseconds. `sums`: what it counted so far, and what it found since it last told.
CREATE TABLE reconciliation (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    version  INTEGER NOT NULL,
    position INTEGER NOT NULL,
    told     INTEGER NOT NULL,
    ran_at   INTEGER NOT NULL,
    sums     TEXT    NOT NULL
) STRICT;
INSERT INTO reconciliation VALUES (1, 0, 0, 0, 0, '{}');

-- Callbacks that have not come to their end, by the place of their first record. `ends`: the record that they end with, where
-- that is known. `since`: the time of the first entry, in milliseconds; `hour`: the hour of the callback, since 1970.
CREATE TABLE journeys (
    place   TEXT    NOT NULL PRIMARY KEY,
    ends    TEXT,
    since   INTEGER NOT NULL,
    hour    INTEGER,
    overdue INTEGER NOT NULL,
    state   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX journeys_ends ON journeys (ends) WHERE ends IS NOT NULL;
CREATE INDEX journeys_since ON journeys (overdue, since);
CREATE INDEX journeys_hour ON journeys (hour) WHERE hour IS NOT NULL;

-- The account of each hour, since 1970.
CREATE TABLE hours (
    hour  INTEGER PRIMARY KEY,
    state TEXT NOT NULL
) STRICT;

-- The account of each day, signed. Said once.
CREATE TABLE statements (
    day  TEXT NOT NULL PRIMARY KEY,
    size INTEGER NOT NULL,
    note TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER statements_insert BEFORE INSERT ON statements BEGIN
    SELECT raise(ABORT, 'the history is append-only: this day has its statement')
        WHERE EXISTS (SELECT 1 FROM statements WHERE day = NEW.day);
    SELECT raise(ABORT, 'the history is append-only: no checkpoint covers this statement')
        WHERE NOT EXISTS (SELECT 1 FROM checkpoints WHERE size = NEW.size);
END;
CREATE TRIGGER statements_update BEFORE UPDATE ON statements BEGIN
    SELECT raise(ABORT, 'the history is append-only: UPDATE of statements is refused');
END;
CREATE TRIGGER statements_delete BEFORE DELETE ON statements BEGIN
    SELECT raise(ABORT, 'the history is append-only: DELETE of statements is refused');
END;
