-- That somebody looked, noted before the answer was given, until it stands in the log.
CREATE TABLE looks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    body   BLOB NOT NULL
) STRICT;
