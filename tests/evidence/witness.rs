//! Witnesses of three makes, and whoever has the database and the log's key: none of them cosigns another past.

use std::time::Duration;

use audit::log::{
    key::{Kind, SigningKey},
    policy::Policy,
};

use self::running::Running;
use crate::world::{Kind as Runs, Setting, World, approved, wait_for};

mod packed;
mod rewriting;
mod running;

const ORIGIN: &str = "log.example.test/witnessed";
const SEED: u8 = 0x15;
/// How long a checkpoint may take to be cosigned, and a refusal to be told.
const PATIENCE: Duration = Duration::from_mins(1);

/// A log, its witnesses, and what all of them must have cosigned.
struct Story {
    world: World,
    witnesses: Vec<Running>,
    policy: Policy,
    posted: usize,
    _keys: tempfile::TempDir,
}

impl Story {
    async fn begin(key: &SigningKey) -> Self {
        let log = key.verifier().to_string();
        let mut witnesses = vec![running::ours(&log).await];
        witnesses.extend(running::litewitness(ORIGIN, &log).await);
        witnesses.extend(running::aics(ORIGIN, &log).await);
        let keys = tempfile::tempdir().unwrap();
        let file = keys.path().join("log.key");
        std::fs::write(&file, hex::encode([SEED; 32])).unwrap();
        let (mut settings, mut lines) = (Vec::new(), vec![format!("log {log}")]);
        for one in &witnesses {
            let (name, url, vkey) = (one.name, one.url(), &one.vkey);
            settings.push(format!(
                "{{ name = \"{name}\", url = \"{url}\", key = \"{vkey}\" }}"
            ));
            lines.push(format!("witness {name} {vkey}"));
        }
        let names: Vec<&str> = witnesses.iter().map(|one| one.name).collect();
        lines.push(format!("group all all {}\nquorum all\n", names.join(" ")));
        let variables = vec![
            ("AUDIT__ORIGIN", ORIGIN.to_owned()),
            ("AUDIT__LOG_KEY_FILE", file.display().to_string()),
            ("AUDIT__CHECKPOINT_MS", "200".to_owned()),
            ("AUDIT__WITNESS__EVERY_MS", "200".to_owned()),
            ("AUDIT__WITNESS_QUORUM", witnesses.len().to_string()),
            ("AUDIT__WITNESSES", format!("[{}]", settings.join(", "))),
        ];
        let setting = Setting {
            variables,
            ..Setting::default()
        };
        Self {
            world: World::start(Runs::Embedded, setting).await.unwrap(),
            witnesses,
            policy: Policy::parse(&lines.join("\n")).unwrap(),
            posted: 0,
            _keys: keys,
        }
    }

    /// Posts, and waits until every witness has cosigned a checkpoint beyond this size; its size and note.
    async fn grow(&mut self, before: u64) -> (u64, String) {
        for _ in 0..3 {
            let (media, body) = approved(self.posted, &format!("witnessed-{}", self.posted));
            assert_eq!(self.world.post(media, body).await, 200);
            self.posted += 1;
        }
        self.world.settle(PATIENCE).await;
        wait_for("a checkpoint with all cosignatures", PATIENCE, async || {
            let (status, note) = self.checkpoint().await;
            let judged = self.policy.check(note.as_bytes());
            let size = judged
                .map_err(|error| format!("{status} {error}: {note}"))?
                .checkpoint
                .size;
            if size > before {
                Ok((size, note))
            } else {
                Err(format!("over {size} entries"))
            }
        })
        .await
    }

    async fn checkpoint(&self) -> (u16, String) {
        let url = format!("http://{}/log/checkpoint", self.world.api);
        match self.world.client.get(url).send().await {
            Ok(answer) => (
                answer.status().as_u16(),
                answer.text().await.unwrap_or_default(),
            ),
            Err(error) => (0, error.to_string()),
        }
    }

    async fn stop(&mut self) {
        assert_eq!(self.world.terminate("up").await, Some(0));
    }

    async fn start(&mut self) {
        self.world.spawn("up");
        self.world.ready("up").await;
    }

    /// Starts on a history that must not go on: every witness objects, nothing is signed, and the sentence is told.
    async fn refuses(&mut self, sentence: &str) {
        self.world.spawn("up");
        let page = async |path: &'static str| {
            let url = format!("http://{}{path}", self.world.admin_address("up"));
            let answer = self.world.client.get(url).send().await;
            let answer = answer.map_err(|error| error.to_string())?;
            answer.text().await.map_err(|error| error.to_string())
        };
        wait_for("the objections of all witnesses", PATIENCE, async || {
            let metrics = page("/metrics").await?;
            for one in &self.witnesses {
                let objects = format!(
                    "idtrail_audit_witness_objects{{witness=\"{}\"}} 1",
                    one.name
                );
                if !metrics.contains(&objects) {
                    return Err(format!("{} does not object", one.name));
                }
            }
            let refused = metrics.contains("idtrail_audit_signing_refused 1");
            refused.then_some(()).ok_or_else(|| "it signs".to_owned())
        })
        .await;
        let told = page("/readyz").await.unwrap();
        assert!(
            told.contains("audit-signer") && told.contains(sentence),
            "{told}"
        );
        self.world.kill("up");
    }

    /// What each witness has seen: the size that it answers to whoever believes that it has seen nothing.
    async fn seen(&self, note: &str) -> Vec<u64> {
        let mut seen = Vec::new();
        for one in &self.witnesses {
            let body = format!("old 0\n\n{note}");
            let (status, size) = one.post(&self.world.client, body).await;
            assert_eq!(status, 409, "{}: {size}", one.name);
            seen.push(size.trim_end().parse().unwrap());
        }
        seen
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_witness_cosigns_our_log_and_none_another_past_of_it() {
    let key = SigningKey::new(ORIGIN, Kind::Log, &[SEED; 32]).unwrap();
    let mut story = Story::begin(&key).await;
    let kept = tempfile::tempdir().unwrap();
    let (older, newer) = (kept.path().join("older"), kept.path().join("newer"));
    let data = story.world.data();
    let (first, first_note) = story.grow(0).await;
    story.stop().await;
    rewriting::copy(&data, &older);
    story.start().await;
    let (second, second_note) = story.grow(first).await;
    story.stop().await;
    rewriting::copy(&data, &newer);

    // What a witness has cosigned survives its kill.
    let before = story.seen(&second_note).await;
    assert!(before.iter().all(|seen| *seen >= second), "{before:?}");
    story.witnesses[0].kill();
    running::start_ours(&mut story.witnesses[0], &[]).await;
    assert_eq!(story.seen(&second_note).await, before);

    // Rolled back: the older checkpoint by itself, and the whole system from a backup.
    for (one, seen) in story.witnesses.iter().zip(&before) {
        let body = format!("old {seen}\n\n{first_note}");
        let (status, said) = one.post(&story.world.client, body).await;
        assert_eq!(status, 400, "{}: {said}", one.name);
    }
    rewriting::copy(&older, &data);
    story.refuses("has cosigned").await;
    assert_eq!(story.seen(&second_note).await, before);

    // The right one goes on.
    rewriting::copy(&newer, &data);
    story.start().await;
    story.grow(second).await;
    story.stop().await;

    // Rewritten, rebuilt, and signed with the log's own key.
    let before = story.seen(&second_note).await;
    rewriting::rewrite(&data, &key).await;
    story
        .refuses("they do not continue those that it has cosigned")
        .await;
    assert_eq!(story.seen(&second_note).await, before);
}
