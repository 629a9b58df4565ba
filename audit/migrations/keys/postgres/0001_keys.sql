-- Everything here may be erased, and nothing here is named in clear: `blind` is a keyed hash of a name, its key derived
-- from the key-encryption key. `kind` says what it is a name of.

-- Key-encryption keys that data keys were sealed with, by their ids.
CREATE TABLE key_encryption_keys (
    id BYTEA PRIMARY KEY CHECK (length(id) = 8)
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
        GRANT SELECT, INSERT ON key_encryption_keys, handles, data_keys, aliases TO audit_writer;
        GRANT SELECT ON _sqlx_migrations TO audit_writer;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_reader') THEN
        GRANT SELECT ON key_encryption_keys, handles, data_keys, aliases, _sqlx_migrations TO audit_reader;
    END IF;
END $$;
