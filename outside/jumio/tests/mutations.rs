//! Bodies spoilt at random: nothing ends the process, and doubt is never a pass.

use std::sync::LazyLock;

use jumio::{
    Media,
    scenarios::{self, Fill, Must, PersonalFill, Scenario},
};
use proptest::prelude::*;
use schemas::{Facts, Kind, Outcome};

/// One way to spoil a body; places are taken modulo its length.
#[derive(Clone, Debug)]
enum Spoil {
    Flip(usize, u8),
    Cut(usize, usize),
    Insert(usize, Vec<u8>),
    Splice(usize, usize, usize),
    Double(usize),
    Keep(usize),
}

fn spoil() -> impl Strategy<Value = Spoil> {
    let place = any::<usize>();
    prop_oneof![
        (place, 0u8..8).prop_map(|(at, bit)| Spoil::Flip(at, bit)),
        (place, 0usize..40).prop_map(|(at, length)| Spoil::Cut(at, length)),
        (place, prop::collection::vec(any::<u8>(), 0..12))
            .prop_map(|(at, bytes)| Spoil::Insert(at, bytes)),
        (place, place, place).prop_map(|(at, other, from)| Spoil::Splice(at, other, from)),
        place.prop_map(Spoil::Double),
        place.prop_map(Spoil::Keep),
    ]
}

fn at(place: usize, length: usize) -> usize {
    place.checked_rem(length + 1).unwrap_or(0)
}

impl Spoil {
    fn apply(&self, body: &mut Vec<u8>) {
        match self {
            Self::Flip(place, bit) => {
                let place = at(*place, body.len());
                if let Some(byte) = body.get_mut(place) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Cut(place, length) => {
                let start = at(*place, body.len());
                let end = (start + length).min(body.len());
                body.drain(start..end);
            }
            Self::Insert(place, bytes) => {
                let start = at(*place, body.len());
                body.splice(start..start, bytes.iter().copied());
            }
            Self::Splice(place, other, from) => {
                let other = written(scenario(*other));
                let from = at(*from, other.len());
                let start = at(*place, body.len());
                body.splice(start.., other.into_iter().skip(from));
            }
            // A name once more, and another value.
            Self::Double(place) => {
                let pairs: Vec<_> = body.split(|byte| *byte == b'&').collect();
                let pair = pairs.get(at(*place, pairs.len() - 1)).copied();
                let name: Vec<_> = pair
                    .into_iter()
                    .flatten()
                    .copied()
                    .take_while(|byte| *byte != b'=')
                    .collect();
                body.push(b'&');
                body.extend(name);
                body.extend(b"=other");
            }
            Self::Keep(place) => body.truncate(at(*place, body.len())),
        }
    }
}

fn scenario(place: usize) -> &'static Scenario {
    &scenarios::all()[place % scenarios::all().len()]
}

fn written(scenario: &Scenario) -> Vec<u8> {
    let fill = Fill {
        personal: PersonalFill::every(|path| format!("PRIVATE{path}")),
        ..Fill::default()
    };
    scenario.body(&fill).into_bytes()
}

