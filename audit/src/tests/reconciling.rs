//! What the reconciler finds: each callback comes to one end, and what does not is named by its place.

use std::time::Duration;

use schemas::{Audience, Topic};
use serde_json::json;
use stage::{Clock as _, database::Database};

use super::{
    crash::count,
    reconciled::{GRACE, Reconciling, alert, counts, ended, journey, notified},
    records::{About, position, refused},
    world::{World, each},
};

#[tokio::test]
async fn every_callback_is_counted_once_whatever_it_came_to_and_in_whatever_order_it_was_read() {
    each(async |world| Box::pin(every_kind(world)).await).await;
}

async fn every_kind(world: &World) {
    let this = Reconciling::of(world).await;
    // Told before it is known of what, and the callback last of all.
    let [raw, checked, onboarding, sales, enriched] = journey(world, 0);
    for record in [onboarding, sales, enriched, checked, raw] {
        this.keep(&[record]).await;
        this.turn().await;
    }
    this.turn().await;
    this.keep(&journey(world, 1)).await;
    // Refused, and admins also get the count of those that followed it.
    let about = About::check("R-2", "A-1", (0, 2));
    let refusal = refused(&about);
    let rejected = world.record(&refusal, &about, (0, 0));
    let count = ended("a count".to_owned(), &rejected, (Audience::Admins, None));
    let count = world.record(&count, &about, (1, 1));
    this.keep(&[
        about.raw(),
        rejected.clone(),
        alert(world, &refusal, (&rejected, 0)),
        count,
    ])
    .await;
    // The provider repeats.
    let about = About::check("R-1", "A-1", (0, 3));
    let enriched = world.record(&about.enriched(), &about, (0, 3));
    let told = |audience, at| {
        let notified = notified(&about.enriched(), &enriched, (audience, Some("repeat")));
        world.record(&notified, &about, (2, at))
    };
    let told = [told(Audience::Onboarding, 0), told(Audience::Sales, 1)];
    let checked = world.record(&about.checked(), &about, about.at);
    this.keep(&[about.raw(), checked, enriched.clone()]).await;
    this.keep(&told).await;
    let told = this.told().await;
    assert_eq!(
        counts(&told),
        json!([4, 2, 1, 1, 0, 0, 0, 0]),
        "{}: {told}",
        world.name
    );
    assert_eq!(
        (&told["from_seq"], &told["pointers"]),
        (&json!(0), &json!([]))
    );
}

#[tokio::test]
async fn what_is_young_is_in_flight_and_what_is_old_is_missing_until_it_comes() {
    each(async |world| {
        let this = Reconciling::of(world).await;
        let [raw, checked, onboarding, sales, enriched] = journey(world, 0);
        this.keep(&[raw, checked]).await;
        world.clock.advance(GRACE / 2);
        this.keep(&journey(world, 1)[..1]).await;
        let told = this.told_after(GRACE / 2 + Duration::from_secs(1)).await;
        assert_eq!(
            counts(&told),
            json!([2, 0, 0, 0, 0, 1, 1, 1]),
            "{}",
            world.name
        );
        let place = |topic, at| position(topic, (0, at)).to_string();
        let missing = |place| json!([{"what": "no_successor", "place": place}]);
        assert_eq!(told["pointers"], missing(place(Topic::Checked, 0)));
        this.keep(&[enriched, onboarding]).await;
        let told = this.told().await;
        assert_eq!(
            counts(&told),
            json!([2, 0, 0, 0, 0, 0, 2, 1]),
            "each is told of once"
        );
        assert_eq!(told["pointers"], missing(place(Topic::Raw, 1)));
        assert_eq!(told["oldest_missing"][0], json!(place(Topic::Enriched, 0)));
        this.keep(&[sales]).await;
        this.keep(&journey(world, 1)[1..]).await;
        let told = this.told().await;
        assert_eq!(
            counts(&told),
            json!([2, 2, 0, 0, 0, 0, 0, 0]),
            "{}",
            world.name
        );
    })
    .await;
}

