-- A table that only grows is made.
SET LOCAL idtrail.migrating = 'on';

-- What the reconciler has come to; all of it follows from the entries, so it is no part of the history and may change.
-- `position`: below it every entry was read. `told`: below it the log itself tells of them. `ran_at`: when it last told, in
-- milliseconds. `sums`: what it counted so far, and what it found since it last told.
CREATE TABLE reconciliation (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    version  BIGINT NOT NULL,
    position BIGINT NOT NULL,
    told     BIGINT NOT NULL,
    ran_at   BIGINT NOT NULL,
    sums     TEXT   NOT NULL
);
INSERT INTO reconciliation VALUES (1, 0, 0, 0, 0, '{}');

-- Callbacks that have not come to their end, by the place of their first record. `ends`: the record that they end with, where
-- that is known. `since`: the time of the first entry, in milliseconds; `hour`: the hour of the callback, since 1970.
CREATE TABLE journeys (
    place   TEXT COLLATE "C" PRIMARY KEY,
    ends    TEXT COLLATE "C",
    since   BIGINT NOT NULL,
    hour    BIGINT,
    overdue BIGINT NOT NULL,
    state   TEXT   NOT NULL
);
CREATE INDEX journeys_ends ON journeys (ends) WHERE ends IS NOT NULL;
CREATE INDEX journeys_since ON journeys (overdue, since);
CREATE INDEX journeys_hour ON journeys (hour) WHERE hour IS NOT NULL;

-- The account of each hour, since 1970.
CREATE TABLE hours (
    hour  BIGINT PRIMARY KEY,
    state TEXT NOT NULL
);

-- The account of each day, signed. Said once.
CREATE TABLE statements (
    day  TEXT COLLATE "C" PRIMARY KEY,
    size BIGINT NOT NULL REFERENCES checkpoints,
    note TEXT   NOT NULL
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON statements FOR EACH ROW EXECUTE FUNCTION refuse_change();
ALTER TABLE statements ENABLE ALWAYS TRIGGER append_only;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON statements FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE statements ENABLE ALWAYS TRIGGER no_truncate;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_writer') THEN
        GRANT SELECT, UPDATE ON reconciliation TO audit_writer;
        GRANT SELECT, INSERT, UPDATE, DELETE ON journeys TO audit_writer;
        GRANT SELECT, INSERT, UPDATE ON hours TO audit_writer;
        GRANT SELECT, INSERT ON statements TO audit_writer;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_reader') THEN
        GRANT SELECT ON reconciliation, journeys, hours, statements TO audit_reader;
    END IF;
END $$;
