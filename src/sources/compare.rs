//! The list in force, held against what the providers published and what DNS says.

use std::net::IpAddr;

use ingest::sources::AllowList;
use jumio::sources::Printed;
use serde_json::json;

/// What DNS says of one host name.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) host: &'static str,
    pub(super) answer: Result<Vec<IpAddr>, String>,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// A published list is allowed whole.
    Published { host: &'static str, count: usize },
    /// DNS names an address that may not post: callbacks from there are lost.
    NotListed { host: &'static str, address: IpAddr },
    /// An address may post that DNS does not name: the provider may have given it back.
    NotInDns { host: &'static str, address: IpAddr },
    /// DNS and list agree.
    Agrees { host: &'static str },
    /// The name does not resolve.
    Unresolved { host: &'static str, why: String },
}

impl Finding {
    /// Whether nothing has to be done for callbacks to come in.
    pub(super) fn is_well(&self) -> bool {
        !matches!(self, Self::NotListed { .. })
    }

    pub(super) fn json(&self) -> serde_json::Value {
        let (host, says) = self.says();
        let address = match self {
            Self::NotListed { address, .. } | Self::NotInDns { address, .. } => Some(address),
            Self::Published { .. } | Self::Agrees { .. } | Self::Unresolved { .. } => None,
        };
        json!({ "host": host, "finding": self.word(), "address": address, "says": says })
    }

    pub(super) fn row(&self) -> Vec<String> {
        let (host, says) = self.says();
        vec![host.to_owned(), self.word().to_owned(), says]
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Published { .. } => "published",
            Self::NotListed { .. } => "not_listed",
            Self::NotInDns { .. } => "not_in_dns",
            Self::Agrees { .. } => "agrees",
            Self::Unresolved { .. } => "unresolved",
        }
    }

    fn says(&self) -> (&'static str, String) {
        match self {
            Self::Published { host, count } => {
                (host, format!("all {count} published addresses may post"))
            }
            Self::NotListed { host, address } => (
                host,
                format!(
                    "{address} may not post; ask the provider, then add it to door.allow or approve it"
                ),
            ),
            Self::NotInDns { host, address } => (
                host,
                format!("{address} is published and may post, and DNS does not name it"),
            ),
            Self::Agrees { host } => (host, "DNS names no other address".to_owned()),
            Self::Unresolved { host, why } => (host, format!("does not resolve: {why}")),
        }
    }
}

/// Compares.
pub(super) fn compare(
    listed: &AllowList,
    published: &[&Printed],
    resolved: &[Resolved],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for list in published {
        let host = list.hostname;
        let addresses = || list.addresses.iter().copied().map(IpAddr::V4);
        let missing: Vec<_> = addresses().filter(|one| !listed.contains(*one)).collect();
        if missing.is_empty() {
            let count = list.addresses.len();
            findings.push(Finding::Published { host, count });
        }
        let not_listed = |address| Finding::NotListed { host, address };
        findings.extend(missing.into_iter().map(not_listed));
        let Some(answer) = resolved.iter().find(|one| one.host == host) else {
            continue;
        };
        let named = match &answer.answer {
            Ok(named) => named,
            Err(why) => {
                let why = why.clone();
                findings.push(Finding::Unresolved { host, why });
                continue;
            }
        };
        let before = findings.len();
        let unknown = named.iter().filter(|one| !listed.contains(**one));
        findings.extend(unknown.map(|address| not_listed(*address)));
        let gone = addresses().filter(|one| !named.contains(one));
        findings.extend(gone.map(|address| Finding::NotInDns { host, address }));
        if findings.len() == before {
            findings.push(Finding::Agrees { host });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use jumio::sources::{DataCentre, networks, printed};

    use super::*;

    fn found(change: impl Fn(&mut Vec<IpAddr>)) -> Vec<Finding> {
        let listed = AllowList::new(&networks(DataCentre::Eu), false).unwrap();
        let published: Vec<_> = printed(&[DataCentre::Eu]).take(1).collect();
        let mut named: Vec<IpAddr> = published[0]
            .addresses
            .iter()
            .map(|one| (*one).into())
            .collect();
        change(&mut named);
        let resolved = Resolved {
            host: published[0].hostname,
            answer: if named.is_empty() {
                Err("no such name".to_owned())
            } else {
                Ok(named)
            },
        };
        compare(&listed, &published, &[resolved])
    }

    fn words(findings: &[Finding]) -> Vec<&'static str> {
        findings.iter().map(Finding::word).collect()
    }

    #[test]
    fn an_address_that_dns_names_and_nobody_listed_is_not_well() {
        let same = found(|_| {});
        assert_eq!(words(&same), ["published", "agrees"]);
        let more = found(|named| named.push([198, 51, 100, 7].into()));
        assert_eq!(words(&more), ["published", "not_listed"]);
        assert!(!more.iter().all(Finding::is_well));
        let fewer = found(|named| {
            named.pop();
        });
        assert_eq!(words(&fewer), ["published", "not_in_dns"]);
        assert!(fewer.iter().all(Finding::is_well));
        let none = found(Vec::clear);
        assert_eq!(words(&none), ["published", "unresolved"]);
        assert!(none.iter().all(Finding::is_well));
    }
}
