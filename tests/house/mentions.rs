//! What only one place may name, so that leaving it is a change of that place.

use super::{files, hold};

struct Name {
    word: &'static str,
    /// Beginnings of the paths of the files that may name it.
    homes: &'static [&'static str],
    instead: &'static str,
}

const POOLS: &[&str] = &[
    "stage/src/database/pools.rs",
    "outside/directory/src/store.rs",
];
const NO_UPKEEP: &str = "a pool with sqlx's limits of age may hold a core for ever: ask stage::database, or the directory's store";

const NAMES: [Name; 7] = [
    Name {
        word: "rdkafka",
        // The bench measures the bare client beside ours.
        homes: &["stage/src/broker/kafka", "bench/"],
        instead: "only stage/src/broker/kafka… knows the Kafka client: ask the trait `Broker` for what you need",
    },
    Name {
        word: "kafka_protocol",
        homes: &[],
        instead: "it believes every length that it reads, so only tests may: stage/src/broker/kafka/door speaks for us",
    },
    Name {
        word: "backoff",
        homes: &["stage/src/retry.rs"],
        instead: "only stage/src/retry.rs knows that crate: call `stage::retry`",
    },
    Name {
        word: "PoolOptions",
        homes: POOLS,
        instead: NO_UPKEEP,
    },
    Name {
        word: "PgPoolOptions",
        homes: &[],
        instead: NO_UPKEEP,
    },
    Name {
        word: "SqlitePoolOptions",
        homes: &[],
        instead: NO_UPKEEP,
    },
    Name {
        word: "jumio",
        homes: &[
            "outside/jumio/",
            "ingest/src/providers.rs",
            "ingest/src/config/access.rs",
            "src/",
            "bench/",
            "fuzz/",
        ],
        instead: "only the provider's own crate and the lists of providers know it: take the name from the list",
    },
];

#[test]
fn what_has_one_place_is_named_only_there() {
    let files = files::all();
    let shipped = files
        .iter()
        .filter(|file| file.is_rust() && !file.is_test());
    hold(shipped.flat_map(|file| {
        NAMES
            .iter()
            .flat_map(|name| mentions(&file.path, &file.text, name))
    }));
}

/// The lines of code, tests apart, that name it in a file that must not.
fn mentions(path: &str, text: &str, name: &Name) -> Vec<String> {
    if name.homes.iter().any(|home| path.starts_with(home)) {
        return Vec::new();
    }
    let lines = shipped(text)
        .lines()
        .enumerate()
        .filter(|(_, line)| names(code(line), name.word));
    lines
        .map(|(number, _)| {
            format!(
                "{path}:{} names {}: {}",
                number + 1,
                name.word,
                name.instead
            )
        })
        .collect()
}

/// What stands before the tests, which are the last thing in a file.
fn shipped(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or(text)
}

/// A line without its comment; the slashes of a URL begin none.
fn code(line: &str) -> &str {
    let comment = line
        .match_indices("//")
        .find(|(at, _)| !line[..*at].ends_with(':'));
    comment.map_or(line, |(at, _)| &line[..at])
}

/// Whether a word, in any case, begins like this: `rdkafka_sys` does; `librdkafka` and `reconnect.backoff.ms` do not.
fn names(code: &str, word: &str) -> bool {
    let code = code.to_ascii_lowercase();
    let joins = |before: char| before.is_ascii_alphanumeric() || "_.".contains(before);
    code.match_indices(word)
        .any(|(at, _)| !code[..at].ends_with(joins))
}

#[test]
fn a_mention_is_found_in_code_and_only_there() {
    let found = |path: &str, text: &str| {
        NAMES
            .iter()
            .flat_map(|name| mentions(path, text, name))
            .count()
    };
    let use_kafka = "use rdkafka::message::Message;\n";
    for (path, text) in [
        ("stage/src/run.rs", use_kafka),
        ("stage/src/run.rs", "let _ = rdkafka_sys::RD;\n"),
        ("stage/src/relay.rs", "use backoff::Backoff;\n"),
        ("ingest/src/validate.rs", "let provider = \"jumio\";\n"),
        (
            "ingest/src/door.rs",
            "\n\"http://127.0.0.1/callbacks/jumio\"\n",
        ),
        ("enrich/src/ask.rs", "fn ask(client: &JumioClient) {}\n"),
    ] {
        assert_eq!(found(path, text), 1, "{path}: {text}");
    }
    let in_tests = "\n#[cfg(test)]\nmod tests {\n const NAME: &str = \"jumio\";\n}\n";
    for (path, text) in [
        ("stage/src/broker/kafka/writer.rs", use_kafka),
        ("src/config.rs", "// rdkafka\n\"librdkafka\" // rdkafka\n"),
        (
            "stage/src/relay.rs",
            "set(\"reconnect.backoff.ms\", \"100\")",
        ),
        ("enrich/src/ask.rs", in_tests),
    ] {
        assert_eq!(found(path, text), 0, "{path}: {text}");
    }
}
