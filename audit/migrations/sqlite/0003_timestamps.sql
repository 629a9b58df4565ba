-- Time-stamp tokens (RFC 3161) over checkpoints. `at`: the time in the token, in milliseconds; `note`: the checkpoint as it
-- was stamped, with the cosignatures that it had then; `token`: the authority's reply as it came.
CREATE TABLE timestamps (
    size  INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    note  TEXT    NOT NULL,
    token BLOB    NOT NULL,
    PRIMARY KEY (size, at)
) STRICT;
CREATE INDEX timestamps_at ON timestamps (at);

CREATE TRIGGER timestamps_insert BEFORE INSERT ON timestamps BEGIN
    SELECT raise(ABORT, 'the history is append-only: there is no such checkpoint, or this time stamp stands already')
        WHERE NOT EXISTS (SELECT 1 FROM checkpoints WHERE size = NEW.size)
            OR EXISTS (SELECT 1 FROM timestamps WHERE size = NEW.size AND at = NEW.at);
END;
CREATE TRIGGER timestamps_update BEFORE UPDATE ON timestamps BEGIN
    SELECT raise(ABORT, 'the history is append-only: UPDATE of timestamps is refused');
END;
CREATE TRIGGER timestamps_delete BEFORE DELETE ON timestamps BEGIN
    SELECT raise(ABORT, 'the history is append-only: DELETE of timestamps is refused');
END;
