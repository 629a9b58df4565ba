//! The statements that must be refused, as data. Each touches one row, so that one that goes through costs nothing.

/// A table that only grows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Finds one row.
    row: &'static str,
    /// Changes it as it must not be changed.
    change: &'static str,
    /// The columns of the row changed so, for REPLACE.
    replaced: &'static str,
    /// A row for a table that is empty: triggers of rows say nothing where there is none.
    probe: &'static str,
}

/// The tables of one database, and the functions of their triggers on PostgreSQL.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tables {
    pub(super) tables: &'static [Table],
    functions: &'static [&'static str],
}

/// A statement to try.
#[derive(Clone, Debug)]
pub(super) struct Try {
    pub(super) of: &'static str,
    pub(super) words: &'static str,
    pub(super) sql: String,
    /// Whether it must touch a row to be more than words.
    pub(super) rows: bool,
}

/// The words of a kind of database for values that both have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialect {
    /// 32 zero bytes, as no hash is and no probe has.
    zeros: &'static str,
    /// 32 other bytes.
    ones: &'static str,
    /// A UUID.
    uuid: &'static str,
}

pub(super) const SQLITE: Dialect = Dialect {
    zeros: "zeroblob(32)",
    ones: "CAST('11111111111111111111111111111111' AS BLOB)",
    uuid: "zeroblob(16)",
};
pub(super) const POSTGRES: Dialect = Dialect {
    zeros: "decode(repeat('00', 32), 'hex')",
    ones: "decode(repeat('31', 32), 'hex')",
    uuid: "'00000000-0000-0000-0000-000000000000'::uuid",
};

/// The history. In an order in which a probe finds the rows that it needs.
pub(super) const HISTORY: Tables = Tables {
    tables: &[
        Table {
            name: "topics",
            row: "id = (SELECT min(id) FROM topics)",
            change: "name = name || '?'",
            replaced: "id, name || '?'",
            probe: "0, 'a probe'",
        },
        Table {
            name: "entries",
            row: "seq = (SELECT min(seq) FROM entries)",
            change: "at = at - 1",
            replaced: "seq, topic, source_partition, source_offset, at - 1, leaf_hash, leaf",
            probe: "0, 0, 0, 0, 0, ONES, ONES",
        },
        Table {
            name: "bodies",
            row: "seq = (SELECT min(seq) FROM bodies)",
            change: "sealed = ZEROS",
            replaced: "seq, subject, check_handle, ZEROS",
            probe: "0, UUID, UUID, ONES",
        },
        Table {
            name: "head",
            row: "id = 1",
            change: "size = size - 1",
            replaced: "id, size - 1, root, subtrees, at, receipts",
            // It always has its row, and whoever appends may not insert another.
            probe: "",
        },
        Table {
            name: "source_offsets",
            row: "(topic, source_partition) = (SELECT topic, source_partition FROM source_offsets LIMIT 1)",
            change: "next = next - 1",
            replaced: "topic, source_partition, next - 1",
            probe: "0, 0, 1",
        },
        Table {
            name: "account_counters",
            row: "account = (SELECT account FROM account_counters LIMIT 1)",
            change: "n = n - 1",
            replaced: "account, n - 1",
            probe: "UUID, 1",
        },
        Table {
            name: "tiles",
            row: "(level, idx) = (SELECT level, idx FROM tiles ORDER BY level, idx LIMIT 1)",
            change: "data = ZEROS",
            replaced: "level, idx, ZEROS",
            probe: "0, 0, ONES",
        },
        Table {
            name: "checkpoints",
            row: "size = (SELECT min(size) FROM checkpoints)",
            change: "note = ''",
            replaced: "size, root, '', at",
            probe: "0, (SELECT root FROM head), 'a probe', 0",
        },
        Table {
            name: "cosignatures",
            row: "(size, witness, at) = (SELECT size, witness, at FROM cosignatures LIMIT 1)",
            change: "line = ''",
            replaced: "size, witness, at, ''",
            probe: "(SELECT max(size) FROM checkpoints), 'a probe', 0, 'a probe'",
        },
        Table {
            name: "statements",
            row: "day = (SELECT min(day) FROM statements)",
            change: "note = ''",
            replaced: "day, size, ''",
            probe: "'a probe', (SELECT max(size) FROM checkpoints), 'a probe'",
        },
        Table {
            name: "timestamps",
            row: "(size, at) = (SELECT size, at FROM timestamps LIMIT 1)",
            change: "token = ZEROS",
            replaced: "size, at, note, ZEROS",
            probe: "(SELECT max(size) FROM checkpoints), 0, 'a probe', ONES",
        },
    ],
    functions: &[
        "refuse_change()",
        "refuse_fall()",
        "guard_head()",
        "guard_tile()",
        "guard_checkpoint()",
    ],
};

