//! From POST to mail handed over, at a steady rate.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use crate::{
    load::{self, ACCOUNTS, quantile},
    system::{System, part},
};

/// Callbacks a second; accounts take turns, so each mail's account says which post it belongs to.
const RATE: u64 = 100;
/// File times are taken from a clock that is moved on every few milliseconds, so they may lie a little too early.
const GRAIN: Duration = Duration::from_millis(10);
const SERVICES: [&str; 5] = ["ingest", "validate", "enrich", "notify", "audit"];

/// Measures both kinds.
pub(crate) async fn run(seconds: u64) {
    let smtp = part("SMTP_PLAIN");
    if let Some((host, port)) = smtp.as_deref().and_then(|address| address.split_once(':')) {
        let settings = [
            ("NOTIFY__CHANNEL", "smtp"),
            ("NOTIFY__SMTP__HOST", host),
            ("NOTIFY__SMTP__PORT", port),
            ("NOTIFY__SMTP__TLS", "none"),
        ];
        measure("real, SMTP", true, &settings, seconds).await;
    }
    measure(
        "embedded, maildir",
        false,
        &[("NOTIFY__CHANNEL", "maildir")],
        seconds,
    )
    .await;
}

async fn measure(name: &str, real: bool, settings: &[(&str, &str)], seconds: u64) {
    let Some(system) = System::start(real, &SERVICES, settings).await else {
        return;
    };
    let folder = if real {
        PathBuf::from(part("MAILDIR").unwrap())
    } else {
        system.data().join("mail")
    }
    .join("new");
    // The first seconds pay for connections, prepared statements and cold caches.
    let warm = post_steadily(&system, 0, 10 * RATE).await;
    let posted = post_steadily(&system, 10 * RATE, seconds * RATE).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let arrived = arrivals(
        &folder,
        warm.last().map_or(SystemTime::UNIX_EPOCH, |last| last.1),
    );
    let mut latencies = Vec::new();
    let mut missing = 0;
    for (account, posted) in &posted {
        let later = arrived
            .get(account)
            .and_then(|times| times.iter().find(|time| **time + GRAIN >= *posted));
        match later {
            Some(time) => latencies.push(time.duration_since(*posted).unwrap_or_default()),
            None => missing += 1,
        }
    }
    latencies.sort_unstable();
    let millis = |share: f64| quantile(&latencies, share).as_secs_f64() * 1e3;
    println!(
        "latency {name}: {} mails at {RATE} callbacks/s: p50 {:.0} ms, p99 {:.0} ms, max {:.0} ms, {missing} missing",
        latencies.len(),
        millis(0.5),
        millis(0.99),
        millis(1.0),
    );
}

async fn post_steadily(system: &System, first: u64, count: u64) -> Vec<(usize, SystemTime)> {
    let mut ticker = tokio::time::interval(Duration::from_millis(1_000 / RATE));
    let mut streams = tokio::task::JoinSet::new();
    let mut posted = Vec::new();
    for number in first..first + count {
        ticker.tick().await;
        let number = usize::try_from(number).unwrap();
        let request = load::request(number, "lat");
        let door = system.door;
        posted.push((number % ACCOUNTS, now()));
        streams.spawn(async move {
            let mut stream = load::connect(door).await;
            load::post(&mut stream, &request).await
        });
    }
    while let Some(done) = streams.join_next().await {
        assert_eq!(done.unwrap(), Some(200));
    }
    posted
}

#[expect(
    clippy::disallowed_methods,
    reason = "file times are compared with the machine's clock"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

/// When the onboarding mail of each account arrived, oldest first.
fn arrivals(folder: &PathBuf, since: SystemTime) -> BTreeMap<usize, Vec<SystemTime>> {
    let mut all: BTreeMap<usize, Vec<SystemTime>> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Ok(time) = path.metadata().and_then(|data| data.modified()) else {
            continue;
        };
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if time < since || !text.contains("q-onboarding@") {
            continue;
        }
        let account = text.split("/accounts/acc").nth(1).map(|rest| {
            rest.chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>()
        });
        if let Some(account) = account.and_then(|digits| digits.parse().ok()) {
            all.entry(account).or_default().push(time);
        }
    }
    for times in all.values_mut() {
        times.sort_unstable();
    }
    all
}
