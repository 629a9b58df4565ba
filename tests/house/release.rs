//! One release of Rust, and packages from where everybody gets them.

use super::{files, hold};

/// The release that everything is built with.
const RELEASE: &str = "1.95";
/// How cargo writes its own registry into a lock file, whatever mirror it has fetched from.
const CARGO_REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";
/// Names of XML schemas, which nobody fetches.
const XML: [&str; 2] = ["http://maven.apache.org/", "http://www.w3.org/"];

#[test]
fn every_place_names_the_same_release_of_rust() {
    let places = [
        ("rust-toolchain.toml", "channel = ", true),
        ("Cargo.toml", "rust-version = ", true),
        ("Dockerfile", "FROM rust:", true),
        // Clippy takes it from Cargo.toml, unless this says otherwise.
        ("clippy.toml", "msrv = ", false),
    ];
    hold(places.into_iter().filter_map(|(path, before, needed)| {
        other_release(path, &files::read(path), before, needed)
    }));
}

#[test]
fn packages_come_from_no_mirror() {
    let files = files::all();
    hold(
        files
            .iter()
            .filter(|file| locks(&file.path))
            .flat_map(|file| mirrors(&file.path, &file.text)),
    );
}

fn other_release(path: &str, text: &str, before: &str, needed: bool) -> Option<String> {
    let Some(line) = text.lines().find(|line| line.starts_with(before)) else {
        return needed
            .then(|| format!("{path} has no line `{before}…`: it must name Rust {RELEASE}"));
    };
    let number = |character: char| character.is_ascii_digit() || character == '.';
    let named: String = line[before.len()..]
        .trim_start_matches('"')
        .chars()
        .take_while(|c| number(*c))
        .collect();
    let same = named == RELEASE || named.starts_with(&format!("{RELEASE}."));
    (!same).then(|| format!("{path} names Rust `{named}`, the house is built with {RELEASE}: change all places in one commit"))
}

/// Whether a file says where packages come from.
fn locks(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let endings = [
        ".lock",
        "pom.xml",
        "package.json",
        "package-lock.json",
        ".npmrc",
        "go.mod",
        "Cargo.toml",
        ".cargo/config.toml",
    ];
    endings.iter().any(|ending| path.ends_with(ending)) || name.starts_with("requirements")
}

fn mirrors(path: &str, text: &str) -> Vec<String> {
    let foreign = |line: &str| {
        let mut rest = line.replace(CARGO_REGISTRY, "");
        for name in XML {
            rest = rest.replace(name, "");
        }
        ["://", "index-url", "replace-with"]
            .iter()
            .any(|word| rest.contains(word))
    };
    let lines = text.lines().enumerate().filter(|(_, line)| foreign(line));
    lines
        .map(|(number, _)| {
            format!("{path}:{} names a host to fetch from: a mirror belongs into the settings of its machine", number + 1)
        })
        .collect()
}

#[test]
fn another_release_is_found() {
    let check = |text: &str| other_release("x", text, "channel = ", true);
    assert_eq!(check("[toolchain]\nchannel = \"1.95.0\"\n"), None);
    assert_eq!(check("channel = \"1.95\"\n"), None);
    for bad in [
        "channel = \"1.950\"",
        "channel = \"1.94.0\"",
        "channel = \"stable\"",
        "[toolchain]",
    ] {
        assert!(check(bad).is_some(), "{bad}");
    }
    assert_eq!(other_release("x", "", "msrv = ", false), None);
    assert!(other_release("x", "FROM rust:1.96-bookworm AS build", "FROM rust:", true).is_some());
}

#[test]
fn a_mirror_is_found() {
    assert_eq!(
        mirrors("Cargo.lock", &format!("source = \"{CARGO_REGISTRY}\"\n")),
        Vec::<String>::new()
    );
    assert_eq!(
        mirrors(
            "pom.xml",
            "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n"
        ),
        Vec::<String>::new()
    );
    assert_eq!(
        mirrors(
            "Cargo.lock",
            "source = \"registry+https://mirror.example/index\"\n"
        )
        .len(),
        1
    );
    assert_eq!(
        mirrors(
            "Cargo.lock",
            "source = \"sparse+https://mirror.example/index/\"\n"
        )
        .len(),
        1
    );
    assert_eq!(
        mirrors("requirements.txt", "a==1\n--index-url mirror.example\n").len(),
        1
    );
    assert_eq!(
        mirrors(
            "package-lock.json",
            "\"resolved\": \"https://mirror.example/a.tgz\",\n"
        )
        .len(),
        1
    );
    assert_eq!(
        mirrors(".cargo/config.toml", "replace-with = \"mirror\"\n").len(),
        1
    );
}
