//! What the appender hands to the reconciler says what the log says.

use schemas::{Audience, Refusal, Rejected, Stage, Timestamp, Topic};
use sqlx::query_as;
use stage::{Clock as _, Record, database::Database, keep::Keep as _};

use super::{
    reconciled::{Reconciling, alert, counts, ended, journey, notified},
    records::{About, position, refused, replayed},
    world::{BEGIN, World, each},
};

/// One record of each kind that the reconciler tells apart, and of each that it cannot read.
fn every_kind(world: &World) -> Vec<Record> {
    let mut all = journey(world, 0).to_vec();
    let about = About::check("R-1", "A-1", (1, 0));
    let replay_of = position(Topic::Raw, (0, 0));
    all.push(about.raw_with(b"x", Some(&replay_of)));
    let enriched = world.record(&about.enriched(), &about, (1, 0));
    let checked = world.record(&about.checked(), &about, (1, 0));
    let source = checked.position.clone();
    let of_checked = Rejected::of_checked(&about.checked(), Refusal::UnknownAccount, None, source);
    let unread = position(Topic::Checked, (5, 5));
    let at = Timestamp::from_micros(BEGIN);
    let of_record = Rejected::of_record(Stage::Enrich, Refusal::Undecodable, unread, at);
    for (at, rejected) in (0..).zip([refused(&about), of_checked, of_record]) {
        let record = world.record(&rejected, &about, (1, at));
        all.push(alert(world, &rejected, (&record, 2 * at)));
        let count = ended(format!("count-{at}"), &record, (Audience::Admins, None));
        all.push(world.record(&count, &about, (1, 2 * at + 1)));
        all.push(record);
    }
    for (at, (audience, reason)) in (0..).zip([
        (Audience::Onboarding, Some("repeat")),
        (Audience::Sales, Some("superseded")),
        (Audience::Sales, None),
        (Audience::Admins, None),
    ]) {
        let told = notified(&about.enriched(), &enriched, (audience, reason));
        all.push(world.record(&told, &about, (2, at)));
    }
    all.extend([enriched, checked]);
    all.push(world.record(&replayed(&replay_of), &about, (1, 0)));
    for topic in [
        Topic::Checked,
        Topic::Enriched,
        Topic::Rejected,
        Topic::Notified,
    ] {
        all.push(Record {
            topic,
            position: position(topic, (3, 0)),
            value: Some(b"not what was agreed".to_vec()),
            ..about.raw()
        });
    }
    all
}

/// What the reconciler keeps, in the order of its places.
async fn kept(database: &Database) -> Vec<(String, String)> {
    let sql = "SELECT place, coalesce(ends, '') || '/' || since || '/' || coalesce(hour, 0) || '/' || state FROM journeys
        UNION ALL SELECT 'hour ' || hour, state FROM hours
        UNION ALL SELECT 'position ' || position, sums FROM reconciliation ORDER BY 1";
    match database {
        Database::Sqlite(pool) => query_as(sql).fetch_all(pool).await,
        Database::Postgres(pool) => query_as(sql).fetch_all(pool).await,
    }
    .unwrap()
}

/// What is kept after each record of a story.
async fn told(world: &World, handed: bool) -> Vec<Vec<(String, String)>> {
    let this = Reconciling::of(world).await;
    let mut all = Vec::new();
    for record in every_kind(world) {
        this.keep(&[record]).await;
        if !handed {
            this.service.audit.fresh.forget();
        }
        this.turn().await;
        all.push(kept(&world.database()).await);
    }
    all
}

#[tokio::test]
async fn what_is_handed_over_counts_as_what_is_read() {
    for name in ["SQLite", "PostgreSQL"] {
        let mut stories = Vec::new();
        for handed in [true, false] {
            let Some(world) = World::new(name).await else {
                return;
            };
            stories.push(told(&world, handed).await);
            world.clear().await;
        }
        let (handed, read) = (&stories[0], &stories[1]);
        assert!(handed.iter().any(|kept| kept.len() > 5), "{handed:?}");
        for (step, (handed, read)) in handed.iter().zip(read).enumerate() {
            assert_eq!(handed, read, "{name}, after record {step}");
        }
    }
}

#[tokio::test]
async fn what_is_handed_over_is_not_read_and_what_lies_between_is() {
    each(async |world| {
        let this = Reconciling::of(world).await;
        this.keep(&journey(world, 0)).await;
        this.service.audit.fresh.forget();
        this.keep(&journey(world, 1)).await;
        this.keep(&journey(world, 2)[..2]).await;
        // Now nothing that must be read can be.
        let sql = "DELETE FROM data_keys";
        match world.key_database() {
            Database::Sqlite(pool) => sqlx::query(sql).execute(&pool).await.map(|_| ()),
            Database::Postgres(pool) => sqlx::query(sql).execute(&pool).await.map(|_| ()),
        }
        .unwrap();
        let (handed, now) = (&this.service.audit.fresh, world.clock.now());
        let state = this.reconciler.walk(handed, now).await.unwrap();
        let (sums, name) = (state.counted.sums, world.name);
        assert_eq!(sums.accepted, 3, "{name}: without their bodies, too");
        assert_eq!(sums.audited, 1, "{name}: the one that was handed over");
    })
    .await;
}

#[tokio::test]
async fn beyond_the_bound_the_log_is_read() {
    each(async |world| {
        let this = Reconciling::of(world).await;
        this.keep(&journey(world, 0)).await;
        this.service.audit.fresh.fill();
        this.keep(&journey(world, 1)).await;
        this.keep(&journey(world, 2)).await;
        let counted = counts(&this.told().await);
        assert_eq!(counted[1], 3, "{}: {counted}", world.name);
    })
    .await;
}

#[tokio::test]
async fn what_was_handed_over_is_forgotten_when_reading_begins_anew() {
    each(async |world| {
        let this = Reconciling::of(world).await;
        this.keep(&journey(world, 0)).await;
        // As after a restore: what stands there now is another's.
        this.service.audit.offsets().await.unwrap();
        assert!(this.service.audit.fresh.is_empty(), "{}", world.name);
        this.turn().await;
        let counted = counts(&this.told().await);
        assert_eq!(counted[1], 1, "{}: read from the log", world.name);
    })
    .await;
}
