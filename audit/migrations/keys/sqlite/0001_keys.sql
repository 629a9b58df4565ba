-- Everything here may be erased, and nothing here is named in clear: `blind` is a keyed hash of a name, its key derived
-- from the key-encryption key. `kind` says what it is a name of.

-- Key-encryption keys that data keys were sealed with, by their ids.
CREATE TABLE key_encryption_keys (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 8)
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
