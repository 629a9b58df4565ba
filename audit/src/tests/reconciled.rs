//! A service with its reconciler, and callbacks with everything that comes of them.

use std::time::Duration;

use schemas::{Audience, Delivery, Enriched, Notice, NoticeOutcome, Notified, Rejected, Timestamp};
use serde_json::Value;
use stage::{Clock as _, Record};

use super::{
    acts::own,
    records::About,
    world::{BEGIN, World, keep},
};
use crate::{reconcile::Reconciler, service::Service};

/// How the settings of these stories stand: the grace, and the pause between two accounts.
pub(super) const GRACE: Duration = Duration::from_hours(1);

/// A service, and its reconciler.
pub(super) struct Reconciling<'a> {
    pub(super) world: &'a World,
    pub(super) service: Service,
    pub(super) reconciler: Reconciler,
    context: stage::Context,
}

impl<'a> Reconciling<'a> {
    pub(super) async fn of(world: &'a World) -> Self {
        let config = &world.config;
        let kek = std::sync::Arc::new(config.kek().unwrap());
        let key = config.log_key().unwrap().map(std::sync::Arc::new);
        let databases = (&world.database(), &world.key_database());
        let service = world.service().await;
        let reconciler = Reconciler::new(config, databases, kek, key);
        let this = Self {
            world,
            service,
            reconciler,
            context: world.context(),
        };
        // The first look at a history says nothing yet.
        this.turn().await;
        this
    }

    /// What the reconciler does at this time.
    pub(super) async fn turn(&self) {
        let (audit, queue) = (&self.service.audit, &self.service.queue);
        let stopper = self.world.context();
        let turn = async {
            let work = (audit, &self.service.acts);
            let now = self.world.clock.now();
            self.reconciler
                .turn(work, &self.context, now)
                .await
                .unwrap();
            stopper.stopper.stop();
        };
        let queue = queue.run(audit, &self.service.noted, &stopper);
        Box::pin(async { tokio::join!(queue, turn) }).await;
    }

    pub(super) async fn keep(&self, records: &[Record]) {
        keep(&self.service, records).await.unwrap();
    }

    /// What it says an hour later.
    pub(super) async fn told(&self) -> Value {
        self.told_after(GRACE + Duration::from_secs(1)).await
    }

    /// What it says when so much time has gone by.
    pub(super) async fn told_after(&self, pause: Duration) -> Value {
        self.world.clock.advance(pause);
        self.turn().await;
        let own = own(self.world, &self.service).await;
        let told = own.into_iter().map(|(kind, _, body)| (kind, body));
        let mut told = told.filter(|(_, body)| body["what"] == "reconciled");
        let (kind, body) = told.next_back().expect("it tells");
        assert_eq!(kind, "batch");
        assert_eq!(self.context.health.told()["reconciliation"], body);
        body
    }
}

/// A callback with everything that comes of it; one partition, each record at the same offset of its topic.
pub(super) fn journey(world: &World, at: i64) -> [Record; 5] {
    let about = About::check(&format!("R-{at}"), "A-1", (0, at));
    let enriched = world.record(&about.enriched(), &about, about.at);
    let told = |audience, offset| {
        let notified = notified(&about.enriched(), &enriched, (audience, None));
        world.record(&notified, &about, (0, offset))
    };
    [
        about.raw(),
        world.record(&about.checked(), &about, about.at),
        told(Audience::Onboarding, 2 * at),
        told(Audience::Sales, 2 * at + 1),
        enriched,
    ]
}

fn delivery(reason: Option<&str>) -> Delivery {
    Delivery {
        outcome: reason.map_or(NoticeOutcome::Sent, |_| NoticeOutcome::Suppressed),
        reason: reason.map(str::to_owned),
        attempts: 1,
        provider_message_id: None,
        at: Timestamp::from_micros(BEGIN),
    }
}

pub(super) fn notified(
    event: &Enriched,
    source: &Record,
    (audience, reason): (Audience, Option<&str>),
) -> Notified {
    let id = event.checked().event_id().to_string();
    ended(id, source, (audience, reason))
}

pub(super) fn ended(
    event_id: String,
    source: &Record,
    (audience, reason): (Audience, Option<&str>),
) -> Notified {
    let notice = Notice {
        event_id,
        audience,
        channel: "maildir".to_owned(),
        recipient: "q".to_owned(),
    };
    let at = Timestamp::from_micros(BEGIN);
    Notified::new(
        &notice,
        ("result", 1),
        delivery(reason),
        (None, source.position.clone()),
        at,
    )
}

pub(super) fn alert(world: &World, refusal: &Rejected, (source, at): (&Record, i64)) -> Record {
    let about = About::check("R-alert", "A-1", (0, 0));
    let notified = ended(refusal.id().to_string(), source, (Audience::Admins, None));
    world.record(&notified, &about, (1, at))
}

/// The counts of what was told.
pub(super) fn counts(told: &Value) -> Value {
    let names = [
        "accepted",
        "audited",
        "refused",
        "repeats",
        "erased",
        "in_flight",
        "missing",
        "violations",
    ];
    let counts = names.iter().map(|name| told[*name].clone());
    Value::Array(counts.collect())
}
