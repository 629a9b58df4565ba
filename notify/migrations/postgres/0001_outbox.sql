-- Where reading goes on. Moves in the same transaction as what was decided.
CREATE TABLE source_offsets (
    topic     TEXT    COLLATE "C" NOT NULL,
    partition INTEGER NOT NULL,
    next      BIGINT  NOT NULL,
    PRIMARY KEY (topic, partition)
);

-- What was told of each check: `events` holds the ids of the events told, 16 bytes each, newest last.
CREATE TABLE checks (
    name    TEXT    COLLATE "C" PRIMARY KEY,
    rank    INTEGER NOT NULL,
    outcome TEXT    NOT NULL,
    events  BYTEA   NOT NULL,
    at      BIGINT  NOT NULL
);

-- Notices that wait to be told. One whose attempt was started and not ended was cut off by a crash.
CREATE TABLE outbox (
    number     BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane       TEXT    COLLATE "C",
    record_key BYTEA   NOT NULL,
    draft      TEXT    NOT NULL,
    attempts   INTEGER NOT NULL,
    decided_at BIGINT  NOT NULL,
    due_at     BIGINT  NOT NULL,
    started_at BIGINT
);
CREATE INDEX outbox_due ON outbox (due_at, number) WHERE started_at IS NULL;
CREATE INDEX outbox_lane ON outbox (lane, number);

-- Notices that have ended and wait to be published; the numbers have no holes.
CREATE TABLE publications (
    number      BIGINT PRIMARY KEY,
    record_key  BYTEA NOT NULL,
    traceparent TEXT,
    event       TEXT  NOT NULL
);

-- `given`: the last number of a publication. `published`: the last one known to be in the topic.
CREATE TABLE counters (
    name  TEXT   COLLATE "C" PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters VALUES ('given', 0), ('published', 0);

-- One alert per kind of trouble and window; what follows in the window is counted.
CREATE TABLE alert_windows (
    kind       TEXT   COLLATE "C" PRIMARY KEY,
    started_at BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL,
    counted    BIGINT NOT NULL,
    record_key BYTEA  NOT NULL,
    first      TEXT   NOT NULL
);
