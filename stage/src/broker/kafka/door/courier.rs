//! Carries posts to the brokers that lead their partitions: one request at a time to each, with all that waits for it.
//!
//! While a request is out, posts gather; so batches grow with the load and nobody waits for company. All is one task on
//! the callers' own runtime: with the door's one thread, a post costs no switch of threads.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use schemas::Topic;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior},
};

use super::{
    super::client::Clients,
    batch::Identity,
    cluster::{self, Answer, Question},
    lane::{Lane, Returned},
    partition::Post,
    route::Route,
    wire::{Host, Reach},
};

/// How often it is looked after what waits in vain.
const TICK: Duration = Duration::from_millis(100);
/// Posts taken over at once.
const TURN: usize = 1_024;
/// How often the cluster is asked though nothing is wrong: partitions may have been added.
const REFRESH: Duration = Duration::from_mins(1);
/// The pause before the cluster is asked again, and so before a batch is sent again.
const AGAIN: Duration = Duration::from_millis(100);

/// What comes of an operation.
enum Done {
    Asked(io::Result<Answer>),
    Carried {
        broker: i32,
        request: u64,
        carried: Vec<(Topic, i32)>,
        returned: io::Result<Returned>,
    },
}

/// The task.
pub(super) struct Courier {
    clients: Arc<Clients>,
    reach: Arc<Reach>,
    bootstrap: Vec<Host>,
    routes: BTreeMap<Topic, Route>,
    lanes: BTreeMap<i32, Lane>,
    identity: Option<Identity>,
    asking: bool,
    /// When the cluster was last asked; none before the first time.
    asked: Option<Instant>,
    /// Who answered last, and is asked first.
    answered: Option<Host>,
    /// Whether the last question was answered by nobody: only the first one is told.
    unheard: bool,
    requests: u64,
    under_way: FuturesUnordered<BoxFuture<'static, Done>>,
}

impl Courier {
    pub(super) fn new(clients: Arc<Clients>, reach: Arc<Reach>, bootstrap: Vec<Host>) -> Self {
        Self {
            clients,
            reach,
            bootstrap,
            routes: BTreeMap::new(),
            lanes: BTreeMap::new(),
            identity: None,
            asking: false,
            asked: None,
            answered: None,
            unheard: false,
            requests: 0,
            under_way: FuturesUnordered::new(),
        }
    }

    /// Carries until nobody can post any more.
    pub(super) async fn run(mut self, mut posts: mpsc::Receiver<Post>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut taken = Vec::with_capacity(TURN);
        loop {
            tokio::select! {
                biased;
                Some(done) = self.under_way.next() => self.learn(done),
                _ = ticks.tick() => self.tend(),
                count = posts.recv_many(&mut taken, TURN) => {
                    if count == 0 {
                        return;
                    }
                    for post in taken.drain(..) {
                        self.routes.entry(post.output.topic).or_default().place(post);
                    }
                }
            }
            self.dispatch();
        }
    }

    /// Sends what can be sent, and asks the cluster where that is not known.
    fn dispatch(&mut self) {
        let now = Instant::now();
        for (broker, lane) in &mut self.lanes {
            if lane.is_busy() {
                continue;
            }
            let request = self.requests;
            let mut produce = lane.begin(&self.reach.client_id);
            let mut carried = Vec::new();
            for (topic, route) in &mut self.routes {
                let name = self.clients.topic(*topic);
                for (index, partition) in route.led_by(*broker) {
                    if let Some(sealed) = partition.take(request, self.identity, now) {
                        produce.add(*topic, name, index, sealed);
                        carried.push((*topic, index));
                    }
                }
            }
            if carried.is_empty() {
                lane.leave(produce);
                continue;
            }
            self.requests += 1;
            let broker = *broker;
            let done = lane
                .carry(&self.reach, produce)
                .map(move |returned| Done::Carried {
                    broker,
                    request,
                    carried,
                    returned,
                });
            self.under_way.push(done.boxed());
        }
        self.ask(now);
    }

    fn ask(&mut self, now: Instant) {
        let needs_identity =
            self.identity.is_none() && self.routes.values().any(Route::needs_identity);
        let pause = if needs_identity || self.routes.values().any(Route::is_lost) {
            AGAIN
        } else {
            REFRESH
        };
        let early = |asked| now.saturating_duration_since(asked) < pause;
        if self.asking || self.asked.is_some_and(early) || self.routes.is_empty() {
            return;
        }
        let mut hosts: Vec<_> = self
            .lanes
            .values()
            .map(|lane| lane.host().clone())
            .collect();
        hosts.extend(self.bootstrap.iter().cloned());
        hosts.sort_by_key(|host| Some(host) != self.answered.as_ref());
        hosts.dedup();
        let names = self
            .routes
            .keys()
            .map(|topic| self.clients.topic(*topic).to_owned());
        let question = Question {
            hosts,
            topics: names.collect(),
            identity: needs_identity,
        };
        self.asking = true;
        let reach = Arc::clone(&self.reach);
        let asked = async move { Done::Asked(cluster::ask(&reach, &question).await) };
        self.under_way.push(asked.boxed());
    }

    fn learn(&mut self, done: Done) {
        match done {
            Done::Asked(answer) => {
                self.asking = false;
                self.asked = Some(Instant::now());
                match answer {
                    Ok(answer) => self.told(answer),
                    Err(error) if std::mem::replace(&mut self.unheard, true) => {
                        tracing::debug!(%error, "no broker says who leads the partitions");
                    }
                    Err(error) => {
                        tracing::warn!(%error, "no broker says who leads the partitions; they are asked again");
                    }
                }
            }
            Done::Carried {
                broker,
                request,
                carried,
                returned,
            } => {
                let lane = self.lanes.get_mut(&broker);
                let said = lane
                    .and_then(|lane| lane.back(returned))
                    .unwrap_or_default();
                for (topic, index) in carried {
                    let name = self.clients.topic(topic);
                    let answer = said.of(name, index);
                    let route = self.routes.get_mut(&topic);
                    let spoilt = route.and_then(|route| route.answered(index, request, answer));
                    self.forget(spoilt);
                }
            }
        }
    }

    fn told(&mut self, answer: Answer) {
        let now = Instant::now();
        self.answered = Some(answer.by);
        self.unheard = false;
        self.lanes
            .retain(|id, lane| lane.is_busy() || answer.brokers.contains_key(id));
        for (id, host) in answer.brokers {
            let lane = self
                .lanes
                .entry(id)
                .or_insert_with(|| Lane::new(host.clone()));
            lane.lead_to(host);
        }
        if let Some(identity) = answer.identity {
            self.identity = Some(identity);
        }
        for (name, standing) in answer.topics {
            let Some(topic) = self.clients.topic_of(&name) else {
                continue;
            };
            let route = self.routes.entry(topic).or_default();
            let spoilt = route.learn(standing, &name, now);
            self.forget(spoilt);
        }
    }

    /// An identity under which a batch was given up numbers nothing new.
    fn forget(&mut self, spoilt: impl IntoIterator<Item = Identity>) {
        for identity in spoilt {
            if self.identity == Some(identity) {
                self.identity = None;
            }
        }
    }

    fn tend(&mut self) {
        let now = Instant::now();
        let routes = self.routes.values_mut();
        let spoilt: Vec<_> = routes.flat_map(|route| route.tend(now)).collect();
        self.forget(spoilt);
    }
}