/// The head store.
pub(super) const HEADS: Tables = Tables {
    tables: &[Table {
        name: "heads",
        row: "origin = (SELECT min(origin) FROM heads)",
        change: "note = ''",
        replaced: "origin, size, ''",
        probe: "'a probe', 1, 'a probe'",
    }],
    functions: &["refuse_return()"],
};

impl Dialect {
    fn speak(self, sql: &str) -> String {
        sql.replace("ZEROS", self.zeros)
            .replace("ONES", self.ones)
            .replace("UUID", self.uuid)
    }

    /// The statements that give each empty table a row.
    pub(super) fn probes(self, tables: &Tables) -> Vec<String> {
        let probe = |table: &Table| {
            let (name, probe) = (table.name, self.speak(table.probe));
            format!("INSERT INTO {name} SELECT {probe} WHERE NOT EXISTS (SELECT 1 FROM {name})")
        };
        let may_be_empty = |table: &&Table| !table.probe.is_empty();
        tables
            .tables
            .iter()
            .filter(may_be_empty)
            .map(probe)
            .collect()
    }

    fn rows(self, table: &Table) -> Vec<Try> {
        let (name, row, change) = (table.name, table.row, self.speak(table.change));
        let of = |words, sql| Try {
            of: name,
            words,
            sql,
            rows: true,
        };
        vec![
            of("UPDATE", format!("UPDATE {name} SET {change} WHERE {row}")),
            of("DELETE", format!("DELETE FROM {name} WHERE {row}")),
        ]
    }
}

/// What SQLite must refuse. Dropping tables and triggers it cannot: that is the right of whoever may write the file.
pub(super) fn for_sqlite(tables: &Tables) -> Vec<Try> {
    let mut all = Vec::new();
    for table in tables.tables {
        all.extend(SQLITE.rows(table));
        let (name, row, replaced) = (table.name, table.row, SQLITE.speak(table.replaced));
        for (words, verb) in [
            ("REPLACE", "REPLACE"),
            ("INSERT OR REPLACE", "INSERT OR REPLACE"),
            ("UPDATE OR REPLACE", ""),
        ] {
            let change = SQLITE.speak(table.change);
            let sql = match verb {
                "" => format!("UPDATE OR REPLACE {name} SET {change} WHERE {row}"),
                verb => format!("{verb} INTO {name} SELECT {replaced} FROM {name} WHERE {row}"),
            };
            all.push(Try {
                of: name,
                words,
                sql,
                rows: true,
            });
        }
    }
    all
}

/// What PostgreSQL must refuse.
pub(super) fn for_postgres(tables: &Tables) -> Vec<Try> {
    let mut all = Vec::new();
    for table in tables.tables {
        let rows = POSTGRES.rows(table);
        for one in &rows {
            // `ENABLE ALWAYS` is what holds here, where the setting may be made at all.
            let sql = format!("SET session_replication_role = replica; {}", one.sql);
            let words = match one.words {
                "UPDATE" => "UPDATE as a replica",
                _ => "DELETE as a replica",
            };
            all.push(Try {
                words,
                sql,
                ..one.clone()
            });
        }
        all.extend(rows);
        all.extend(definitions(table.name));
    }
    for function in tables.functions {
        all.push(Try {
            of: function,
            words: "CREATE OR REPLACE FUNCTION",
            sql: format!(
                "CREATE OR REPLACE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
            ),
            rows: false,
        });
    }
    all
}

/// What takes a table's guards away, or the table.
fn definitions(name: &'static str) -> Vec<Try> {
    let of = |words, sql| Try {
        of: name,
        words,
        sql,
        rows: false,
    };
    vec![
        of("TRUNCATE", format!("TRUNCATE {name} CASCADE")),
        of(
            "DISABLE TRIGGER",
            format!("ALTER TABLE {name} DISABLE TRIGGER USER"),
        ),
        of(
            "ALTER TRIGGER",
            format!("ALTER TRIGGER no_truncate ON {name} RENAME TO doctor"),
        ),
        of(
            "DROP TRIGGER",
            format!("DROP TRIGGER no_truncate ON {name}"),
        ),
        of(
            "ADD COLUMN",
            format!("ALTER TABLE {name} ADD COLUMN doctor INTEGER"),
        ),
        of(
            "RENAME TABLE",
            format!("ALTER TABLE {name} RENAME TO doctor"),
        ),
        of("DROP TABLE", format!("DROP TABLE {name} CASCADE")),
    ]
}
