-- That somebody looked, noted before the answer was given, until it stands in the log.
CREATE TABLE looks (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    body   BYTEA NOT NULL
);

-- Who may look may note that, and can take no note back.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_writer') THEN
        GRANT SELECT, INSERT, DELETE ON looks TO audit_writer;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_reader') THEN
        GRANT SELECT, INSERT ON looks TO audit_reader;
    END IF;
END $$;
