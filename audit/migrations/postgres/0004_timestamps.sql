SET LOCAL idtrail.migrating = 'on';

-- Time-stamp tokens (RFC 3161) over checkpoints. `at`: the time in the token, in milliseconds; `note`: the checkpoint as it
-- was stamped, with the cosignatures that it had then; `token`: the authority's reply as it came.
CREATE TABLE timestamps (
    size  BIGINT NOT NULL REFERENCES checkpoints,
    at    BIGINT NOT NULL,
    note  TEXT   NOT NULL,
    token BYTEA  NOT NULL,
    PRIMARY KEY (size, at)
);
CREATE INDEX timestamps_at ON timestamps (at);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON timestamps FOR EACH ROW EXECUTE FUNCTION refuse_change();
ALTER TABLE timestamps ENABLE ALWAYS TRIGGER append_only;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON timestamps FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE timestamps ENABLE ALWAYS TRIGGER no_truncate;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_writer') THEN
        GRANT SELECT, INSERT ON timestamps TO audit_writer;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_reader') THEN
        GRANT SELECT ON timestamps TO audit_reader;
    END IF;
END $$;
