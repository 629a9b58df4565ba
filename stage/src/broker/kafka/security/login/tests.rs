//! Which logins are taken from properties, and what becomes of them.

use std::collections::BTreeMap;

use super::*;

const SECRET: &str = "top secret";

fn login(pairs: &[(&str, &str)]) -> Result<Login, BrokerError> {
    let pairs = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let properties: BTreeMap<_, _> = pairs.collect();
    Login::of(&Properties::of(&properties).unwrap())
}

fn with(mechanism: &str, user: &str, password: &str) -> Result<Login, BrokerError> {
    login(&[
        ("sasl.mechanism", mechanism),
        ("sasl.username", user),
        ("sasl.password", password),
    ])
}

#[test]
fn plain_says_all_at_once_and_waits_for_no_proof() {
    let login = with("PLAIN", "ops", "pässword").unwrap();
    assert_eq!(login.mechanism(), "PLAIN");
    let mut exchange = login.begin("unused");
    assert_eq!(exchange.first(), "\0ops\0pässword".as_bytes());
    assert_eq!(exchange.answer(b""), Ok(None));
}

#[test]
fn scram_begins_with_the_nonce_and_has_the_broker_prove_itself() {
    for (name, first) in [
        ("SCRAM-SHA-256", "n,,n=o=2Cps,r=abc"),
        ("SCRAM-SHA-512", "n,,n=o=2Cps,r=abc"),
    ] {
        let login = with(name, "o,ps", SECRET).unwrap();
        assert_eq!(login.mechanism(), name);
        let mut exchange = login.begin("abc");
        assert_eq!(exchange.first(), first.as_bytes());
        let answer = exchange.answer(b"r=abcdef,s=AAAA,i=4096").unwrap().unwrap();
        assert!(answer.starts_with(b"c=biws,r=abcdef,p="));
        assert_eq!(exchange.answer(b"v=AAAA"), Err(Refused::Unproved));
    }
}

#[test]
fn the_mechanism_has_two_names_and_one_value() {
    let known = [("sasl.username", "ops"), ("sasl.password", SECRET)];
    let with =
        |more: &[(&str, &str)]| login(&[&known, more].concat()).map(|login| login.mechanism());
    let both = |one, other| with(&[("sasl.mechanism", one), ("sasl.mechanisms", other)]);
    assert_eq!(with(&[("sasl.mechanisms", "PLAIN")]), Ok("PLAIN"));
    assert_eq!(both("PLAIN", "PLAIN"), Ok("PLAIN"));
    assert!(both("PLAIN", "SCRAM-SHA-256").is_err());
}

#[test]
fn what_is_missing_or_cannot_be_said_is_refused_by_name() {
    let full = [
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "ops"),
        ("sasl.password", SECRET),
    ];
    for left_out in full {
        let rest: Vec<_> = full.into_iter().filter(|one| *one != left_out).collect();
        assert_refused(login(&rest), left_out.0, "is missing");
        let emptied = full.map(|one| if one == left_out { (one.0, "") } else { one });
        assert_refused(login(&emptied), left_out.0, "");
    }
    assert_refused(
        with("GSSAPI", "ops", SECRET),
        "sasl.mechanism",
        "SCRAM-SHA-512",
    );
    assert_refused(with("plain", "ops", SECRET), "sasl.mechanism", "PLAIN");
    assert_refused(with("PLAIN", "o\0ps", SECRET), "sasl.username", "NUL");
    assert_refused(with("PLAIN", "ops", "top\0secret"), "sasl.password", "NUL");
    assert_refused(
        with("SCRAM-SHA-256", "öps", SECRET),
        "sasl.username",
        "SASLprep",
    );
    assert_refused(
        with("SCRAM-SHA-512", "ops", "top secrét"),
        "sasl.password",
        "ASCII",
    );
    assert_refused(
        with("SCRAM-SHA-512", "ops", "top\tsecret"),
        "sasl.password",
        "ASCII",
    );
}

fn assert_refused(login: Result<Login, BrokerError>, name: &str, why: &str) {
    let Err(BrokerError::Settings(said)) = login else {
        panic!("it is taken, or refused as something else");
    };
    assert!(
        said.contains(&format!("`{name}`")) && said.contains(why),
        "{said}"
    );
    assert!(!said.contains("top") && !said.contains("GSSAPI"), "{said}");
}

#[test]
fn nothing_of_a_login_is_printed() {
    let login = with("PLAIN", "ops", SECRET).unwrap();
    assert_eq!(format!("{login:?}"), "Login { mechanism: \"PLAIN\", .. }");
}
