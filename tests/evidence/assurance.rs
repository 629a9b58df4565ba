//! `assurance` on a running system: every callback is counted once, whatever became of it.

use std::time::Duration;

use serde_json::Value;

use crate::world::{Kind, Setting, World, approved, wait_for};

/// Callbacks of each kind that are posted.
const NEW: usize = 12;
const AGAIN: usize = 5;
const BROKEN: usize = 3;
/// The reconciler looks every 10 s.
const LIMIT: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread")]
async fn every_callback_of_a_running_system_is_audited_refused_or_a_repeat() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    for number in 0..NEW {
        let (media, body) = approved(number, &format!("assured-{number}"));
        assert_eq!(world.post(media, body).await, 200);
    }
    world.settle(Duration::from_mins(1)).await;
    for number in 0..AGAIN {
        let (media, body) = approved(number, &format!("assured-{number}"));
        assert_eq!(world.post(media, body).await, 200);
    }
    for number in 0..BROKEN {
        let (media, _) = approved(number, "assured");
        assert_eq!(world.post(media, format!("{{ {number}")).await, 400);
    }
    world.settle(Duration::from_mins(1)).await;
    let (new, again, broken) = (12, 5, 3);
    let wanted = [new + again + broken, new, broken, again, 0, 0, 0];
    wait_for("the account of all callbacks", LIMIT, async || {
        let (code, said, error) = world.run(&["assurance", "--json"]);
        let lines: Vec<Value> = said
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let names = [
            "accepted",
            "audited",
            "refused",
            "repeats",
            "erased",
            "in_flight",
            "missing",
        ];
        // The hour may have changed meanwhile.
        let sums = names.map(|name| {
            let hours = lines.iter().filter_map(|line| line[name].as_u64());
            hours.sum::<u64>()
        });
        if (code, sums) == (0, wanted) {
            Ok(())
        } else {
            Err(format!("{code}: {said}{error}"))
        }
    })
    .await;
    let (code, said, _) = world.run(&["assurance"]);
    assert_eq!((code, said.contains("0 violations")), (0, true), "{said}");
    let (code, _, error) = world.run(&["assurance", "--day", "2026-01-01", "--statement"]);
    assert_eq!(code, 1, "{error}");
    let (code, _, error) = world.run(&["assurance", "--day", "January"]);
    assert_eq!(code, 2, "{error}");
}
