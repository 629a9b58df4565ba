-- Where reading goes on. Moves in the same transaction as what was decided.
CREATE TABLE source_offsets (
    topic     TEXT    NOT NULL,
    partition INTEGER NOT NULL,
    next      INTEGER NOT NULL,
    PRIMARY KEY (topic, partition)
) STRICT, WITHOUT ROWID;

-- What was told of each check: `events` holds the ids of the events told, 16 bytes each, newest last.
CREATE TABLE checks (
    name    TEXT    NOT NULL PRIMARY KEY,
    rank    INTEGER NOT NULL,
    outcome TEXT    NOT NULL,
    events  BLOB    NOT NULL,
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Notices that wait to be told. One whose attempt was started and not ended was cut off by a crash.
CREATE TABLE outbox (
    number     INTEGER PRIMARY KEY,
    lane       TEXT,
    record_key BLOB    NOT NULL,
    draft      TEXT    NOT NULL,
    attempts   INTEGER NOT NULL,
    decided_at INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    started_at INTEGER
) STRICT;
CREATE INDEX outbox_due ON outbox (due_at, number) WHERE started_at IS NULL;
CREATE INDEX outbox_lane ON outbox (lane, number);

-- Notices that have ended and wait to be published; the numbers have no holes.
CREATE TABLE publications (
    number      INTEGER PRIMARY KEY,
    record_key  BLOB NOT NULL,
    traceparent TEXT,
    event       TEXT NOT NULL
) STRICT;

-- `given`: the last number of a publication. `published`: the last one known to be in the topic.
CREATE TABLE counters (
    name  TEXT    NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters VALUES ('given', 0), ('published', 0);

-- One alert per kind of trouble and window; what follows in the window is counted.
CREATE TABLE alert_windows (
    kind       TEXT    NOT NULL PRIMARY KEY,
    started_at INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL,
    counted    INTEGER NOT NULL,
    record_key BLOB    NOT NULL,
    first      TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
