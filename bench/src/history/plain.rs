//! Plain COPY of the rows that the service has written, into tables with the same indexes: what the service is held against.

use std::{
    ops::Range,
    path::Path,
    time::{Duration, Instant},
};

use futures::TryStreamExt as _;
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool,
    postgres::PgPoolCopyExt as _, query_as,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpStream, UnixListener},
    task::JoinSet,
};

use super::place::{Place, pool};

/// Signature, flags and extension of the binary format; its end mark has two bytes.
const HEAD: usize = 19;
const END: usize = 2;
/// Tables of the key database.
const KEYS: [&str; 3] = ["handles", "data_keys", "aliases"];

/// Rows as they were copied out.
pub(crate) struct Rows {
    table: &'static str,
    head: Vec<u8>,
    /// Where each row begins and ends.
    ranges: Vec<Range<usize>>,
    bytes: Vec<u8>,
}

/// A table, and bytes of some of its rows in the form of COPY.
type Part<'a> = (&'a str, Vec<u8>);

impl Rows {
    /// How many.
    pub(crate) fn count(&self) -> usize {
        self.ranges.len()
    }

    /// One of so many equal parts, as COPY takes it.
    fn part(&self, part: usize, parts: usize) -> Vec<u8> {
        let at = |part: usize| self.count() * part / parts;
        let rows = &self.ranges[at(part)..at(part + 1)];
        let mut bytes = self.head.clone();
        if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
            bytes.extend_from_slice(&self.bytes[first.start..last.end]);
        }
        bytes.extend_from_slice(&(-1_i16).to_be_bytes());
        bytes
    }
}

/// The tables that are copied into, and how far the service's were copied out.
pub(crate) struct Plain {
    connections: [PgConnection; 2],
    seq: i64,
    /// The last row of each table of keys, by its place in the table.
    last: [String; 3],
    _proxies: JoinSet<()>,
}

impl Plain {
    /// Empty tables with the indexes and rules of those of the service, and no triggers.
    pub(crate) async fn new(place: &Place, folder: &Path) -> Self {
        for (database, tables) in [
            (&place.history, &["entries", "bodies"][..]),
            (&place.keys, &KEYS[..]),
        ] {
            let pool = pool(database);
            pool.execute("CREATE SCHEMA plain").await.unwrap();
            for table in tables {
                let sql = format!("CREATE TABLE plain.{table} (LIKE public.{table} INCLUDING ALL)");
                pool.execute(AssertSqlSafe(sql)).await.unwrap();
            }
        }
        let mut proxies = JoinSet::new();
        let history = connect(
            pool(&place.history),
            &folder.join("way-history"),
            &mut proxies,
        )
        .await;
        let keys = connect(pool(&place.keys), &folder.join("way-keys"), &mut proxies).await;
        Self {
            connections: [history, keys],
            seq: 0,
            last: std::array::from_fn(|_| "(0,0)".to_owned()),
            _proxies: proxies,
        }
    }

    /// Copies out what was added since: the rows of the history, and those of the keys.
    pub(crate) async fn out(&mut self, place: &Place) -> [Vec<Rows>; 2] {
        let (history, keys) = (pool(&place.history), pool(&place.keys));
        let (size,): (i64,) = query_as("SELECT size FROM head")
            .fetch_one(history)
            .await
            .unwrap();
        let mut rows = [Vec::new(), Vec::new()];
        for table in ["entries", "bodies"] {
            let seq = self.seq;
            let what =
                format!("SELECT * FROM {table} WHERE seq >= {seq} AND seq < {size} ORDER BY seq");
            rows[0].push(out(history, table, &what).await);
        }
        self.seq = size;
        for (table, last) in KEYS.into_iter().zip(&mut self.last) {
            let newest = format!("SELECT coalesce(max(ctid), '(0,0)')::text FROM {table}");
            let (newest,): (String,) = query_as(AssertSqlSafe(newest))
                .fetch_one(keys)
                .await
                .unwrap();
            let what =
                format!("SELECT * FROM {table} WHERE ctid > '{last}' AND ctid <= '{newest}'");
            rows[1].push(out(keys, table, &what).await);
            *last = newest;
        }
        rows
    }

    /// Copies them in, in so many transactions; how long that took. As the service does, keys are committed first.
    pub(crate) async fn into(&mut self, rows: &[Vec<Rows>], transactions: usize) -> Duration {
        let databases = rows.iter().zip(&mut self.connections).rev();
        let mut databases: Vec<_> = databases.collect();
        // What is sent is made before: only the copying is measured.
        let parts: Vec<Vec<Vec<Part<'_>>>> = (0..transactions)
            .map(|part| {
                let of = |rows: &[Rows]| {
                    rows.iter()
                        .map(|one| (one.table, one.part(part, transactions)))
                        .collect()
                };
                databases.iter().map(|(rows, _)| of(rows)).collect()
            })
            .collect();
        let begun = Instant::now();
        for part in parts {
            for ((_, connection), tables) in databases.iter_mut().zip(part) {
                let mut writing = connection.begin().await.unwrap();
                for (table, bytes) in tables {
                    let sql = format!("COPY plain.{table} FROM STDIN (FORMAT binary)");
                    let mut copying = writing.copy_in_raw(&sql).await.unwrap();
                    copying.send(bytes).await.unwrap();
                    copying.finish().await.unwrap();
                }
                writing.commit().await.unwrap();
            }
        }
        begun.elapsed()
    }
}

async fn out(pool: &PgPool, table: &'static str, what: &str) -> Rows {
    let sql = format!("COPY ({what}) TO STDOUT (FORMAT binary)");
    let chunks = pool.copy_out_raw(&sql).await.unwrap();
    let bytes: Vec<u8> = chunks
        .try_fold(Vec::new(), async |mut bytes, chunk| {
            bytes.extend_from_slice(&chunk);
            Ok(bytes)
        })
        .await
        .unwrap();
    let mut ranges = Vec::new();
    let mut at = HEAD;
    while at + END < bytes.len() {
        let begin = at;
        let fields = u16::from_be_bytes(bytes[at..at + 2].try_into().unwrap());
        at += 2;
        for _ in 0..fields {
            let length = i32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
            at += 4 + usize::try_from(length).unwrap_or(0);
        }
        ranges.push(begin..at);
    }
    Rows {
        table,
        head: bytes[..HEAD].to_vec(),
        ranges,
        bytes,
    }
}

/// A connection without Nagle's algorithm, as the service has: sqlx leaves it on.
async fn connect(pool: &PgPool, folder: &Path, proxies: &mut JoinSet<()>) -> PgConnection {
    let options = pool.connect_options();
    let server = (options.get_host().to_owned(), options.get_port());
    std::fs::create_dir(folder).unwrap();
    let listener = UnixListener::bind(folder.join(format!(".s.PGSQL.{}", server.1))).unwrap();
    proxies.spawn(async move {
        let (mut inside, _) = listener.accept().await.unwrap();
        let mut outside = TcpStream::connect(server).await.unwrap();
        outside.set_nodelay(true).unwrap();
        let _ended = copy_bidirectional(&mut inside, &mut outside).await;
    });
    let options = options.as_ref().clone().socket(folder);
    PgConnection::connect_with(&options).await.unwrap()
}
