//! Members that die, sleep or meet their double. Kafka only: the embedded broker lives and dies with its process.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use schemas::Topic;
use stage::{BrokerError, SystemClock, broker::kafka::Kafka};

use super::house::{House, batch, limit, pass_on, passed_on, texts, within};

const GROUP: &str = "validate";
/// Names the prefix to the member that a test starts as a process of its own.
const PREFIX: &str = "IDTRAIL_TEST_MEMBER_OF";

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_of_the_same_instance_fences_the_first() {
    let Some(house) = House::kafka().await else {
        return;
    };
    let posted = house.post(Topic::Raw, 20, 5).await;
    let mut old = house
        .process("a")
        .subscribe(GROUP, &[Topic::Raw])
        .await
        .unwrap();
    let first = within("a batch", old.next(&limit(30))).await.unwrap();
    old.commit(passed_on(&first, Topic::Checked)).await.unwrap();
    let out = within("a batch", old.next(&limit(30))).await.unwrap();
    let mut new = house
        .process("a")
        .subscribe(GROUP, &[Topic::Raw])
        .await
        .unwrap();
    let refused = within("an answer", old.commit(passed_on(&out, Topic::Checked))).await;
    assert_eq!(refused, Err(BrokerError::Fenced));
    pass_on(new.as_mut(), posted.len() - first.len(), Topic::Checked).await;
    assert_eq!(texts(&house.visible(Topic::Checked).await), posted);
    // It stays dead, and says so also to who only waits.
    let begun = Instant::now();
    while within("an answer", old.next(&limit(1))).await != Err(BrokerError::Fenced) {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "waited 30 s to be told"
        );
    }
    new.close().await;
    old.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_slept_through_its_session_cannot_commit() {
    let Some(house) = House::kafka().await else {
        return;
    };
    let posted = house.post(Topic::Raw, 20, 5).await;
    let mut sleeper = Sleeper::start(house.broker.prefix());
    sleeper.wait_for("out");
    sleeper.signal("STOP");
    let mut other = house
        .process("b")
        .subscribe(GROUP, &[Topic::Raw])
        .await
        .unwrap();
    // Its session ends, and everything comes here.
    pass_on(other.as_mut(), posted.len(), Topic::Checked).await;
    assert_eq!(texts(&house.visible(Topic::Checked).await), posted);
    other.close().await;
    // Nobody is left in the group, so nothing but the old generation speaks against the sleeper.
    sleeper.signal("CONT");
    sleeper.tell("commit");
    let told = sleeper.wait_for("answer");
    assert!(!told.contains("Ok"), "{told}");
    assert_eq!(texts(&house.visible(Topic::Checked).await), posted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_member_is_followed_and_its_batch_comes_again() {
    let Some(house) = House::kafka().await else {
        return;
    };
    let posted = house.post(Topic::Raw, 20, 5).await;
    let mut killed = Sleeper::start(house.broker.prefix());
    killed.wait_for("out");
    killed.signal("KILL");
    let begun = Instant::now();
    // The same instance again: nobody has to wait for the session's end.
    let mut member = house
        .process("child")
        .subscribe(GROUP, &[Topic::Raw])
        .await
        .unwrap();
    pass_on(member.as_mut(), posted.len(), Topic::Checked).await;
    assert!(
        begun.elapsed() < Duration::from_secs(9),
        "took {:?}",
        begun.elapsed()
    );
    assert_eq!(texts(&house.visible(Topic::Checked).await), posted);
    member.close().await;
}

/// A member in a process of its own: takes a batch, says so, and commits when told.
struct Sleeper {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Sleeper {
    fn start(prefix: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "contract::kill::child",
                "--nocapture",
                "--ignored",
            ])
            .env(PREFIX, prefix)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    /// The line that begins with a word.
    fn wait_for(&mut self, word: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(
                self.said.read_line(&mut line).unwrap(),
                0,
                "it ended before: {word}"
            );
            if line.starts_with(word) {
                return line;
            }
        }
    }

    fn tell(&mut self, word: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{word}").unwrap();
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .unwrap();
        assert!(status.success());
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The other side of [`Sleeper`]; no test by itself.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by other tests as a process of its own"]
#[expect(
    clippy::disallowed_methods,
    reason = "its parent names the prefix in the environment"
)]
async fn child() {
    let Ok(prefix) = std::env::var(PREFIX) else {
        return;
    };
    let mut settings = House::without_topics().await.unwrap().settings("child");
    settings.prefix = prefix;
    let broker = Kafka::open(settings, std::sync::Arc::new(SystemClock)).unwrap();
    let mut member = stage::Broker::subscribe(&broker, GROUP, &[Topic::Raw])
        .await
        .unwrap();
    let taken = batch(member.as_mut()).await;
    println!("\nout {}", taken.len());
    let mut order = String::new();
    std::io::stdin().read_line(&mut order).unwrap();
    let answer = within(
        "an answer",
        member.commit(passed_on(&taken, Topic::Checked)),
    )
    .await;
    println!("\nanswer {answer:?}");
}
