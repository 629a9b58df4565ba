//! Ways to PostgreSQL: what goes through them, how they end, and that both ends notice when nobody is at the other.

use sqlx::{PgPool, query_as};
use stage::{
    Chance,
    database::{Database, Ways},
};

use super::{World, until};

/// The connections of this machine, and what the kernel waits for on each.
const TCP: &str = "/proc/self/net/tcp";
/// In there, of a connection: it is open; the timer that asks whether anybody is there runs.
const OPEN: &str = "01";
const ASKING: &str = "02:";

/// A world, with its history as it is and by a way.
struct Story {
    world: World,
    ways: Ways,
    direct: PgPool,
    through: PgPool,
}

impl Story {
    async fn begin() -> Option<Self> {
        let world = World::new("PostgreSQL").await?;
        let (database, mut ways) = (world.database(), Ways::default());
        let through = ways.through(&database, 1, Chance::system());
        let (Database::Postgres(direct), Database::Postgres(through)) = (database, through) else {
            panic!("a world of PostgreSQL")
        };
        Some(Self {
            world,
            ways,
            direct,
            through,
        })
    }
}

#[tokio::test]
async fn what_goes_through_a_way_is_what_goes_without() {
    let Some(story) = Story::begin().await else {
        return;
    };
    let question =
        "SELECT length($1::text), ssl, current_setting('enable_seqscan'), current_setting('tcp_keepalives_idle')
        FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let asked = async |pool: &PgPool| -> (i32, bool, String, String) {
        let long = "x".repeat(300_000);
        query_as(question).bind(long).fetch_one(pool).await.unwrap()
    };
    let without = asked(&story.direct).await;
    assert_eq!((without.2.as_str(), without.3.as_str()), ("off", "10"));
    let with = story.ways.open_for(asked(&story.through)).await;
    assert_eq!(with, without);
    story.world.clear().await;
}

#[tokio::test]
async fn connections_end_with_the_work_and_not_by_being_cut_off() {
    let Some(story) = Story::begin().await else {
        return;
    };
    let process = async {
        let process: (i32,) = query_as("SELECT pg_backend_pid()")
            .fetch_one(&story.through)
            .await
            .unwrap();
        process.0
    };
    let process = story.ways.open_for(process).await;
    assert!(story.through.is_closed(), "each was told of the end");
    until("the server to have heard of it", async || {
        let still = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1";
        let still: (i64,) = query_as(still)
            .bind(process)
            .fetch_one(&story.direct)
            .await
            .unwrap();
        still.0 == 0
    })
    .await;
    story.world.clear().await;
}

/// Ports as the kernel shows them.
fn shown(port: i32) -> String {
    format!(":{port:04X}")
}

#[tokio::test]
async fn a_silent_connection_asks_at_both_ends_whether_anybody_is_there() {
    let Some(story) = Story::begin().await else {
        return;
    };
    let asked = async {
        let ports = "SELECT client_port, inet_server_port() FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        let ports: (i32, i32) = query_as(ports).fetch_one(&story.through).await.unwrap();
        let (client, server) = (shown(ports.0), shown(ports.1));
        // After the last word has been acknowledged.
        until("both ends to ask", async || {
            let all = tokio::fs::read_to_string(TCP).await.unwrap();
            asks(&all, &client, &server) && asks(&all, &server, &client)
        })
        .await;
    };
    story.ways.open_for(asked).await;
    story.world.clear().await;
}

/// Whether an open connection between these ports is one that asks.
fn asks(all: &str, from: &str, to: &str) -> bool {
    all.lines().any(|line| {
        let mut words = line.split_whitespace().skip(1);
        let mut next = || words.next().unwrap_or_default();
        let (here, there, state, _, timer) = (next(), next(), next(), next(), next());
        here.ends_with(from) && there.ends_with(to) && state == OPEN && timer.starts_with(ASKING)
    })
}