#[tokio::test]
async fn a_second_successor_and_one_of_nothing_are_named() {
    each(async |world| {
        Box::pin(async {
            let this = Reconciling::of(world).await;
            this.keep(&journey(world, 7)).await;
            // Understood twice: once while it is open, and once when all had come to its end.
            let about = About::check("R-8", "A-1", (0, 8));
            let checked = |at| world.record(&about.checked(), &about, (1, at));
            this.keep(&[about.raw(), checked(0), checked(1)]).await;
            this.turn().await;
            let about = About::check("R-7", "A-1", (0, 7));
            this.keep(&[world.record(&about.checked(), &about, (2, 0))])
                .await;
            // Of a callback that the history does not have; and of one from before it.
            for (partition, at) in [(0, 9), (0, 6)] {
                let about = About::check("R-9", "A-1", (partition, at));
                this.keep(&[world.record(&about.checked(), &about, (2, 10 - at))])
                    .await;
            }
            // Sales are told again of what had come to its end.
            let again = journey(world, 7);
            let about = About::check("R-7", "A-1", (0, 7));
            let again = notified(&about.enriched(), &again[4], (Audience::Sales, None));
            this.keep(&[world.record(&again, &about, (2, 5))]).await;
            let told = this.told().await;
            assert_eq!(told["violations"], json!(5), "{}: {told}", world.name);
            let mut found: Vec<(String, String)> = told["pointers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| {
                    let text = |name: &str| one[name].as_str().unwrap().to_owned();
                    (text("what"), text("place"))
                })
                .collect();
            found.sort();
            let expected = [
                ("no_predecessor", "idtrail.checked/2/1"),
                ("no_successor", "idtrail.checked/1/0"),
                ("two_successors", "idtrail.checked/1/1"),
                ("two_successors", "idtrail.checked/2/0"),
                ("two_successors", "idtrail.notified/2/5"),
            ];
            let expected = expected.map(|(what, place)| (what.to_owned(), place.to_owned()));
            assert_eq!(found, expected, "{}", world.name);
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn it_reads_on_where_it_stood_and_keeps_only_what_is_open() {
    each(async |world| Box::pin(reads_on(world)).await).await;
}

async fn reads_on(world: &World) {
    let this = Reconciling::of(world).await;
    for at in 0..70 {
        this.keep(&journey(world, at)).await;
    }
    this.keep(&journey(world, 70)[..2]).await;
    this.turn().await;
    let other = Reconciling::of(world).await;
    let now = world.clock.now();
    let handed = &other.service.audit.fresh;
    let state = other.reconciler.walk(handed, now).await.unwrap();
    let (size, _) = this.service.audit.store.log().head().await.unwrap();
    assert_eq!(state.position, size, "{}", world.name);
    assert_eq!(state.counted.sums.audited, 70);
    assert_eq!(
        count(&world.database(), "SELECT count(*) FROM journeys").await,
        1
    );
}

#[tokio::test]
async fn what_was_erased_is_neither_missing_nor_at_its_end() {
    each(async |world| {
        let this = Reconciling::of(world).await;
        this.keep(&journey(world, 0)[..2]).await;
        this.turn().await;
        let client = this.service.audit.store.between(0, 1).await.unwrap()[0].subject;
        let sql = "DELETE FROM data_keys WHERE subject = $1";
        let deleted = match world.key_database() {
            Database::Sqlite(pool) => sqlx::query(sql)
                .bind(client)
                .execute(&pool)
                .await
                .map(|_| ()),
            Database::Postgres(pool) => sqlx::query(sql)
                .bind(client)
                .execute(&pool)
                .await
                .map(|_| ()),
        };
        deleted.unwrap();
        let told = this.told().await;
        assert_eq!(
            counts(&told),
            json!([1, 0, 0, 0, 1, 0, 0, 0]),
            "{}",
            world.name
        );
    })
    .await;
}

#[tokio::test]
async fn sums_that_somebody_changed_are_told_of() {
    each(async |world| {
        let this = Reconciling::of(world).await;
        this.keep(&journey(world, 0)[..2]).await;
        this.turn().await;
        let sql = "DELETE FROM journeys";
        let deleted = match world.database() {
            Database::Sqlite(pool) => sqlx::query(sql).execute(&pool).await.map(|_| ()),
            Database::Postgres(pool) => sqlx::query(sql).execute(&pool).await.map(|_| ()),
        };
        deleted.unwrap();
        let told = this.told().await;
        assert_eq!(
            told["pointers"],
            json!([{"what": "sums", "place": ""}]),
            "{}",
            world.name
        );
    })
    .await;
}
