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

/// A way to a world's history: the pool through it.
fn way(ways: &mut Ways, world: &World) -> PgPool {
    match ways.through(&world.database(), 1, Chance::system()) {
        Database::Postgres(pool) => pool,
        Database::Sqlite(_) => panic!("a world of PostgreSQL"),
    }
}

fn direct(world: &World) -> PgPool {
    match world.database() {
        Database::Postgres(pool) => pool,
        Database::Sqlite(_) => panic!("a world of PostgreSQL"),
    }
}

#[tokio::test]
async fn what_goes_through_a_way_is_what_goes_without() {
    let Some(world) = World::new("PostgreSQL").await else {
        return;
    };
    let mut ways = Ways::default();
    let through = way(&mut ways, &world);
    let question =
        "SELECT length($1::text), ssl, current_setting('enable_seqscan'), current_setting('tcp_keepalives_idle')
        FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let asked = async |pool: &PgPool| -> (i32, bool, String, String) {
        let long = "x".repeat(300_000);
        query_as(question).bind(long).fetch_one(pool).await.unwrap()
    };
    let without = asked(&direct(&world)).await;
    assert_eq!((without.2.as_str(), without.3.as_str()), ("off", "10"));
    tokio::select! {
        with = asked(&through) => assert_eq!(with, without),
        () = ways.run() => {}
    }
    world.clear().await;
}

#[tokio::test]
async fn connections_end_before_their_way() {
    let Some(world) = World::new("PostgreSQL").await else {
        return;
    };
    let mut ways = Ways::default();
    let (through, direct) = (way(&mut ways, &world), direct(&world));
    let ended = async {
        let process: (i32,) = query_as("SELECT pg_backend_pid()")
            .fetch_one(&through)
            .await
            .unwrap();
        ways.hang_up().await;
        until("the server to have heard of the end", async || {
            let still = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1";
            let still: (i64,) = query_as(still)
                .bind(process.0)
                .fetch_one(&direct)
                .await
                .unwrap();
            still.0 == 0
        })
        .await;
    };
    tokio::select! {
        () = ended => {}
        () = ways.run() => {}
    }
    world.clear().await;
}

/// Ports as the kernel shows them.
fn shown(port: i32) -> String {
    format!(":{port:04X}")
}

#[tokio::test]
async fn a_silent_connection_asks_at_both_ends_whether_anybody_is_there() {
    let Some(world) = World::new("PostgreSQL").await else {
        return;
    };
    let mut ways = Ways::default();
    let through = way(&mut ways, &world);
    let asked = async {
        let ports = "SELECT client_port, inet_server_port() FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        let ports: (i32, i32) = query_as(ports).fetch_one(&through).await.unwrap();
        let (client, server) = (shown(ports.0), shown(ports.1));
        // After the last word has been acknowledged.
        until("both ends to ask", async || {
            let all = tokio::fs::read_to_string(TCP).await.unwrap();
            let asks = |from: &str, to: &str| {
                all.lines().any(|line| {
                    let mut words = line.split_whitespace().skip(1);
                    let mut next = || words.next().unwrap_or_default();
                    let (here, there, state, _, timer) = (next(), next(), next(), next(), next());
                    here.ends_with(from)
                        && there.ends_with(to)
                        && state == OPEN
                        && timer.starts_with(ASKING)
                })
            };
            asks(&client, &server) && asks(&server, &client)
        })
        .await;
    };
    tokio::select! {
        () = asked => {}
        () = ways.run() => {}
    }
    world.clear().await;
}
