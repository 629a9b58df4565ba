//! Bytes that are no events: refused with a reason, without a panic, and without a word of what they say.

use std::sync::{LazyLock, Once};

use apache_avro::Schema;
use proptest::prelude::*;
use schemas::{AnyEvent, Checked, DecodeError, Event, Headers, Position, Raw, Topic, header};

use crate::{
    contracts, evolve::with_new_fields, examples, for_each_event, parse, read, schema_json,
};

/// What `idtrail` sets before it reads anything; else a length of 512 MiB in a few bytes would be believed.
const ALLOCATION: usize = 8 << 20;

fn limit() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        apache_avro::util::max_allocation_bytes(ALLOCATION);
    });
}

fn decode(topic: Topic, datum: &[u8]) -> Result<AnyEvent, DecodeError> {
    limit();
    let contract = AnyEvent::contract(topic);
    // Raw has no contract, and is refused whatever it is asked for.
    let writer = contract.unwrap_or_else(Checked::contract).schema();
    AnyEvent::decode(topic, writer, datum)
}

/// Schemas of a later release, whose data are resolved into ours.
fn newer() -> &'static [(Topic, Schema)] {
    static NEWER: LazyLock<Vec<(Topic, Schema)>> = LazyLock::new(|| {
        let newer = |contract| parse(&with_new_fields(schema_json(contract)));
        contracts()
            .map(|(topic, contract)| (topic, newer(contract)))
            .collect()
    });
    &NEWER
}

/// A datum of each example of each topic.
fn data() -> Vec<(Topic, String, Vec<u8>)> {
    fn push<E: Event>(all: &mut Vec<(Topic, String, Vec<u8>)>) {
        all.extend(examples(E::TOPIC).into_iter().map(|(name, example)| {
            let datum = E::contract().encode(&read::<E>(&name, &example));
            (E::TOPIC, name, datum)
        }));
    }
    let mut all = Vec::new();
    for_each_event!(push, &mut all);
    all
}

#[test]
fn what_is_not_whole_is_refused() {
    for (topic, name, datum) in data() {
        assert!(decode(topic, &datum).is_ok());
        for length in 0..datum.len() {
            assert_eq!(
                decode(topic, &datum[..length]).unwrap_err(),
                DecodeError::Datum,
                "{topic}/{name}"
            );
        }
        let more = [&*datum, &[0]].concat();
        assert_eq!(
            decode(topic, &more).unwrap_err(),
            DecodeError::Datum,
            "{topic}/{name}"
        );
    }
}

#[test]
fn what_is_not_framed_is_refused() {
    assert_eq!(schemas::unframe(None), Err(DecodeError::Tombstone));
    for value in [
        &[][..],
        &[0],
        &[0, 0, 0, 1],
        &[1, 0, 0, 0, 1, 0],
        b"Obj\x01\x04",
        b"{\"a\":1}",
    ] {
        assert_eq!(schemas::unframe(Some(value)), Err(DecodeError::Frame));
    }
    assert_eq!(schemas::unframe(Some(&[0, 0, 0, 0, 1])), Ok((1, &[][..])));
    assert_eq!(decode(Topic::Raw, b"x").unwrap_err(), DecodeError::NotAvro);
}

#[test]
fn a_length_that_lies_is_refused() {
    // A string of 2^62 bytes, and one just beyond the limit, where `checked` has its id.
    for lie in [
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f][..],
        &[0x82, 0x80, 0x80, 0x08],
    ] {
        assert_eq!(decode(Topic::Checked, lie).unwrap_err(), DecodeError::Datum);
    }
}

/// Personal data could stand in any of them, if a body were taken for an event.
const MARKER: &str = "Jane-Roe-1970-01-01";

#[test]
fn errors_never_say_what_they_read() {
    let mut errors = Vec::new();
    let (name, mut example) = examples(Checked::TOPIC).swap_remove(0);
    example["customer_reference"] = MARKER.into();
    example["provider"] = MARKER.into();
    let datum = Checked::contract().encode(&read::<Checked>(&name, &example));
    for length in 0..datum.len() {
        errors.extend(decode(Topic::Checked, &datum[..length]).err());
    }
    errors.extend(decode(Topic::Checked, &[&*datum, MARKER.as_bytes()].concat()).err());
    for (topic, _) in contracts() {
        errors.extend(decode(topic, MARKER.as_bytes()).err());
        errors.extend(decode(topic, &datum[1..]).err());
    }
    errors.extend(schemas::unframe(Some(MARKER.as_bytes())).err());
    errors.extend(schemas::parse_schema(MARKER).err());
    errors.extend(schemas::parse_schema(&format!("{{\"type\": \"{MARKER}\"}}")).err());
    assert!(errors.len() > datum.len());
    for error in errors {
        assert!(!format!("{error} {error:?}").contains("Jane"));
    }
}

#[test]
fn a_raw_record_neither_tells_its_body_nor_its_broken_headers() {
    let headers = |sha256: &str, received_at: &str| -> Headers {
        [
            (header::PROVIDER, "jumio"),
            (header::KIND, "form"),
            (header::RECEIVED_AT, received_at),
            (header::REQUEST_ID, "r"),
            (header::SHA256, sha256),
        ]
        .map(|(name, value)| (name.into(), value.as_bytes().to_vec()))
        .into()
    };
    let position = Position {
        topic: "idtrail.raw".to_owned(),
        partition: 0,
        offset: 0,
    };
    let read =
        |headers: &Headers| Raw::read(position.clone(), headers, Some(MARKER.as_bytes().to_vec()));
    let sha256 = "0".repeat(64);
    let raw = read(&headers(&sha256, "2026-11-25T12:00:00Z")).unwrap();
    assert_eq!(raw.body().expose(), MARKER.as_bytes());
    assert!(!format!("{raw:?}").contains("Jane"));
    for broken in [
        headers(MARKER, "2026-11-25T12:00:00Z"),
        headers(&sha256, MARKER),
    ] {
        let error = read(&broken).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("Jane"));
    }
}

/// A writer that breaks the contract: encoding panics, as nothing sensible is left to do, but tells no value.
#[test]
fn a_crash_text_holds_no_value() {
    #[derive(serde::Serialize)]
    struct Checked {
        event_id: &'static str,
        provider: Option<&'static str>,
    }
    let event = Checked {
        event_id: MARKER,
        provider: Some(MARKER),
    };
    let crash =
        std::panic::catch_unwind(|| schemas::Checked::contract().encode(&event)).unwrap_err();
    let text = crash.downcast_ref::<String>().expect("a text");
    assert!(text.contains("Checked") && !text.contains("Jane"), "{text}");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(datum in proptest::collection::vec(any::<u8>(), 0..400)) {
        for topic in Topic::ALL {
            drop(decode(topic, &datum));
        }
        for (topic, newer) in newer() {
            drop(AnyEvent::decode(*topic, newer, &datum));
        }
        prop_assert!(schemas::unframe(Some(&datum)).is_ok() == (datum.len() >= 5 && datum[0] == 0));
    }

    /// Nearly right is where parsers break: events with some bytes changed. What still reads can be said and written again.
    #[test]
    fn no_changed_event_makes_it_panic(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let all = data();
        let (topic, _, mut datum) = which.get(&all).clone();
        for (at, byte) in changes {
            let at = at.index(datum.len());
            datum[at] = byte;
        }
        if let Ok(event) = decode(topic, &datum) {
            let said = serde_json::to_string(&event).unwrap();
            prop_assert_ne!(said, "");
        }
    }
}
