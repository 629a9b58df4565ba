-- Topics that entries come from, with their prefix.
CREATE TABLE topics (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- The log: one leaf for each record, in the order of the tree. `at` is the time in the leaf, in milliseconds.
CREATE TABLE entries (
    seq              INTEGER PRIMARY KEY CHECK (seq >= 0),
    topic            INTEGER NOT NULL,
    source_partition INTEGER NOT NULL,
    source_offset    INTEGER NOT NULL,
    at               INTEGER NOT NULL,
    leaf_hash        BLOB    NOT NULL CHECK (length(leaf_hash) = 32),
    leaf             BLOB    NOT NULL,
    UNIQUE (topic, source_partition, source_offset)
) STRICT;

-- What the leaves commit to, sealed. `subject` says which data key opens it, `check_handle` to which check it belongs;
-- both are random, and what they stand for is in the key database alone.
CREATE TABLE bodies (
    seq          INTEGER PRIMARY KEY,
    subject      BLOB NOT NULL,
    check_handle BLOB,
    sealed       BLOB NOT NULL
) STRICT;
CREATE INDEX bodies_check ON bodies (check_handle, seq) WHERE check_handle IS NOT NULL;

-- How far the log is: its size, the RFC 6962 root over it, and the roots of the full subtrees, the largest first.
-- `at`: the time of the newest leaf. `receipts`: the number of the newest receipt.
CREATE TABLE head (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    size     INTEGER NOT NULL,
    root     BLOB    NOT NULL CHECK (length(root) = 32),
    subtrees BLOB    NOT NULL CHECK (length(subtrees) % 32 = 0),
    at       INTEGER NOT NULL,
    receipts INTEGER NOT NULL
) STRICT;
INSERT INTO head VALUES
    (1, 0, x'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', x'', 0, 0);

-- Where reading goes on. Moves in the transaction of the entries.
CREATE TABLE source_offsets (
    topic            INTEGER NOT NULL,
    source_partition INTEGER NOT NULL,
    next             INTEGER NOT NULL,
    PRIMARY KEY (topic, source_partition)
) STRICT, WITHOUT ROWID;

-- The last number given to an entry of an account: they run from 1 without holes, which shows whoever has some of them
-- whether these are all.
CREATE TABLE account_counters (
    account BLOB    NOT NULL PRIMARY KEY,
    n       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The hashes of the tree in tiles of at most 256 (C2SP tlog-tiles). The last tile of a level grows, the others are full.
CREATE TABLE tiles (
    level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 7),
    idx   INTEGER NOT NULL CHECK (idx >= 0),
    data  BLOB    NOT NULL CHECK (length(data) BETWEEN 32 AND 8192 AND length(data) % 32 = 0),
    PRIMARY KEY (level, idx)
) STRICT;

-- What was signed: a note over size and root. `at`: when, in milliseconds.
CREATE TABLE checkpoints (
    size INTEGER PRIMARY KEY CHECK (size >= 0),
    root BLOB    NOT NULL CHECK (length(root) = 32),
    note TEXT    NOT NULL,
    at   INTEGER NOT NULL
) STRICT;

-- Signature lines of witnesses under checkpoints. `at`: the time in the line, in seconds.
CREATE TABLE cosignatures (
    size    INTEGER NOT NULL,
    witness TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    line    TEXT    NOT NULL,
    PRIMARY KEY (size, witness, at)
) STRICT, WITHOUT ROWID;

-- Receipts that wait to be published; no part of the history. The numbers have no holes.
CREATE TABLE receipts (
    number           INTEGER PRIMARY KEY,
    topic            INTEGER NOT NULL,
    source_partition INTEGER NOT NULL,
    first_offset     INTEGER NOT NULL,
    last_offset      INTEGER NOT NULL,
    first_leaf       INTEGER NOT NULL,
    last_leaf        INTEGER NOT NULL,
    records          INTEGER NOT NULL,
    tree_size        INTEGER NOT NULL,
    root             BLOB    NOT NULL,
    appended_at      INTEGER NOT NULL
) STRICT;

-- The last receipt known to be published.
CREATE TABLE relay (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    published INTEGER NOT NULL
) STRICT;
INSERT INTO relay VALUES (1, 0);

-- REPLACE deletes what is in its way, by any unique key, without asking a DELETE trigger unless `recursive_triggers` is
-- on. So nothing that is in the way gets as far as that: the next number and a new place, or no insert.
CREATE TRIGGER entries_insert BEFORE INSERT ON entries BEGIN
    SELECT raise(ABORT, 'the history is append-only: the next entry has the next number')
        WHERE NEW.seq IS NOT (SELECT coalesce(max(seq) + 1, 0) FROM entries);
    SELECT raise(ABORT, 'the history is append-only: this record stands in it already')
        WHERE EXISTS (SELECT 1 FROM entries WHERE topic = NEW.topic
            AND source_partition = NEW.source_partition AND source_offset = NEW.source_offset);
END;
CREATE TRIGGER bodies_insert BEFORE INSERT ON bodies BEGIN
    SELECT raise(ABORT, 'the history is append-only: the next body has the next number')
        WHERE NEW.seq IS NOT (SELECT coalesce(max(seq) + 1, 0) FROM bodies);
END;
CREATE TRIGGER topics_insert BEFORE INSERT ON topics BEGIN
    SELECT raise(ABORT, 'the history is append-only: this topic stands in it already')
        WHERE EXISTS (SELECT 1 FROM topics WHERE id = NEW.id OR name = NEW.name);
END;
CREATE TRIGGER head_insert BEFORE INSERT ON head BEGIN
    SELECT raise(ABORT, 'the history is append-only: there is one head');
END;

CREATE TRIGGER entries_update BEFORE UPDATE ON entries BEGIN
    SELECT raise(ABORT, 'the history is append-only: UPDATE of entries is refused');
END;
CREATE TRIGGER entries_delete BEFORE DELETE ON entries BEGIN
    SELECT raise(ABORT, 'the history is append-only: DELETE of entries is refused');
END;
CREATE TRIGGER bodies_update BEFORE UPDATE ON bodies BEGIN
    SELECT raise(ABORT, 'the history is append-only: UPDATE of bodies is refused');
END;
CREATE TRIGGER bodies_delete BEFORE DELETE ON bodies BEGIN
    SELECT raise(ABORT, 'the history is append-only: DELETE of bodies is refused');
END;
CREATE TRIGGER topics_update BEFORE UPDATE ON topics BEGIN
    SELECT raise(ABORT, 'the history is append-only: UPDATE of topics is refused');
END;
CREATE TRIGGER topics_delete BEFORE DELETE ON topics BEGIN
    SELECT raise(ABORT, 'the history is append-only: DELETE of topics is refused');
END;

-- The head never falls, never gets another root at the same size, and is never ahead of or behind the entries and
-- their tiles.
CREATE TRIGGER head_update BEFORE UPDATE ON head BEGIN
    SELECT raise(ABORT, 'the history is append-only: this head does not follow the one before')
        WHERE NEW.id IS NOT OLD.id OR NEW.size < OLD.size OR NEW.at < OLD.at OR NEW.receipts < OLD.receipts
            OR (NEW.size = OLD.size AND (NEW.root <> OLD.root OR NEW.subtrees <> OLD.subtrees))
            OR NEW.size <> (SELECT coalesce(max(seq) + 1, 0) FROM entries)
            OR NEW.size <> (SELECT coalesce(max(seq) + 1, 0) FROM bodies)
            OR NEW.size <> coalesce((SELECT idx * 256 + length(data) / 32 FROM tiles WHERE level = 0
                ORDER BY idx DESC LIMIT 1), 0);
END;
CREATE TRIGGER head_delete BEFORE DELETE ON head BEGIN
    SELECT raise(ABORT, 'the history is append-only: DELETE of head is refused');
END;

-- Offsets and counters are written by upsert; REPLACE would be one more way back.
CREATE TRIGGER source_offsets_insert BEFORE INSERT ON source_offsets BEGIN
    SELECT raise(ABORT, 'the history is append-only: source_offsets does not go back')
        WHERE EXISTS (SELECT 1 FROM source_offsets WHERE topic = NEW.topic
            AND source_partition = NEW.source_partition AND next > NEW.next);
END;
CREATE TRIGGER source_offsets_update BEFORE UPDATE ON source_offsets BEGIN
    SELECT raise(ABORT, 'the history is append-only: source_offsets does not go back')
        WHERE NEW.next < OLD.next OR NEW.topic <> OLD.topic OR NEW.source_partition <> OLD.source_partition;
END;
CREATE TRIGGER source_offsets_delete BEFORE DELETE ON source_offsets BEGIN
    SELECT raise(ABORT, 'the history is append-only: DELETE of source_offsets is refused');
END;
CREATE TRIGGER account_counters_insert BEFORE INSERT ON account_counters BEGIN
    SELECT raise(ABORT, 'the history is append-only: account_counters does not go back')
        WHERE EXISTS (SELECT 1 FROM account_counters WHERE account = NEW.account AND n > NEW.n);
END;
CREATE TRIGGER account_counters_update BEFORE UPDATE ON account_counters BEGIN
    SELECT raise(ABORT, 'the history is append-only: account_counters does not go back')
        WHERE NEW.n < OLD.n OR NEW.account <> OLD.account;
END;
CREATE TRIGGER account_counters_delete BEFORE DELETE ON account_counters BEGIN
    SELECT raise(ABORT, 'the history is append-only: DELETE of account_counters is refused');
END;

-- A tile only grows: what it had stays at its beginning, and the next one begins when it is full.
CREATE TRIGGER tiles_insert BEFORE INSERT ON tiles BEGIN
    SELECT raise(ABORT, 'the history is append-only: a tile keeps what it had')
        WHERE EXISTS (SELECT 1 FROM tiles WHERE level = NEW.level AND idx = NEW.idx
            AND substr(NEW.data, 1, length(data)) IS NOT data);
    SELECT raise(ABORT, 'the history is append-only: a tile follows a full one')
        WHERE NEW.idx > 0 AND NOT EXISTS (SELECT 1 FROM tiles WHERE level = NEW.level AND idx = NEW.idx - 1
            AND length(data) = 8192);
END;
CREATE TRIGGER tiles_update BEFORE UPDATE ON tiles BEGIN
    SELECT raise(ABORT, 'the history is append-only: a tile keeps what it had')
        WHERE NEW.level <> OLD.level OR NEW.idx <> OLD.idx
            OR substr(NEW.data, 1, length(OLD.data)) IS NOT OLD.data;
END;
CREATE TRIGGER tiles_delete BEFORE DELETE ON tiles BEGIN
    SELECT raise(ABORT, 'the history is append-only: DELETE of tiles is refused');
END;

-- A checkpoint follows the one before, and never runs ahead of the entries.
CREATE TRIGGER checkpoints_insert BEFORE INSERT ON checkpoints BEGIN
    SELECT raise(ABORT, 'the history is append-only: this checkpoint does not follow the one before')
        WHERE NEW.size <= (SELECT coalesce(max(size), -1) FROM checkpoints);
    SELECT raise(ABORT, 'the history is append-only: this checkpoint is not of these entries')
        WHERE EXISTS (SELECT 1 FROM head WHERE NEW.size > size OR (NEW.size = size AND NEW.root <> root));
END;
CREATE TRIGGER checkpoints_update BEFORE UPDATE ON checkpoints BEGIN
    SELECT raise(ABORT, 'the history is append-only: UPDATE of checkpoints is refused');
END;
CREATE TRIGGER checkpoints_delete BEFORE DELETE ON checkpoints BEGIN
    SELECT raise(ABORT, 'the history is append-only: DELETE of checkpoints is refused');
END;
CREATE TRIGGER cosignatures_insert BEFORE INSERT ON cosignatures BEGIN
    SELECT raise(ABORT, 'the history is append-only: there is no such checkpoint, or this cosignature stands already')
        WHERE NOT EXISTS (SELECT 1 FROM checkpoints WHERE size = NEW.size) OR EXISTS (SELECT 1 FROM cosignatures
            WHERE size = NEW.size AND witness = NEW.witness AND at = NEW.at);
END;
CREATE TRIGGER cosignatures_update BEFORE UPDATE ON cosignatures BEGIN
    SELECT raise(ABORT, 'the history is append-only: UPDATE of cosignatures is refused');
END;
CREATE TRIGGER cosignatures_delete BEFORE DELETE ON cosignatures BEGIN
    SELECT raise(ABORT, 'the history is append-only: DELETE of cosignatures is refused');
END;
