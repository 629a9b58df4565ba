//! The process that is killed: this test program once more, told by a variable what it is to do.

use std::{
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use stage::{
    BatchLimit, Broker, Chance, Context, Health, Stopper, SystemClock,
    broker::embedded::{Embedded, Opening},
};

use super::{LOOK, PATIENCE};
use crate::{
    Clients, Config,
    erasure::{Cover, Opened, Worker},
    reconcile::Reconciler,
    service::{self, Service, Signing},
    signer::heads::HeadStore,
    tests::dying::{Death, Dying, DyingHeads, Point},
};

const ORDER: &str = "IDTRAIL_TEST_ORDER";
const TEST: &str = "tests::killed::process::the_process_that_is_killed";
/// Records of a batch: few, so that there are many transactions.
const RECORDS: usize = 5;
/// The longest that a transaction under way may take to be met anywhere in it.
const MICROS: u64 = 12_000;

/// What a process is to do.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) config: Config,
    /// The file of the topics.
    pub(super) topics: PathBuf,
    /// Where it dies, and at which visit.
    pub(super) dies: Option<(Point, u64)>,
}

/// A process; killed when it is dropped.
pub(super) struct Running(Child);

impl Order {
    pub(super) fn spawn(&self) -> Running {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([TEST, "--exact", "--ignored", "--nocapture"])
            .env(ORDER, serde_json::to_string(self).unwrap())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        Running(child.unwrap())
    }
}

impl Running {
    /// Waits until it has died by itself.
    pub(super) fn ends(&mut self, point: Point) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "waited {PATIENCE:?} for a process to come to {point:?}"
            );
            std::thread::sleep(LOOK);
        }
    }

    pub(super) fn kill(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Kills this process when it comes to a point for the given time.
#[derive(Debug)]
struct Kill {
    dies: Option<(Point, u64)>,
    visits: AtomicU64,
}

impl Death for Kill {
    fn comes(&self, at: Point) -> bool {
        let Some((point, visit)) = self.dies.filter(|(point, _)| *point == at) else {
            return false;
        };
        if self.visits.fetch_add(1, Ordering::Relaxed) + 1 < visit {
            return false;
        }
        if point == Point::DuringCommit {
            // What goes on meanwhile is met anywhere.
            let micros = super::chance(MICROS);
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_micros(micros));
                kill();
            });
            return false;
        }
        kill();
        true
    }
}

fn kill() {
    let id = std::process::id().to_string();
    let sent = Command::new("kill").args(["-9", &id]).status();
    // Nothing goes on until the signal has come.
    std::thread::sleep(PATIENCE);
    panic!("this process outlived its SIGKILL: {sent:?}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "the story hands its order to its processes in the environment"
)]
fn order() -> Option<Order> {
    let order = std::env::var(ORDER).ok()?;
    Some(serde_json::from_str(&order).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "no story: the process that the story of `killed` starts and kills"]
async fn the_process_that_is_killed() {
    let Some(order) = order() else { return };
    let clock = Arc::new(SystemClock);
    let opening = Opening {
        prefix: "idtrail".to_owned(),
        partitions: 3,
    };
    let broker = Embedded::open(&order.topics, opening, clock).await;
    let broker: Arc<dyn Broker> = Arc::new(broker.unwrap());
    let context = Context {
        broker,
        clock: Arc::new(SystemClock),
        chance: Chance::system(),
        stopper: Stopper::new(),
        health: Health::new(),
        limit: BatchLimit {
            records: RECORDS,
            ..BatchLimit::default()
        },
    };
    let death: Arc<dyn Death> = Arc::new(Kill {
        dies: order.dies,
        visits: AtomicU64::new(0),
    });
    let config = order.config;
    let ((history, keys), kek) = service::open(&config, &context).await.unwrap().unwrap();
    let mut service = Service::on((&history, &keys), Arc::clone(&kek), &context);
    service.audit.store = Arc::new(Dying {
        inner: Arc::clone(&service.audit.store),
        death: Arc::clone(&death),
    });
    let key = Arc::new(config.log_key().unwrap().unwrap());
    let heads = service::open_heads(&config, &key, &context).await;
    let heads = Arc::new(DyingHeads {
        inner: heads.unwrap().unwrap(),
        death,
    });
    let store = Arc::clone(&service.audit.store);
    let both = (Arc::clone(&key), heads as Arc<dyn HeadStore>);
    let signing = Signing::of((&config, &history), store, both, &context);
    let databases = (&history, &keys);
    let reconciler = Reconciler::new(&config, databases, Arc::clone(&kek), Some(key));
    let worker = Worker {
        clients: Clients::on(Opened::on((&history, &keys), kek)),
        backup_days: config.key_backup_days,
        job: config.retention,
        cover: Cover::of(&config),
        stopper: context.stopper.clone(),
    };
    let signing = signing.unwrap();
    Box::pin(service.run(&context, Some(&signing), (&worker, &reconciler))).await;
}
