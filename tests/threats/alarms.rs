//! T92: the alarms in `deploy/prometheus` are sound, fire when they must, and rest on numbers that are there in time.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use super::doors::part;
use crate::world::{Kind, Setting, World};

/// Told by the Kafka client only.
const OF_KAFKA: &str = "idtrail_kafka_offset_resets_total";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus")
}

/// The numbers of ours that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let is_letter = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    text.split(|letter| !is_letter(letter))
        .filter(|word| word.starts_with("idtrail_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn t92_each_alarm_is_sound_and_fires_when_it_must() {
    let Some(promtool) = part("PROMTOOL") else {
        return;
    };
    for arguments in [
        ["check", "config", "prometheus.yml"],
        ["check", "rules", "idtrail.rules.yml"],
        ["test", "rules", "idtrail.rules.test.yml"],
        ["test", "rules", "idtrail.silence.test.yml"],
    ] {
        let output = Command::new(&promtool)
            .args(arguments)
            .current_dir(folder())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// A counter that comes into being with its first event shows no increase, and no alarm on increases sees that event.
#[tokio::test(flavor = "multi_thread")]
async fn t92_each_alarm_on_increases_has_its_counter_before_anything_happens() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    let rules = std::fs::read_to_string(folder().join("idtrail.rules.yml")).unwrap();
    let page = world.page("up", "/metrics").await;
    let there = named(&page);
    let missing: Vec<String> = named(&rules)
        .difference(&there)
        .filter(|name| name.ends_with("_total") && name != &OF_KAFKA)
        .cloned()
        .collect();
    assert!(missing.is_empty(), "{missing:?} in {page}");
}
