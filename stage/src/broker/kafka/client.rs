//! How every client of Kafka is made: its properties, its names, and where it tells its errors.

use std::sync::Arc;

use rdkafka::{
    ClientConfig, ClientContext,
    config::{FromClientConfigAndContext, RDKafkaLogLevel},
    consumer::ConsumerContext,
    error::KafkaError,
    producer::{NoCustomPartitioner, ProducerContext},
};
use schemas::Topic;

use super::{BrokerError, KafkaSettings, fault};
use crate::Clock;

/// Largest record (key, headers and value), the same as the embedded broker's.
pub(super) const MAX_RECORD_BYTES: usize = 1_048_576;
/// The largest batch that our topics take: one record and its framing, with room for many headers.
pub(super) const MAX_MESSAGE_BYTES: &str = "1114112";

/// A property of librdkafka.
type Property = (&'static str, &'static str);

/// What every client gets, unless the settings say otherwise.
const COMMON: [Property; 7] = [
    // By default a client waits for up to 10 s before it tries a broker that is back.
    ("reconnect.backoff.max.ms", "1000"),
    // A host that swallows packets costs 5 s, not 30 s.
    ("socket.connection.setup.timeout.ms", "5000"),
    ("socket.keepalive.enable", "true"),
    // By default a topic that is missing is waited for during 30 s; two are enough for one just made.
    ("topic.metadata.propagation.max.ms", "2000"),
    // Once missed, a topic is looked for again only now and then: by default, every five minutes.
    ("topic.metadata.refresh.interval.ms", "10000"),
    // Brokers close connections that idle; that is no news.
    ("log.connection.close", "false"),
    // What is measured, our own metrics tell.
    ("enable.metrics.push", "false"),
];

/// Tunables of every consumer.
const READING: [Property; 6] = [
    // A little patience at the broker makes answers fuller and fewer; it adds at most this to a record's way.
    ("fetch.min.bytes", "65536"),
    ("fetch.wait.max.ms", "25"),
    // Records read ahead, in KiB: two batches, so that one is worked on while the other comes. Bounds the memory.
    ("queued.max.messages.kbytes", "16384"),
    // The default of one second after a full queue halves the rate (`perf.md`).
    ("fetch.queue.backoff.ms", "10"),
    // One answer of a broker, over all partitions; with the queue above it bounds the memory.
    ("fetch.max.bytes", "8388608"),
    ("fetch.error.backoff.ms", "100"),
];

/// What consumers' correctness rests on.
const READ_COMMITTED: [Property; 5] = [
    ("isolation.level", "read_committed"),
    // Offsets move in transactions only.
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "earliest"),
    ("check.crcs", "true"),
];

/// Tunables of every producer.
pub(super) const WRITING: [Property; 1] = [
    // Records that wait; beyond it a caller is told at once. A few seconds of posts at full load.
    ("queue.buffering.max.messages", "100000"),
];

/// What producers' correctness rests on.
const DURABLE: [Property; 4] = [
    ("enable.idempotence", "true"),
    ("acks", "all"),
    ("message.max.bytes", MAX_MESSAGE_BYTES),
    // As Java's clients do it, so that a key's partition does not depend on who writes.
    ("partitioner", "murmur2_random"),
];

/// Makes clients.
pub(super) struct Clients {
    settings: KafkaSettings,
    clock: Arc<dyn Clock>,
    names: Vec<String>,
}

impl Clients {
    pub(super) fn new(settings: KafkaSettings, clock: Arc<dyn Clock>) -> Self {
        // A series that begins with its first event shows no increase, and an alarm on increases would miss it.
        metrics::counter!("idtrail_kafka_offset_resets_total").increment(0);
        // Before any client is: whoever begins with librdkafka's OpenSSL says whether that cleans up when the process ends. It
        // must not, for a client may be at its handshake then: three of a hundred doors that were stopped right after their
        // start died of SIGSEGV.
        openssl_sys::init();
        let names = Topic::ALL.map(|topic| topic.name(&settings.prefix));
        Self {
            settings,
            clock,
            names: names.to_vec(),
        }
    }

    pub(super) fn settings(&self) -> &KafkaSettings {
        &self.settings
    }

    pub(super) fn prefix(&self) -> &str {
        &self.settings.prefix
    }

