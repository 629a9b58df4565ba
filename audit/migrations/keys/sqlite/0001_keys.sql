-- Everything here may be erased, and nothing here is named in clear: `blind` is a keyed hash of a name, its key derived
-- from the key-encryption key. `kind` says what it is a name of.

-- Key-encryption keys that data keys are sealed with, by their ids: one, and during a rotation two. `sealed_index` is the
-- secret behind `blind`, sealed with the key; the first key has none, for there the secret is derived from it.
CREATE TABLE key_encryption_keys (
    id           BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 8),
    sealed_index BLOB
) STRICT, WITHOUT ROWID;

-- Random handles, which are all that the history knows: of clients, of checks, of accounts that entries are counted for.
CREATE TABLE handles (
    blind  BLOB    NOT NULL PRIMARY KEY CHECK (length(blind) = 16),
    kind   INTEGER NOT NULL,
    handle BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

-- The data key of a client, sealed. Without it no body of the client can be opened again.
CREATE TABLE data_keys (
    subject BLOB NOT NULL PRIMARY KEY,
    kek     BLOB NOT NULL,
    sealed  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- By what a check is found: accounts, contacts, references, ids of events.
CREATE TABLE aliases (
    blind        BLOB    NOT NULL CHECK (length(blind) = 16),
    check_handle BLOB    NOT NULL,
    kind         INTEGER NOT NULL,
    PRIMARY KEY (blind, check_handle)
) STRICT, WITHOUT ROWID;

-- Whoever still holds a key-encryption key that was rotated away can add nothing under it.
CREATE TRIGGER data_keys_in_use BEFORE INSERT ON data_keys
WHEN NOT EXISTS (SELECT 1 FROM key_encryption_keys WHERE id = NEW.kek)
BEGIN SELECT RAISE(ABORT, 'the key-encryption key is not in use'); END;

-- What the law says of clients. Who is not named here is active.
CREATE TABLE subjects (
    subject    BLOB NOT NULL PRIMARY KEY,
    state      TEXT NOT NULL CHECK (state IN ('held', 'destroying', 'destroyed')),
    held_until INTEGER CHECK ((held_until IS NULL) = (state <> 'held')),
    erasure    BLOB
) STRICT, WITHOUT ROWID;

-- Requests to erase an account. Two people, whoever writes here.
CREATE TABLE erasures (
    id           BLOB    NOT NULL PRIMARY KEY,
    account      BLOB    NOT NULL CHECK (length(account) = 16),
    state        TEXT    NOT NULL CHECK (state IN ('requested', 'approved', 'destroying', 'destroyed', 'refused')),
    reason       TEXT    NOT NULL,
    requester    TEXT    NOT NULL,
    requested_at INTEGER NOT NULL,
    approver     TEXT CHECK (lower(trim(approver)) <> lower(trim(requester))),
    approved_at  INTEGER,
    entry        INTEGER,
    effective_by INTEGER,
    destroyed_at INTEGER,
    why          TEXT,
    CHECK (state IN ('requested', 'refused') OR approver IS NOT NULL)
) STRICT, WITHOUT ROWID;

-- The names of erased accounts, blinded, so that it can be said that they were erased.
CREATE TABLE erased (
    blind   BLOB NOT NULL CHECK (length(blind) = 16),
    erasure BLOB NOT NULL,
    PRIMARY KEY (blind, erasure)
) STRICT, WITHOUT ROWID;

-- When the relationship with an account ended; `noted_at` is when that was said.
CREATE TABLE relationships (
    account  BLOB    NOT NULL PRIMARY KEY CHECK (length(account) = 16),
    ended_at INTEGER NOT NULL,
    noted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is still to be told in the log, in this order.
CREATE TABLE notes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind   TEXT NOT NULL CHECK (kind IN ('hold', 'key')),
    body   BLOB NOT NULL
) STRICT;
