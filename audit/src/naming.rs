//! What a record is called: the client that it is sealed for, the check that it belongs to, and by what that is found.
//!
//! A check is a provider and its reference; without one, the position of the raw record. What is said of something else
//! (a notice without a check, an act of an operator, a replay) is filed under the position or the name of that.

use schemas::{AnyEvent, Checked, Rejected, header};
use stage::{Codec, Record};

use crate::{
    body::Said,
    keys::{Keys, Names},
    seal::Kind,
};

/// The service that seals what no client is named for.
pub(crate) const SERVICE: &[u8] = b"audit";

/// Reads a record. It is kept whatever it is.
pub(crate) fn read(record: &Record, codec: &Codec) -> Said {
    if record.topic == schemas::Topic::Raw {
        return Said::Raw;
    }
    match codec.decode_any(record) {
        Ok(event) => Said::Event(Box::new(event)),
        Err(unreadable) => Said::Unreadable(unreadable.0.as_str()),
    }
}

/// What the log's own entries are sealed for, and records without a key.
pub(crate) fn own(keys: &Keys) -> Names {
    Names {
        client: (Kind::Service, keys.blind(Kind::Service, SERVICE)),
        check: None,
        account: None,
        aliases: Vec::new(),
    }
}

/// The names of a record, blinded.
pub(crate) fn names(record: &Record, said: &Said, keys: &Keys) -> Names {
    let client = match record.key.as_deref().filter(|key| !key.is_empty()) {
        Some(key) => (Kind::Client, keys.blind(Kind::Client, key)),
        None => own(keys).client,
    };
    let plain = plain_names(record, said);
    let blind = |kind: Kind, name: &str| keys.blind(kind, name.as_bytes());
    Names {
        client,
        check: plain.check.map(|name| blind(Kind::Check, &name)),
        account: plain.account.map(|account| blind(Kind::Account, account)),
        aliases: plain
            .aliases
            .into_iter()
            .map(|(kind, name)| (kind, blind(kind, &name)))
            .collect(),
    }
}

/// The same in clear; lives only as long as the batch is made.
#[derive(Default)]
struct Plain<'a> {
    check: Option<String>,
    account: Option<&'a str>,
    aliases: Vec<(Kind, String)>,
}

fn plain_names<'a>(record: &Record, said: &'a Said) -> Plain<'a> {
    let here = || Some(record.position.to_string());
    let event = match said {
        // To which check a callback belongs is known once it is read: the event made from it points here.
        Said::Raw => {
            return Plain {
                check: record.header(header::REPLAY_OF).map(str::to_owned),
                ..Plain::default()
            };
        }
        Said::Unreadable(_) => {
            return Plain {
                check: here(),
                ..Plain::default()
            };
        }
        Said::Event(event) => event.as_ref(),
    };
    match event {
        AnyEvent::Checked(checked) => Plain {
            check: Some(checked.check()),
            account: None,
            aliases: of_checked(checked),
        },
        AnyEvent::Enriched(enriched) => {
            let party = enriched.party();
            let mut aliases = of_checked(enriched.checked());
            aliases.push((Kind::Account, party.account_id.clone()));
            aliases.push((Kind::Account, party.account_number.clone()));
            aliases.extend(
                party
                    .contact_id
                    .clone()
                    .map(|contact| (Kind::Contact, contact)),
            );
            Plain {
                check: Some(enriched.checked().check()),
                account: Some(&party.account_id),
                aliases,
            }
        }
        AnyEvent::Rejected(rejected) => of_rejected(rejected),
        AnyEvent::Notified(notified) => Plain {
            check: Some(
                notified
                    .check()
                    .map_or_else(|| notified.source().to_string(), str::to_owned),
            ),
            ..Plain::default()
        },
        AnyEvent::Operated(operated) => Plain {
            check: operated.target().map(str::to_owned).or_else(here),
            ..Plain::default()
        },
        // Receipts are never read; one in a foreign topic is kept as what it is.
        AnyEvent::Audited(_) => Plain {
            check: here(),
            ..Plain::default()
        },
    }
}

fn of_checked(checked: &Checked) -> Vec<(Kind, String)> {
    let references = [
        Some(checked.provider_reference()),
        checked.customer_reference(),
        checked.transaction_reference(),
    ];
    let mut aliases = of_references(references);
    aliases.push((Kind::Event, checked.event_id().to_string()));
    aliases
}

fn of_rejected(rejected: &Rejected) -> Plain<'static> {
    let named = rejected.provider().zip(rejected.provider_reference());
    let check = named.map_or_else(
        || {
            let raw = rejected.raw().map(schemas::RawPointer::position);
            raw.unwrap_or_else(|| rejected.source().clone()).to_string()
        },
        |(provider, reference)| format!("{provider}/{reference}"),
    );
    let references = [
        rejected.provider_reference(),
        rejected.customer_reference(),
        rejected.transaction_reference(),
    ];
    let mut aliases = of_references(references);
    aliases.push((Kind::Event, rejected.id().to_string()));
    aliases.extend(rejected.event_id().map(|id| (Kind::Event, id.to_string())));
    Plain {
        check: Some(check),
        account: None,
        aliases,
    }
}

fn of_references(references: [Option<&str>; 3]) -> Vec<(Kind, String)> {
    let given = references.into_iter().flatten();
    given
        .map(|reference| (Kind::Reference, reference.to_owned()))
        .collect()
}
