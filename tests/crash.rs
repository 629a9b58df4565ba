//! Nothing lost, nothing doubled: every process is killed at random moments while callbacks come in.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use stage::Chance;

use crate::world::{Kind, Parts, Sent, Setting, World, wait_for};

/// How hard a run is.
struct Size {
    posts: usize,
    kills: usize,
    kafka_kills: usize,
    postgres_kills: usize,
}

const SMALL: Size = Size {
    posts: 1_500,
    kills: 6,
    kafka_kills: 1,
    postgres_kills: 1,
};
const STATED: Size = Size {
    posts: 20_000,
    kills: 35,
    kafka_kills: 3,
    postgres_kills: 2,
};

/// A generator whose seed is printed, so that a run can be had again.
pub(crate) struct Dice(u64);

impl Dice {
    #[expect(
        clippy::disallowed_methods,
        reason = "a failed run is repeated with its printed seed"
    )]
    pub(crate) fn new() -> Self {
        let given = std::env::var("IDTRAIL_TEST_SEED")
            .ok()
            .and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| u64::from_le_bytes(Chance::system().bytes()) | 1);
        println!("seed {seed} (IDTRAIL_TEST_SEED={seed} repeats the run)");
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn embedded_survives_kills() {
    run(Kind::Embedded, &SMALL, Channel::Maildir).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_parts_survive_kills() {
    run(Kind::Real, &SMALL, Channel::Smtp).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make soak runs it"]
async fn soak_embedded_survives_kills() {
    run(Kind::Embedded, &STATED, Channel::Maildir).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make soak runs it"]
async fn soak_the_real_parts_survive_kills() {
    run(Kind::Real, &STATED, Channel::Smtp).await;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Channel {
    Maildir,
    Smtp,
}

fn smtp_setting(channel: Channel) -> Option<Setting> {
    if channel == Channel::Maildir {
        return Some(Setting {
            kills_parts: true,
            ..Setting::default()
        });
    }
    let plain = Parts::variable("SMTP_PLAIN")?;
    let (host, port) = plain.split_once(':')?;
    let variables = vec![
        ("NOTIFY__CHANNEL", "smtp".to_owned()),
        ("NOTIFY__SMTP__HOST", host.to_owned()),
        ("NOTIFY__SMTP__PORT", port.to_owned()),
        ("NOTIFY__SMTP__TLS", "none".to_owned()),
    ];
    Some(Setting {
        variables,
        kills_parts: true,
        ..Setting::default()
    })
}

async fn run(kind: Kind, size: &Size, channel: Channel) {
    let Some(setting) = smtp_setting(channel) else {
        println!("skipped: no SMTP server; run it through tests/run");
        return;
    };
    let Some(mut world) = World::start(kind, setting).await else {
        return;
    };
    let mut dice = Dice::new();
    let poster = world.poster();
    let posts = size.posts;
    let mut posting = tokio::task::JoinSet::new();
    posting.spawn(async move { poster.post_many(0, posts, 48).await });
    let killed = kill_at_random(&mut world, size, &mut dice).await;
    let sent = posting.join_next().await.unwrap().unwrap();
    let (tally, whole) = world.settle(Duration::from_mins(6)).await;
    let (accepted, repeated) = every_acknowledged_post_is_in_raw(&sent, &whole.raw);
    let twice = match channel {
        Channel::Maildir => mails_in_the_maildir(&world, tally.sent),
        Channel::Smtp => mails_at_the_server(&world, tally.sent).await,
    };
    println!(
        "tally: {posts} posts, {accepted} acknowledged, {} raw ({repeated} repeats), kills {killed:?}, {tally:?}, {twice} mails twice with the same Message-ID",
        whole.raw.len(),
    );
}

/// Kills processes and parts until there were as many kills as stated.
async fn kill_at_random(
    world: &mut World,
    size: &Size,
    dice: &mut Dice,
) -> BTreeMap<&'static str, usize> {
    let mut killed = BTreeMap::new();
    let names = world.processes();
    let parts = if world.kind == Kind::Real {
        Parts::of_environment()
    } else {
        None
    };
    let kills = size.kills;
    for kill in 0..kills {
        tokio::time::sleep(Duration::from_millis(100 + dice.below(700))).await;
        // Every process has its turn, then chance decides.
        let name = names
            .get(kill)
            .copied()
            .unwrap_or_else(|| names[usize::try_from(dice.below(names.len() as u64)).unwrap()]);
        world.kill(name);
        tokio::time::sleep(Duration::from_millis(dice.below(300))).await;
        world.spawn(name);
        *killed.entry(name).or_insert(0) += 1;
        let Some(parts) = &parts else { continue };
        let due = |total: usize| {
            total > 0
                && kill % kills.div_ceil(total).max(1)
                    == kills / (2 * total).max(1) % kills.div_ceil(total).max(1)
        };
        for (part, start, stop, total) in [
            ("kafka", "kafka-start", "kafka-kill", size.kafka_kills),
            (
                "postgres",
                "postgres-start",
                "postgres-kill",
                size.postgres_kills,
            ),
        ] {
            if due(total) && killed.get(part).copied().unwrap_or(0) < total {
                tokio::task::block_in_place(|| {
                    parts.script(stop);
                    parts.script(start);
                });
                *killed.entry(part).or_insert(0) += 1;
            }
        }
    }
    for name in names {
        world.ready(name).await;
    }
    killed
}

fn every_acknowledged_post_is_in_raw(sent: &[Sent], raw: &[stage::Record]) -> (usize, usize) {
    let mut stored: BTreeMap<String, usize> = BTreeMap::new();
    for record in raw {
        let body = record.value.as_deref().unwrap_or_default();
        let identity = jumio::identify(jumio::Media::guess(body), body).unwrap();
        *stored.entry(identity.provider_reference).or_default() += 1;
    }
    let mut accepted = 0;
    for one in sent {
        assert_eq!(
            one.status, 200,
            "{} was never accepted in {} tries",
            one.reference, one.tries
        );
        assert!(
            stored.contains_key(&one.reference),
            "{} was answered 200 and is not in raw",
            one.reference
        );
        accepted += 1;
    }
    (accepted, raw.len() - stored.len())
}

fn mails_in_the_maildir(world: &World, sent: usize) -> usize {
    let files = std::fs::read_dir(world.maildir().join("new"))
        .unwrap()
        .count();
    assert_eq!(
        files, sent,
        "each notice that was sent is one file, and no other file is there"
    );
    0
}

/// Every notice is at the server; one that is there twice has the same Message-ID, which is the crash window.
async fn mails_at_the_server(world: &World, sent: usize) -> usize {
    let folder = Parts::variable("MAILDIR").unwrap();
    let domain = world.prefix.clone();
    wait_for(
        "every mail at the server",
        Duration::from_secs(20),
        || async {
            let mut ids = Vec::new();
            for file in std::fs::read_dir(format!("{folder}/new")).unwrap() {
                let text = std::fs::read_to_string(file.unwrap().path()).unwrap_or_default();
                let id = text
                    .lines()
                    .find_map(|line| line.strip_prefix("Message-ID: "))
                    .unwrap_or_default()
                    .to_owned();
                if id.contains(&domain) {
                    ids.push(id);
                }
            }
            let different: BTreeSet<&String> = ids.iter().collect();
            if different.len() < sent {
                return Err(format!("{} of {sent}", different.len()));
            }
            assert_eq!(
                different.len(),
                sent,
                "a mail is at the server that no notice stands for"
            );
            Ok(ids.len() - different.len())
        },
    )
    .await
}
