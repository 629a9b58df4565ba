//! The settings of each kind of client, with the reason for every number.

use rdkafka::ClientConfig;

use super::KafkaSettings;

/// Largest record that is produced; the same as the embedded broker's and the topics' own limit.
pub(super) const MAX_RECORD_BYTES: usize = 1_048_576;
/// Room for headers and framing above the largest record.
pub(super) const MAX_MESSAGE_BYTES: usize = MAX_RECORD_BYTES + 65_536;

fn base(settings: &KafkaSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &settings.bootstrap)
        .set("client.id", format!("idtrail-{}", settings.instance))
        // A broker that is back must be found within seconds, not after the default's ten.
        .set("reconnect.backoff.max.ms", "2000")
        .set("socket.keepalive.enable", "true")
        .set("topic.metadata.refresh.interval.ms", "30000");
    for (name, value) in &settings.properties {
        config.set(name, value);
    }
    config
}

/// Asks about topics and watermarks; belongs to no group.
pub(super) fn asking(settings: &KafkaSettings) -> ClientConfig {
    let mut config = base(settings);
    config
        .set("group.id", format!("{}.asking", settings.prefix))
        .set("enable.auto.commit", "false");
    config
}

/// Asks about the offsets of a group without joining it.
pub(super) fn observing(settings: &KafkaSettings, group: &str) -> ClientConfig {
    let mut config = base(settings);
    config
        .set("group.id", format!("{}.{group}", settings.prefix))
        .set("enable.auto.commit", "false");
    config
}

/// The door: idempotent, every in-sync replica.
pub(super) fn door(settings: &KafkaSettings) -> ClientConfig {
    let mut config = base(settings);
    config
        .set("enable.idempotence", "true")
        .set("acks", "all")
        // One request in flight makes batches by back-pressure: a quarter less CPU than five, and no
        // linger that would cost latency at low load.
        .set("max.in.flight.requests.per.connection", "1")
        .set("linger.ms", "0")
        // What waits longer than this has been answered 503 long ago; the provider repeats it.
        .set("message.timeout.ms", "5000")
        // Bounds the memory while the broker is away; beyond it posts are refused at once.
        .set("queue.buffering.max.messages", "20000")
        .set("queue.buffering.max.kbytes", "65536")
        .set("message.max.bytes", MAX_MESSAGE_BYTES.to_string())
        .set("partitioner", "murmur2_random");
    config
}

/// A transactional producer; the newest of its id fences the others.
pub(super) fn transactional(settings: &KafkaSettings, id: &str) -> ClientConfig {
    let mut config = base(settings);
    config
        .set("transactional.id", id)
        // A killed process holds up readers of its topics for at most this long.
        .set("transaction.timeout.ms", "15000")
        .set("message.timeout.ms", "10000")
        .set("linger.ms", "2")
        // One batch of the loop at most, twice over.
        .set("queue.buffering.max.messages", "20000")
        .set("queue.buffering.max.kbytes", "65536")
        .set("message.max.bytes", MAX_MESSAGE_BYTES.to_string())
        .set("partitioner", "murmur2_random");
    config
}

fn consuming(settings: &KafkaSettings) -> ClientConfig {
    let mut config = base(settings);
    config
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        // The default of a second halves what one consumer can take.
        .set("fetch.queue.backoff.ms", "10")
        .set("fetch.wait.max.ms", "25")
        .set("fetch.min.bytes", "4096")
        // Bounds the memory of what is fetched ahead: a few batches.
        .set("queued.max.messages.kbytes", "16384")
        .set("fetch.max.bytes", "8388608")
        .set("fetch.message.max.bytes", MAX_MESSAGE_BYTES.to_string());
    config
}

/// A member of a consumer group.
pub(super) fn member(settings: &KafkaSettings, group: &str) -> ClientConfig {
    let mut config = consuming(settings);
    config
        .set("group.id", format!("{}.{group}", settings.prefix))
        .set(
            "group.instance.id",
            format!("{group}-{}", settings.instance),
        )
        .set("partition.assignment.strategy", "cooperative-sticky")
        // A killed process is replaced within this; shorter would take a pause for a death.
        .set("session.timeout.ms", "10000")
        .set("heartbeat.interval.ms", "3000");
    config
}

/// A reader that keeps its own offsets.
pub(super) fn reading(settings: &KafkaSettings) -> ClientConfig {
    let mut config = consuming(settings);
    // The library wants a group's name even where none is joined.
    config.set("group.id", format!("{}.reading", settings.prefix));
    config
}
