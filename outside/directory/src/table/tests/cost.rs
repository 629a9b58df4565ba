//! What a look-up costs; measured on demand.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};

use async_trait::async_trait;

use super::{World, asked, each};
use crate::{
    Asked, Directory, Import, Table,
    excerpt::{Excerpt, Head, Keys},
    store::Store,
};

/// Counts how often the store is asked.
struct Counting(Box<dyn Store>, Arc<AtomicU32>);

impl Counting {
    fn count(&self) -> &dyn Store {
        self.1.fetch_add(1, Ordering::Relaxed);
        &*self.0
    }
}

#[async_trait]
impl Store for Counting {
    async fn schema(&self) -> sqlx::Result<Option<i64>> {
        self.count().schema().await
    }
    async fn migrate(&self) -> sqlx::Result<()> {
        self.count().migrate().await
    }
    async fn head(&self) -> sqlx::Result<Head> {
        self.count().head().await
    }
    async fn all(&self) -> sqlx::Result<Excerpt> {
        self.count().all().await
    }
    async fn some(&self, keys: &Keys<'_>) -> sqlx::Result<Excerpt> {
        self.count().some(keys).await
    }
    async fn addresses(&self, ids: &[&str]) -> sqlx::Result<Vec<(String, String, Option<String>)>> {
        self.count().addresses(ids).await
    }
    async fn replace(&self, import: &Import, version: &str) -> sqlx::Result<bool> {
        self.count().replace(import, version).await
    }
}

fn many(accounts: usize) -> Import {
    let header = "kind,id,email,active,use,number,account,user\n\
        queue,q-sales-fallback,q@example.test,,default_onboarding,,,\n";
    let user = |i| format!("user,u-{i},u{i}@example.test,{},,,,\n", i % 3 > 0);
    let account = |i| {
        let (one, other) = (i % 200, (i + 1) % 200);
        format!(
            "account,001Ax{i:013},,,,A-{i},,\ncontact,003Ax{i:013},,,,,001Ax{i:013},\n\
             owner,,,,,,001Ax{i:013},u-{one}\nowner,,,,,,001Ax{i:013},u-{other}\n"
        )
    };
    let users: String = (0..200).map(user).collect();
    let accounts: String = (0..accounts).map(account).collect();
    let text = format!("{header}{users}{accounts}");
    Import::parse("many.csv", text.as_bytes()).unwrap()
}

fn references(count: usize, accounts: usize) -> Vec<String> {
    let spread = |i: usize| i * 7919 % accounts;
    (0..count)
        .map(|i| format!("A-{}:003Ax{:013}", spread(i), spread(i)))
        .collect()
}

async fn filled(world: &World, accounts: usize) -> Table {
    let table = world.table().await;
    table.import(many(accounts)).await.unwrap();
    table
}

async fn ask(table: &Table, references: &[String]) -> usize {
    let batch: Vec<Asked<'_>> = references
        .iter()
        .map(|reference| asked(reference.as_str(), None))
        .collect();
    let answers = table.find(&batch).await.unwrap();
    answers.into_iter().flatten().count()
}

#[tokio::test]
async fn a_batch_costs_the_same_number_of_queries_whatever_its_size() {
    each(async |world| {
        let mut table = filled(world, 3_000).await;
        let asked = Arc::new(AtomicU32::new(0));
        table.store = Box::new(Counting(table.store, asked.clone()));
        // The first batch reads the table, where it is kept.
        assert_eq!(ask(&table, &references(1, 3_000)).await, 1);
        let expected = if world.kept_rows_max > 0 { 1 } else { 2 };
        for size in [1, 2_000] {
            asked.store(0, Ordering::Relaxed);
            assert_eq!(ask(&table, &references(size, 3_000)).await, size);
            let count = asked.load(Ordering::Relaxed);
            assert_eq!(count, expected, "{size} in {}", world.name);
        }
    })
    .await;
}

#[tokio::test]
async fn partitions_that_ask_side_by_side_read_the_table_once() {
    each(async |world| {
        let mut table = filled(world, 300).await;
        let asked = Arc::new(AtomicU32::new(0));
        table.store = Box::new(Counting(table.store, asked.clone()));
        let batch = references(10, 300);
        tokio::join!(
            ask(&table, &batch),
            ask(&table, &batch),
            ask(&table, &batch)
        );
        let expected = if world.kept_rows_max > 0 { 4 } else { 6 };
        assert_eq!(asked.load(Ordering::Relaxed), expected, "{}", world.name);
    })
    .await;
}

#[tokio::test]
async fn a_table_that_outgrows_the_limit_is_no_longer_kept() {
    each(async |world| {
        let mut table = filled(world, 10).await;
        table.kept_rows_max = 300;
        assert_eq!(ask(&table, &references(5, 10)).await, 5);
        assert!(table.kept.lock().await.is_some());
        table.import(many(100)).await.unwrap();
        assert_eq!(ask(&table, &references(5, 100)).await, 5);
        assert!(table.kept.lock().await.is_none());
    })
    .await;
}

/// `cargo test -p directory measured -- --ignored --nocapture`
#[tokio::test]
#[ignore = "measures; nothing to hold"]
#[expect(clippy::print_stderr, reason = "it tells what it has measured")]
async fn measured() {
    each(async |world| {
        let accounts = 60_000;
        let before = resident_mb();
        let started = Instant::now();
        let table = filled(world, accounts).await;
        eprintln!("{}: import {:?}", world.name, started.elapsed());
        for size in [2_000, 100, 1] {
            let batch = references(size, accounts);
            let started = Instant::now();
            ask(&table, &batch).await;
            let first = started.elapsed();
            let rounds = 50;
            let started = Instant::now();
            for _ in 0..rounds {
                ask(&table, &batch).await;
            }
            let each = started.elapsed() / rounds;
            eprintln!("  find {size}: first {first:?}, then {each:?}");
        }
        eprintln!("  resident {} MB, {before} before", resident_mb());
    })
    .await;
}

fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kb = line.and_then(|line| line.split_whitespace().nth(1));
    kb.and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
}
