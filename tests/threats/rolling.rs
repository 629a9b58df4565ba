//! Doors behind a load balancer, restarted in turn: no post fails, though nobody repeats one, and none is lost.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::time::sleep;

use super::{
    doors::{Below, Doors, part},
    line::share,
    steady::{Steady, reference},
};
use crate::world::{free, use_parts, wait_for};

const DOORS: usize = 2;
/// Who posts.
const CLIENT: [u8; 4] = [127, 0, 0, 3];
/// How long a stopping door still takes posts. Checks come every 200 ms and two must fail: ten times that.
const ANNOUNCE_MS: &str = "2000";
/// How long the balancer may take to see a door that is up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Load before, between and after the restarts.
const PAUSE: Duration = Duration::from_millis(1_500);

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_behind_haproxy_fails_no_post() {
    run("http", 500, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_behind_haproxy_that_knows_no_http_fails_no_post() {
    run("tcp", 500, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: make soak runs it"]
async fn soak_a_rolling_restart_behind_haproxy_fails_no_post() {
    for mode in ["http", "tcp"] {
        run(mode, 2_000, 3).await;
    }
}

async fn run(mode: &str, rate: u32, rounds: usize) {
    let (Some(program), Some(below)) = (part("HAPROXY"), Below::one_broker()) else {
        return;
    };
    let _alone = use_parts(true, true).await;
    // Only what the PROXY header tells is a listed client: the balancer's own address is not.
    let settings = [
        ("DOOR__ANNOUNCE_MS", ANNOUNCE_MS),
        ("DOOR__ALLOW", "[\"127.0.0.3/32\"]"),
        ("DOOR__PROXIES", "[\"127.0.0.1/32\"]"),
        ("DOOR__PROXY_PROTOCOL", "true"),
    ];
    let Some(mut doors) = Doors::start(below, DOORS, &settings).await else {
        return;
    };
    let balancer = Balancer::start(&program, mode, &doors);
    balancer.sees_all(&doors).await;
    let steady = Steady::new(balancer.listen, rate).from(CLIENT.into());
    let (outcome, ()) = tokio::join!(steady.run(), async {
        sleep(PAUSE).await;
        for number in (0..DOORS).cycle().take(DOORS * rounds) {
            doors.terminate(number).await;
            doors.spawn(number);
            doors.ready(number).await;
            balancer.sees_all(&doors).await;
            sleep(PAUSE).await;
        }
        steady.stop();
    });
    let kept = doors.raw().await;
    let identity = |record: &stage::Record| {
        let body = record.value.as_deref().unwrap();
        jumio::identify(jumio::Media::guess(body), body).unwrap()
    };
    let references = kept.iter().map(|one| identity(one).provider_reference);
    let references: BTreeSet<String> = references.collect();
    let failed: BTreeSet<usize> = outcome.failed.iter().map(|failed| failed.1).collect();
    let lost = (0..outcome.posted)
        .filter(|number| !failed.contains(number) && !references.contains(&reference(*number)))
        .count();
    println!(
        "tally: mode {mode}, {} posts at {rate}/s, {} restarts: {} failed, {lost} lost, {} doubled, p50 {:?}, p99 {:?}, longest {:?}",
        outcome.posted,
        DOORS * rounds,
        failed.len(),
        kept.len() - references.len(),
        share(&outcome.took, 500),
        share(&outcome.took, 990),
        share(&outcome.took, 1_000),
    );
    assert_eq!(
        outcome.failed,
        [],
        "failed: due, number, status (0 for an end without an answer), how long it took"
    );
    assert_eq!(lost, 0, "answered 200 and not in the topic");
}

/// `HAProxy`, ended when dropped.
struct Balancer {
    listen: SocketAddr,
    page: SocketAddr,
    child: Child,
}

impl Balancer {
    fn start(program: &str, mode: &str, doors: &Doors) -> Self {
        let (listen, page) = (free(), free());
        let file = doors.folder.path().join("haproxy.cfg");
        std::fs::write(&file, settings(mode, (listen, page), doors)).unwrap();
        let log = std::fs::File::create(doors.folder.path().join("haproxy.log")).unwrap();
        let child = Command::new(program)
            .args(["-db", "-f"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self {
            listen,
            page,
            child,
        }
    }

    /// Waits until it sends posts to each door.
    async fn sees_all(&self, doors: &Doors) {
        let url = format!("http://{}/;csv", self.page);
        wait_for("every door to be up for HAProxy", PATIENCE, async || {
            let answer = doors.client.get(&url).send().await;
            let page = answer.map_err(|error| error.to_string())?;
            let page = page.text().await.map_err(|error| error.to_string())?;
            let servers = page.lines().filter(|line| line.starts_with("doors,door-"));
            let up = servers.filter(|line| line.contains(",UP,")).count();
            (up == DOORS).then_some(()).ok_or(page)
        })
        .await;
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// As an operator would set it: checks on the admin listener's `/readyz`, no repeating of posts that were sent.
fn settings(mode: &str, (listen, page): (SocketAddr, SocketAddr), doors: &Doors) -> String {
    let mut text = format!(
        "global
  maxconn 4000
defaults
  mode {mode}
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout check 1s
  option redispatch
frontend posts
  bind {listen}
  default_backend doors
backend doors
  balance roundrobin
  option httpchk GET /readyz
  default-server check inter 200ms fall 2 rise 2
"
    );
    for number in 0..DOORS {
        let (door, admin) = (doors.listen(number), doors.admin(number));
        writeln!(
            text,
            "  server door-{number} {door} send-proxy-v2 port {}",
            admin.port()
        )
        .unwrap();
    }
    writeln!(
        text,
        "listen page\n  mode http\n  bind {page}\n  stats enable\n  stats uri /"
    )
    .unwrap();
    text
}