    /// The topic's name at the broker.
    pub(super) fn topic(&self, topic: Topic) -> &str {
        let index = Topic::ALL.iter().position(|one| *one == topic);
        index
            .and_then(|index| self.names.get(index))
            .map_or("", String::as_str)
    }

    /// The topic of a name at the broker.
    pub(super) fn topic_of(&self, name: &str) -> Option<Topic> {
        let word = name.strip_prefix(self.prefix())?.strip_prefix('.')?;
        Topic::from_word(word)
    }

    /// A group's, relay's or client's name at the broker.
    pub(super) fn scoped(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix())
    }

    /// Now, in milliseconds, for the records that are written.
    pub(super) fn now_millis(&self) -> i64 {
        self.clock.now().micros() / 1_000
    }

    /// A consumer; `own` are its further properties.
    pub(super) fn consumer<T, C>(&self, context: C, own: &[(&str, &str)]) -> Result<T, BrokerError>
    where
        T: FromClientConfigAndContext<C>,
        C: ConsumerContext,
    {
        self.config([&READING, &READ_COMMITTED], own)
            .create_with_context(context)
            .map_err(|error| refused(&error))
    }

    /// A producer with these tunables; `own` are its further properties.
    pub(super) fn producer<T, C>(
        &self,
        tuned: &[Property],
        context: C,
        own: &[(&str, &str)],
    ) -> Result<T, BrokerError>
    where
        T: FromClientConfigAndContext<C>,
        C: ProducerContext<NoCustomPartitioner> + 'static,
    {
        self.config([tuned, &DURABLE], own)
            .create_with_context(context)
            .map_err(|error| refused(&error))
    }

    /// Our tunables, then the operator's properties, then what correctness rests on.
    pub(super) fn config(
        &self,
        [tuned, fixed]: [&[Property]; 2],
        own: &[(&str, &str)],
    ) -> ClientConfig {
        let mut config = ClientConfig::new();
        let debugging = tracing::enabled!(target: "librdkafka", tracing::Level::DEBUG);
        config.set_log_level(if debugging {
            RDKafkaLogLevel::Debug
        } else {
            RDKafkaLogLevel::Info
        });
        config.set("client.id", self.scoped(&self.settings.instance));
        for (name, value) in COMMON.iter().chain(tuned) {
            config.set(*name, *value);
        }
        for (name, value) in &self.settings.properties {
            config.set(name.as_str(), value.as_str());
        }
        config.set("bootstrap.servers", &self.settings.bootstrap);
        for (name, value) in fixed.iter().copied().chain(own.iter().copied()) {
            config.set(name, value);
        }
        config
    }
}

/// Why a client cannot be made. The value of a property may be a secret, so only its name is told.
pub(super) fn refused(error: &KafkaError) -> BrokerError {
    BrokerError::Settings(if let KafkaError::ClientConfig(_, _, name, _) = error {
        format!("librdkafka refuses the property `{name}` or its value")
    } else {
        fault::text(error)
    })
}

/// The context of clients that only tell their errors.
pub(super) struct Telling;

impl ClientContext for Telling {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        tell_log(level, fac, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tell_error(&error, reason);
    }
}

impl ConsumerContext for Telling {}

/// Passes on what librdkafka logs; it logs no keys and no values.
pub(super) fn tell_log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => {
            tracing::error!(target: "librdkafka", facility, "{message}");
        }
        // Only this line says that records were deleted before they were read.
        RDKafkaLogLevel::Warning if facility == "OFFSET" => {
            metrics::counter!("idtrail_kafka_offset_resets_total").increment(1);
            tracing::error!(
                target: "librdkafka",
                facility,
                "records were deleted before they were read, or a topic was cut off: {message}"
            );
        }
        RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", facility, "{message}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
            tracing::info!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
    }
}

/// Passes on an error of a client as a whole; the client goes on trying.
pub(super) fn tell_error(error: &KafkaError, reason: &str) {
    if fault::passes(fault::code(error)) {
        // Said many times a second while a broker is away, and logged too, with repeats counted.
        tracing::debug!(target: "librdkafka", error = %fault::text(error), "{reason}");
    } else {
        tracing::warn!(target: "librdkafka", error = %fault::text(error), "{reason}");
    }
}
