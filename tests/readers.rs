//! Clients that we did not write read our topics: Python and Java, by way of the real registry.

use std::{path::Path, process::Command, time::Duration};

use crate::world::{Kind, Parts, Setting, World, approved};

#[tokio::test(flavor = "multi_thread")]
async fn python_and_java_read_what_we_write() {
    let Some(world) = World::start(Kind::Real, Setting::default()).await else {
        return;
    };
    let variable = |name: &str| Parts::variable(name).unwrap();
    for number in 0..5 {
        let (media, body) = approved(number, &format!("reader-{number}"));
        assert_eq!(world.post(media, body).await, 200);
    }
    world.settle(Duration::from_mins(1)).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers");
    let (kafka, registry) = (variable("KAFKA"), variable("REGISTRY"));
    for (topic, word) in [
        ("checked", "reader-3"),
        ("enriched", "acc3"),
        ("notified", "onboarding"),
    ] {
        let topic = format!("{}.{topic}", world.prefix);
        let mut python = Command::new(variable("PYTHON"));
        python
            .arg(folder.join("consumer.py"))
            .args([&kafka, &registry, &topic, "5"]);
        let mut java = Command::new("java");
        java.args(["-cp", &variable("JAVA_CP")])
            .arg(folder.join("Follow.java"));
        java.args([
            &kafka,
            &registry.replace("/ccompat/v7", "/registry/v2"),
            &topic,
            "5",
        ]);
        for mut reader in [python, java] {
            let output = reader.output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(
                output.status.success(),
                "{topic}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            assert!(
                said.contains(word) || topic.ends_with("notified"),
                "{topic}: {said}"
            );
            assert_eq!(said.lines().count(), 5, "{topic}: {said}");
        }
    }
}
