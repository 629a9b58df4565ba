//! `[[audit.witnesses]]` and `[audit.witness]`: who cosigns, and how often each is asked.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::log::key::{Kind, VerifierKey};

/// Pause between two rounds where nothing else is set: evidence that is seconds old is as good as new.
const EVERY_MS: u64 = 2_000;
/// What may be set: below, witnesses would be flooded; above, too much could be rewritten before anybody has seen it.
const RHYTHMS_MS: std::ops::RangeInclusive<u64> = 100..=3_600_000;
/// Most witnesses: each is one request a round, and a note with all their lines stays short.
const MAX_WITNESSES: usize = 16;
/// What all of them together are called in a policy.
const GROUP: &str = "witnesses";

/// `[audit.witness]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rhythm {
    /// Pause between two rounds, in milliseconds.
    pub every_ms: u64,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { every_ms: EVERY_MS }
    }
}

/// `[[audit.witnesses]]`: somebody who cosigns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Witness {
    /// How it is called in messages and metrics.
    pub name: String,
    /// Its submission prefix, below which is `add-checkpoint`.
    pub url: String,
    /// Its verifier key, `<name>+<id>+<base64>` of kind 4.
    pub key: String,
}

impl Witness {
    /// Its key; none if that is not the key of a witness.
    pub(super) fn verifier(&self) -> Option<VerifierKey> {
        VerifierKey::parse(&self.key).filter(|key| key.kind() == Kind::Witness)
    }
}

/// What is wrong with these settings: the setting, and why.
pub(crate) fn wrong(
    witnesses: &[Witness],
    quorum: usize,
    (rhythm, signs): (Rhythm, bool),
) -> Option<(&'static str, &'static str)> {
    const EACH: &str = "audit.witnesses";
    let nameless = witnesses.iter().any(|one| one.name.is_empty());
    let names: BTreeSet<&str> = witnesses.iter().map(|one| one.name.as_str()).collect();
    let keys: Option<Vec<VerifierKey>> = witnesses.iter().map(Witness::verifier).collect();
    let bare = |url: &reqwest::Url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    let urls = witnesses
        .iter()
        .all(|one| reqwest::Url::parse(&one.url).is_ok_and(|url| bare(&url)));
    let Some(keys) = keys else {
        return Some((
            EACH,
            "a key is not that of a witness: `<name>+<id>+<base64>` of kind 4",
        ));
    };
    // The same key twice would count twice, and so would one key name: cosignatures are kept by it.
    let signers: BTreeSet<&str> = keys.iter().map(VerifierKey::name).collect();
    if nameless || names.len() < witnesses.len() || signers.len() < witnesses.len() {
        return Some((EACH, "each needs a name and a key with a name of its own"));
    }
    if !urls {
        return Some((EACH, "a url is not `http(s)://host[:port][/path]`"));
    }
    if witnesses.len() > MAX_WITNESSES {
        return Some((EACH, "are more than 16"));
    }
    if !witnesses.is_empty() && !signs {
        return Some((
            EACH,
            "are named, but `audit.log_key_file` names no file: nothing is signed",
        ));
    }
    if quorum > witnesses.len() {
        return Some(("audit.witness_quorum", "is more than there are witnesses"));
    }
    if !RHYTHMS_MS.contains(&rhythm.every_ms) {
        return Some(("audit.witness.every_ms", "must be between 100 and 3600000"));
    }
    None
}

/// The policy that these settings make, as text: the log, the witnesses by the names of their keys, and the quorum.
pub(crate) fn policy(log: &VerifierKey, witnesses: &[Witness], quorum: usize) -> String {
    let mut lines = vec![format!("log {log}")];
    let keys: Vec<VerifierKey> = witnesses.iter().filter_map(Witness::verifier).collect();
    for key in &keys {
        lines.push(format!("witness {} {key}", key.name()));
    }
    if quorum == 0 {
        lines.push("quorum none".to_owned());
    } else {
        let names: Vec<&str> = keys.iter().map(VerifierKey::name).collect();
        lines.push(format!("group {GROUP} {quorum} {}", names.join(" ")));
        lines.push(format!("quorum {GROUP}"));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    //! Settings that must not be started with.

    use super::*;
    use crate::log::{key::SigningKey, policy::Policy};

    fn witness(name: &str, kind: Kind) -> Witness {
        let key = SigningKey::new(&format!("{name}.test"), kind, &[7; 32]).unwrap();
        Witness {
            name: name.to_owned(),
            url: "http://127.0.0.1:7380/prefix".to_owned(),
            key: key.verifier().to_string(),
        }
    }

    #[test]
    fn settings_that_would_not_witness_anything_are_refused() {
        let fine = (Rhythm::default(), true);
        let two = [witness("a", Kind::Witness), witness("b", Kind::Witness)];
        assert_eq!(wrong(&two, 2, fine), None);
        assert_eq!(wrong(&[], 0, (Rhythm::default(), false)), None);
        let setting = |all: &[Witness], quorum, rest| wrong(all, quorum, rest).unwrap().0;
        assert_eq!(setting(&two, 3, fine), "audit.witness_quorum");
        assert_eq!(setting(&two, 1, (fine.0, false)), "audit.witnesses");
        let hasty = (Rhythm { every_ms: 99 }, true);
        assert_eq!(setting(&two, 1, hasty), "audit.witness.every_ms");
        let changed = |change: fn(&mut Witness)| {
            let mut all = two.clone();
            change(&mut all[1]);
            all
        };
        for all in [
            changed(|one| one.name.clear()),
            changed(|one| one.name = "a".to_owned()),
            changed(|one| one.key = witness("a", Kind::Witness).key),
            changed(|one| one.key = witness("c", Kind::Log).key),
            changed(|one| one.key.push('x')),
            changed(|one| one.url = "ftp://witness.test/".to_owned()),
            changed(|one| one.url = "http://me:secret@witness.test/".to_owned()),
            changed(|one| one.url.push_str("?a=b")),
            changed(|one| one.url.clear()),
        ] {
            assert_eq!(setting(&all, 1, fine), "audit.witnesses", "{all:?}");
        }
    }

    #[test]
    fn the_policy_is_that_of_the_settings() {
        let log = SigningKey::new("log.test", Kind::Log, &[1; 32]).unwrap();
        let log = log.verifier();
        let (a, mut b) = (witness("a", Kind::Witness), witness("b", Kind::Witness));
        let other = SigningKey::new("b.test", Kind::Witness, &[8; 32]).unwrap();
        b.key = other.verifier().to_string();
        let two = [a, b];
        let text = policy(log, &two, 1);
        let lines = format!(
            "log {log}\nwitness a.test {}\nwitness b.test {}\ngroup witnesses 1 a.test b.test\nquorum witnesses\n",
            two[0].key, two[1].key
        );
        assert_eq!(text, lines);
        let read = Policy::parse(&text).unwrap();
        assert_eq!((read.logs().len(), read.witnesses().len()), (1, 2));
        assert!(policy(log, &two, 0).ends_with("quorum none\n"));
        let alone = policy(log, &[], 0);
        assert_eq!(alone, format!("log {log}\nquorum none\n"));
        Policy::parse(&alone).unwrap();
    }
}
