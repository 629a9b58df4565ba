//! The sources in force: whom they let in, and what a change of the settings does to them.

use std::path::Path;

use super::*;

const PROVIDER: &str = "34.253.41.236:4711";
const STRANGER: &str = "198.51.100.7:4711";
const PROXY: &str = "10.0.0.1:4711";

fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_micros(0)
}

fn behind_a_proxy() -> Config {
    Config {
        proxies: vec!["10.0.0.0/24".parse().unwrap()],
        ..Config::default()
    }
}

fn sources(config: &Config) -> Sources {
    Sources::new(config, Standing::default()).unwrap()
}

fn client(sources: &Sources, peer: &str, value: &str) -> Result<IpAddr, Refused> {
    let fields = [("X-Forwarded-For", value.as_bytes())];
    sources.client(socket(peer), fields.into_iter())
}

#[test]
fn the_socket_decides_and_a_header_counts_from_a_proxy_only() {
    let sources = sources(&behind_a_proxy());
    let ip = |text: &str| socket(text).ip();
    assert_eq!(
        sources.gate(socket(PROVIDER), now()),
        Gate::Listed(ip(PROVIDER))
    );
    assert_eq!(
        sources.gate(socket(STRANGER), now()),
        Gate::Stranger(ip(STRANGER))
    );
    assert_eq!(sources.gate(socket(PROXY), now()), Gate::Proxy(ip(PROXY)));
    let mapped = sources.gate(socket("[::ffff:34.253.41.236]:1"), now());
    assert_eq!(mapped, Gate::Listed(ip(PROVIDER)));
    // T02: a stranger names the provider, itself or through our proxy.
    assert_eq!(
        client(&sources, STRANGER, "34.253.41.236"),
        Ok(ip(STRANGER))
    );
    assert_eq!(
        client(&sources, PROXY, "34.253.41.236, 198.51.100.7"),
        Ok(ip(STRANGER))
    );
    assert_eq!(client(&sources, PROXY, "34.253.41.236"), Ok(ip(PROVIDER)));
    assert_eq!(
        sources.client(socket(PROXY), std::iter::empty()),
        Err(Refused::NoClient)
    );
}

#[test]
fn the_header_of_the_proxy_protocol_is_expected_from_proxies_where_it_is_set() {
    let mut config = behind_a_proxy();
    assert!(!sources(&config).expects_header(socket(PROXY)));
    config.proxy_protocol = true;
    assert!(sources(&config).expects_header(socket(PROXY)));
    assert!(!sources(&config).expects_header(socket(PROVIDER)));
}

#[test]
fn an_approval_lets_in_for_its_time() {
    let orders = Standing::default();
    let sources = Sources::new(&Config::default(), orders.clone()).unwrap();
    let hour = Timestamp::from_micros(3_600_000_000);
    let network = "198.51.100.0/24".parse().unwrap();
    let given = approvals::order(network, 1, ("ann", "told by the provider"), now()).unwrap();
    assert!(!sources.is_listed(socket(STRANGER).ip(), now()));
    orders.take(&given);
    assert!(sources.is_listed(socket(STRANGER).ip(), now()));
    assert!(!sources.is_listed(socket(STRANGER).ip(), hour));
}

fn watched(file: &Path) -> Sources {
    let read = {
        let file = file.to_owned();
        move || {
            let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
            let allow = text
                .split_whitespace()
                .map(str::parse)
                .collect::<Result<_, _>>();
            Ok(Config {
                allow: allow.map_err(|_| "no network".to_owned())?,
                ..Config::default()
            })
        }
    };
    sources(&Config {
        reread: Some(Reread::new(Some(file.to_owned()), read)),
        ..Config::default()
    })
}

#[test]
fn a_changed_file_is_read_again_and_a_bad_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings");
    std::fs::write(&file, "").unwrap();
    let sources = watched(&file);
    let lists_it = || sources.is_listed(socket(STRANGER).ip(), now());
    sources.look(false);
    assert!(!lists_it());
    std::fs::write(&file, "198.51.100.0/24").unwrap();
    sources.look(false);
    assert!(lists_it(), "the change is in force");
    for bad in ["0.0.0.0/0", "nonsense!", "198.51.100.0/24 ::/8"] {
        std::fs::write(&file, bad).unwrap();
        sources.look(false);
        assert!(lists_it(), "{bad} has changed something");
        assert!(
            !sources.is_listed("8.8.8.8".parse().unwrap(), now()),
            "{bad}"
        );
    }
    std::fs::remove_file(&file).unwrap();
    sources.look(false);
    assert!(lists_it(), "a file that is gone has changed something");
    std::fs::write(&file, "203.0.113.0/24").unwrap();
    sources.look(false);
    assert!(!lists_it());
}

#[test]
fn whoever_asks_gets_the_settings_read_again_though_no_file_changed() {
    use std::sync::atomic::{AtomicU32, Ordering};
    let times = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&times);
    let read = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(behind_a_proxy())
    };
    let sources = sources(&Config {
        reread: Some(Reread::new(None, read)),
        ..Config::default()
    });
    sources.look(false);
    assert_eq!(times.load(Ordering::Relaxed), 0);
    sources.look(true);
    assert_eq!(times.load(Ordering::Relaxed), 1);
    assert!(matches!(sources.gate(socket(PROXY), now()), Gate::Proxy(_)));
}
