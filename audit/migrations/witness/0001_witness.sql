-- What a witness keeps: whose logs it watches, and the newest tree of each that it has cosigned.

CREATE TABLE witness (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL
) STRICT;

-- Verifier keys of the logs. A log may have several.
CREATE TABLE keys (
    origin TEXT NOT NULL,
    vkey   TEXT NOT NULL,
    PRIMARY KEY (origin, vkey)
) STRICT, WITHOUT ROWID;

-- `note`: the checkpoint with the log's signature and ours.
CREATE TABLE heads (
    origin TEXT    PRIMARY KEY,
    size   INTEGER NOT NULL CHECK (size >= 0),
    root   BLOB    NOT NULL CHECK (length(root) = 32),
    note   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- A mistake of the program must not make it sign two trees.
CREATE TRIGGER heads_insert BEFORE INSERT ON heads WHEN EXISTS (SELECT 1 FROM heads WHERE origin = NEW.origin) BEGIN
    SELECT raise(ABORT, 'a witness does not go back: this log has a head already');
END;
CREATE TRIGGER heads_update BEFORE UPDATE ON heads WHEN NEW.origin <> OLD.origin OR NEW.size < OLD.size
    OR (NEW.size = OLD.size AND NEW.root <> OLD.root) BEGIN
    SELECT raise(ABORT, 'a witness does not go back: it has cosigned another head of this log');
END;
CREATE TRIGGER heads_delete BEFORE DELETE ON heads BEGIN
    SELECT raise(ABORT, 'a witness does not go back: it has cosigned this head');
END;
