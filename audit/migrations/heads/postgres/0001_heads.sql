-- The newest checkpoint that each log has signed. It stands outside the history, so that no older copy of the history
-- signs another one at the same size.
CREATE TABLE heads (
    origin TEXT COLLATE "C" PRIMARY KEY,
    size   BIGINT NOT NULL CHECK (size >= 0),
    note   TEXT   NOT NULL
);

CREATE FUNCTION refuse_return() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a head does not go back' USING ERRCODE = 'integrity_constraint_violation';
END $$;

-- ALWAYS: `session_replication_role = replica` does not switch them off.
CREATE TRIGGER guard BEFORE UPDATE ON heads FOR EACH ROW
    WHEN (NEW.origin <> OLD.origin OR NEW.size <= OLD.size) EXECUTE FUNCTION refuse_return();
ALTER TABLE heads ENABLE ALWAYS TRIGGER guard;
CREATE TRIGGER no_delete BEFORE DELETE ON heads FOR EACH ROW EXECUTE FUNCTION refuse_return();
ALTER TABLE heads ENABLE ALWAYS TRIGGER no_delete;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON heads FOR EACH STATEMENT EXECUTE FUNCTION refuse_return();
ALTER TABLE heads ENABLE ALWAYS TRIGGER no_truncate;
