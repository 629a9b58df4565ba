-- The newest checkpoint that each log has signed. It stands outside the history, so that no older copy of the history
-- signs another one at the same size.
CREATE TABLE heads (
    origin TEXT    NOT NULL PRIMARY KEY,
    size   INTEGER NOT NULL CHECK (size >= 0),
    note   TEXT    NOT NULL
) STRICT;

CREATE TRIGGER heads_insert BEFORE INSERT ON heads BEGIN
    SELECT raise(ABORT, 'a head does not go back') WHERE EXISTS (SELECT 1 FROM heads WHERE origin = NEW.origin);
END;
CREATE TRIGGER heads_update BEFORE UPDATE ON heads BEGIN
    SELECT raise(ABORT, 'a head does not go back') WHERE NEW.origin <> OLD.origin OR NEW.size <= OLD.size;
END;
CREATE TRIGGER heads_delete BEFORE DELETE ON heads BEGIN
    SELECT raise(ABORT, 'a head does not go back');
END;
