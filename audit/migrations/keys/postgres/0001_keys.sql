-- Everything here may be erased, and nothing here is named in clear: `blind` is a keyed hash of a name, its key derived
-- from the key-encryption key. `kind` says what it is a name of.

-- Key-encryption keys that data keys are sealed with, by their ids: one, and during a rotation two. `sealed_index` is the
-- secret behind `blind`, sealed with the key; the first key has none, for there the secret is derived from it.
CREATE TABLE key_encryption_keys (
    id           BYTEA PRIMARY KEY CHECK (length(id) = 8),
    sealed_index BYTEA
);

-- Random handles, which are all that the history knows: of clients, of checks, of accounts that entries are counted for.
CREATE TABLE handles (
    blind  BYTEA    PRIMARY KEY CHECK (length(blind) = 16),
    kind   SMALLINT NOT NULL,
    handle UUID     NOT NULL
);

-- The data key of a client, sealed. Without it no body of the client can be opened again.
CREATE TABLE data_keys (
    subject UUID  PRIMARY KEY,
    kek     BYTEA NOT NULL,
    sealed  BYTEA NOT NULL
);

-- By what a check is found: accounts, contacts, references, ids of events.
CREATE TABLE aliases (
    blind        BYTEA    NOT NULL CHECK (length(blind) = 16),
    check_handle UUID     NOT NULL,
    kind         SMALLINT NOT NULL,
    PRIMARY KEY (blind, check_handle)
);

-- Whoever still holds a key-encryption key that was rotated away can add nothing under it.
CREATE FUNCTION key_must_be_in_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added WHERE kek NOT IN (SELECT id FROM key_encryption_keys)) THEN
        RAISE EXCEPTION 'the key-encryption key is not in use';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER data_keys_in_use AFTER INSERT ON data_keys
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION key_must_be_in_use();
ALTER TABLE data_keys ENABLE ALWAYS TRIGGER data_keys_in_use;

-- What the law says of clients. Who is not named here is active.
CREATE TABLE subjects (
    subject    UUID PRIMARY KEY,
    state      TEXT NOT NULL CHECK (state IN ('held', 'destroying', 'destroyed')),
    held_until BIGINT CHECK ((held_until IS NULL) = (state <> 'held')),
    erasure    UUID
);

-- Requests to erase an account. Two people, whoever writes here.
CREATE TABLE erasures (
    id           UUID   PRIMARY KEY,
    account      BYTEA  NOT NULL CHECK (length(account) = 16),
    state        TEXT   NOT NULL CHECK (state IN ('requested', 'approved', 'destroying', 'destroyed', 'refused')),
    reason       TEXT   NOT NULL,
    requester    TEXT   NOT NULL,
    requested_at BIGINT NOT NULL,
    approver     TEXT CHECK (lower(trim(approver)) <> lower(trim(requester))),
    approved_at  BIGINT,
    entry        BIGINT,
    effective_by BIGINT,
    destroyed_at BIGINT,
    why          TEXT,
    CHECK (state IN ('requested', 'refused') OR approver IS NOT NULL)
);

-- The names of erased accounts, blinded, so that it can be said that they were erased.
CREATE TABLE erased (
    blind   BYTEA NOT NULL CHECK (length(blind) = 16),
    erasure UUID  NOT NULL,
    PRIMARY KEY (blind, erasure)
);

-- When the relationship with an account ended; `noted_at` is when that was said.
CREATE TABLE relationships (
    account  BYTEA  PRIMARY KEY CHECK (length(account) = 16),
    ended_at BIGINT NOT NULL,
    noted_at BIGINT NOT NULL
);

-- What is still to be told in the log, in this order.
CREATE TABLE notes (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind   TEXT  NOT NULL CHECK (kind IN ('hold', 'key')),
    body   BYTEA NOT NULL
);

-- As in the history: the service connects as a member of audit_writer.
DO $$
DECLARE
    wanted TEXT;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['audit_writer', 'audit_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION
                WHEN insufficient_privilege THEN
                    RAISE NOTICE 'the role % is missing and may not be created here: nothing is granted to it', wanted;
                WHEN duplicate_object OR unique_violation THEN
                    NULL; -- somebody else was faster
            END;
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_writer') THEN
        GRANT SELECT, INSERT, DELETE ON key_encryption_keys, handles, data_keys, aliases TO audit_writer;
        GRANT UPDATE ON data_keys TO audit_writer;
        GRANT SELECT, INSERT, UPDATE, DELETE ON subjects, erasures, erased, relationships, notes TO audit_writer;
        GRANT SELECT ON _sqlx_migrations TO audit_writer;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_reader') THEN
        GRANT SELECT ON key_encryption_keys, handles, data_keys, aliases, subjects, erasures, erased, relationships,
            notes, _sqlx_migrations TO audit_reader;
    END IF;
END $$;
