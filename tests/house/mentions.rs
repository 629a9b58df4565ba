//! What only one place may name, so that leaving it is a change of that place.

use super::{files, hold};

struct Name {
    word: &'static str,
    /// Beginnings of the paths of the files that may name it.
    homes: &'static [&'static str],
    instead: &'static str,
}

const NAMES: [Name; 3] = [
    Name {
        word: "rdkafka",
        homes: &["stage/src/broker/kafka"],
        instead: "only stage/src/broker/kafka… knows the Kafka client: ask the trait `Broker` for what you need",
    },
    Name {
        word: "backoff",
        homes: &["stage/src/retry.rs"],
        instead: "only stage/src/retry.rs knows that crate: call `stage::retry`",
    },
    Name {
        word: "jumio",
        homes: &["outside/jumio/", "ingest/src/providers.rs", "ingest/src/config.rs", "src/", "bench/"],
        instead: "only the provider's own crate and the lists of providers know it: take the name from the list",
    },
];

#[test]
fn what_has_one_place_is_named_only_there() {
    let files = files::all();
    let shipped = files.iter().filter(|file| file.is_rust() && !file.is_test());
    hold(shipped.flat_map(|file| NAMES.iter().flat_map(|name| mentions(&file.path, &file.text, name))));
}

/// The lines of code, tests apart, that name it in a file that must not.
fn mentions(path: &str, text: &str, name: &Name) -> Vec<String> {
    if name.homes.iter().any(|home| path.starts_with(home)) {
        return Vec::new();
    }
    let lines = shipped(text).lines().enumerate().filter(|(_, line)| names(code(line), name.word));
    lines.map(|(number, _)| format!("{path}:{} names {}: {}", number + 1, name.word, name.instead)).collect()
}

/// What stands before the tests, which are the last thing in a file.
fn shipped(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

/// A line without its comment; the slashes of a URL begin none.
fn code(line: &str) -> &str {
    let comment = line.match_indices("//").find(|(at, _)| !line[..*at].ends_with(':'));
    comment.map_or(line, |(at, _)| &line[..at])
}

/// Whether a word, in any case, begins like this: `librdkafka` does not, `rdkafka_sys` does.
fn names(code: &str, word: &str) -> bool {
    let code = code.to_ascii_lowercase();
    code.match_indices(word).any(|(at, _)| {
        !code[..at].ends_with(|before: char| before.is_ascii_alphanumeric() || before == '_')
    })
}

#[test]
fn a_mention_is_found_in_code_and_only_there() {
    let found = |path: &str, text: &str, word: &str| {
        let name = NAMES.iter().find(|name| name.word == word).unwrap();
        mentions(path, text, name).len()
    };
    assert_eq!(found("stage/src/run.rs", "use rdkafka::message::Message;\n", "rdkafka"), 1);
    assert_eq!(found("stage/src/run.rs", "let _sys = rdkafka_sys::RD;\n", "rdkafka"), 1);
    assert_eq!(found("stage/src/broker/kafka/producer.rs", "use rdkafka::message::Message;\n", "rdkafka"), 0);
    assert_eq!(found("src/config.rs", "// rdkafka\nlet about = \"librdkafka properties\"; // rdkafka\n", "rdkafka"), 0);
    assert_eq!(found("stage/src/relay.rs", "use backoff::ExponentialBackoff;\n", "backoff"), 1);
    assert_eq!(found("ingest/src/validate.rs", "let provider = \"jumio\";\n", "jumio"), 1);
    assert_eq!(found("ingest/src/door.rs", "\n\"http://127.0.0.1/callbacks/jumio\"\n", "jumio"), 1);
    assert_eq!(found("enrich/src/ask.rs", "fn ask(client: &JumioClient) {}\n", "jumio"), 1);
    assert_eq!(found("enrich/src/ask.rs", "\n#[cfg(test)]\nmod tests {\n const P: &str = \"jumio\";\n}\n", "jumio"), 0);
}