/// What always holds of facts, whatever the bytes were.
fn plain(facts: &Facts) -> bool {
    let symbol = |text: &str| {
        (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    // A name may hold dots of its own, so a path is not always made of symbols.
    let path = |text: &str| {
        text.bytes()
            .all(|byte| symbol(char::from(byte).encode_utf8(&mut [0; 4])))
    };
    let all = |texts: &[&Option<String>]| texts.iter().copied().flatten().all(|text| symbol(text));
    symbol(&facts.provider_reference)
        && all(&[
            &facts.provider_account,
            &facts.document_type,
            &facts.document_subtype,
            &facts.document_country,
            &facts.similarity,
            &facts.liveness,
        ])
        && facts.unknown_fields.len() <= 32
        && facts.unknown_fields.is_sorted()
        && facts.unknown_fields.iter().all(|name| path(name))
        && facts.reasons.len() <= 32
        && facts.reasons.iter().all(|finding| {
            all(&[&finding.provider_code]) && finding.field.as_deref().is_some_and(path)
        })
}

/// What identifies a scan as one of a matching, valid selfie, told without this crate.
fn says_match(part: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(part).is_ok_and(|part| {
        let validity = part["validity"].to_string().to_lowercase();
        part["similarity"] == "MATCH" && validity.trim_matches('"') == "true"
    })
}

fn says_nothing(part: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(part) else {
        return false;
    };
    let bare: String = text.split_whitespace().collect();
    matches!(bare.as_str(), "" | "N/A" | "{}" | "null")
}

/// The Netverify scans and their bodies.
static SCANS: LazyLock<Vec<(&'static Scenario, String)>> = LazyLock::new(|| {
    scenarios::all()
        .iter()
        .map(|scenario| (scenario, scenario.body(&Fill::default())))
        .filter(|(_, body)| body.starts_with("callBackType=NETVERIFYID&"))
        .collect()
});

/// The body with its selfie part replaced by these bytes.
fn with_selfie(body: &str, part: &[u8]) -> Vec<u8> {
    let encoded: Vec<_> = part.iter().map(|byte| format!("%{byte:02X}")).collect();
    let mut pairs: Vec<_> = body
        .split('&')
        .filter(|pair| !pair.starts_with("identityVerification="))
        .map(str::to_owned)
        .collect();
    pairs.push(format!("identityVerification={}", encoded.concat()));
    pairs.join("&").into_bytes()
}

const SELFIES: [&str; 4] = [
    r#"{"similarity":"MATCH","validity":true}"#,
    r#"{"similarity":"NO_MATCH","validity":true}"#,
    r#"{"similarity":"MATCH","validity":false,"reason":"LIVENESS_FAILED"}"#,
    r#"{"similarity":"NOT_POSSIBLE","validity":"TRUE"}"#,
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_end_the_process_or_leave_as_text(
        which in any::<usize>(),
        spoils in prop::collection::vec(spoil(), 1..5),
    ) {
        let mut body = written(scenario(which));
        for spoil in &spoils {
            spoil.apply(&mut body);
        }
        for media in [Media::Form, Media::Json] {
            let identity = jumio::identify(media, &body);
            match jumio::parse(media, &body) {
                Ok(facts) => {
                    prop_assert!(plain(&facts), "{facts:?}");
                    let identity = identity.map_err(|refused| TestCaseError::fail(refused.to_string()))?;
                    prop_assert_eq!(identity.provider_reference, facts.provider_reference);
                    prop_assert_eq!(identity.customer_reference, facts.customer_reference);
                    prop_assert_eq!(identity.transaction_reference, facts.transaction_reference);
                }
                Err(refused) => {
                    let path = refused.field.unwrap_or_default();
                    prop_assert!(path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)));
                    let reference = identity.ok().map(|identity| identity.provider_reference);
                    prop_assert!(refused.provider_reference.is_none() || refused.provider_reference == reference);
                }
            }
        }
    }

    #[test]
    fn random_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..400)) {
        for media in [Media::Form, Media::Json] {
            prop_assert!(jumio::identify(media, &body).is_ok() || jumio::parse(media, &body).is_err());
        }
    }

    #[test]
    fn a_spoilt_selfie_is_never_a_pass(
        which in any::<usize>(),
        selfie in prop::sample::select(&SELFIES[..]),
        spoils in prop::collection::vec(spoil(), 1..4),
    ) {
        let (scenario, body) = &SCANS[which % SCANS.len()];
        let mut part = selfie.as_bytes().to_vec();
        for spoil in &spoils {
            spoil.apply(&mut part);
        }
        if says_match(&part) {
            return Ok(());
        }
        let body = with_selfie(body, &part);
        let Ok(facts) = jumio::parse(Media::Form, &body) else { return Ok(()) };
        let passed = facts.outcome == Outcome::Passed;
        prop_assert!(!passed || facts.kind == Some(Kind::Document), "{facts:?}");
        prop_assert!(!passed || says_nothing(&part), "{facts:?}");
        // Without a selfie part a document may pass as a document, if nothing else is against it.
        let refused_anyway = matches!(
            scenario.must,
            Must::Check { kind: Some(Kind::Document), outcome } if outcome != Outcome::Passed
        );
        prop_assert!(!(passed && refused_anyway), "{facts:?}");
    }
}
