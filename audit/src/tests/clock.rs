//! Steps of the clock stand in the log, where whoever cannot open a body sees them, too.

use std::{sync::Arc, time::Duration};

use super::{
    assuring::{Served, claims},
    records::About,
    world::{each, keep},
};
use crate::{Evidence, store::OWN, verify};

/// An hour, in microseconds.
const HOUR: i64 = 3_600_000_000;

#[tokio::test]
async fn a_clock_that_was_set_is_told_of_before_what_comes_after_and_time_does_not_fall() {
    each(async |world| {
        let service = world.service().await;
        let raw = |at| About::check("R-1", "A-1", (0, at)).raw();
        keep(&service, &[raw(0)]).await.unwrap();
        // Time that goes by is no step, however much of it.
        world.clock.advance(Duration::from_hours(30));
        keep(&service, &[raw(1)]).await.unwrap();
        world.clock.set_by(-HOUR);
        keep(&service, &[raw(2)]).await.unwrap();
        world.clock.set_by(2 * HOUR);
        keep(&service, &[raw(3), raw(4)]).await.unwrap();
        keep(&service, &[raw(5)]).await.unwrap();
        world.signer().await.sign().await.unwrap();
        let served = Served(Evidence::on(Arc::clone(&service.audit.store)));
        let report = verify::log(&served, &claims(world), &mut |_, _| {})
            .await
            .unwrap();
        let steps: Vec<u64> = report.steps.iter().map(|step| step.index).collect();
        assert_eq!(
            (report.findings, steps),
            (Vec::new(), vec![4, 7]),
            "without a key"
        );
        let log = service.audit.store.log();
        let (size, _) = log.head().await.unwrap();
        let leaves = log.leaves(0, size).await.unwrap();
        let leaves: Vec<serde_json::Value> = leaves
            .iter()
            .map(|leaf| serde_json::from_slice(leaf).unwrap())
            .collect();
        let places: Vec<String> = leaves.iter().map(|leaf| leaf["o"].to_string()).collect();
        let raw = |at: i64| format!(r#"["idtrail.raw",0,{at}]"#);
        let own = |partition: i32, at: i64| format!(r#"["{OWN}",{partition},{at}]"#);
        let expected = [
            raw(0),
            own(0, 0),
            raw(1),
            own(0, 1),
            own(1, 0),
            raw(2),
            own(0, 2),
            own(1, 1),
            raw(3),
            raw(4),
            own(0, 3),
            raw(5),
            own(0, 4),
        ];
        assert_eq!(places, expected, "{}", world.name);
        let times: Vec<&str> = leaves
            .iter()
            .map(|leaf| leaf["t"].as_str().unwrap())
            .collect();
        assert!(times.is_sorted(), "{times:?}");
        let rows = service.audit.store.between(4, 5).await.unwrap();
        let own = service
            .audit
            .keys
            .resolve(&[crate::naming::own(&service.audit.keys)])
            .await;
        let opened = own.unwrap().resolved[0]
            .key
            .open(&rows[0].leaf_hash, &rows[0].sealed)
            .unwrap();
        let body: serde_json::Value = serde_json::from_slice(&opened[32..]).unwrap();
        let told =
            serde_json::json!({"what": "clock_step", "by_ms": -HOUR / 1_000, "bound_ms": 2_000});
        assert_eq!(body, told);
    })
    .await;
}
