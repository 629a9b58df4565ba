//! Which moment and which day a text names.

use schemas::{Date, Timestamp};

use crate::json::Object;

/// No documented stamp is longer than 29 characters.
const STAMP_MAX: usize = 40;

/// A stamp with or without fraction, with or without zone; without one it is UTC.
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > STAMP_MAX {
        return None;
    }
    Timestamp::parse_rfc3339(text).or_else(|| Timestamp::parse_rfc3339(&format!("{text}Z")))
}

/// A day given as year, month and day apart; all three must be there.
pub(crate) fn date_of_parts(parts: &Object<'_>) -> Option<Date> {
    let part = |name: &str, digits: std::ops::RangeInclusive<usize>| {
        let text = parts.text(name)?;
        let plain = digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse::<u16>().ok()).flatten()
    };
    Date::new(
        part("year", 4..=4)?.into(),
        u8::try_from(part("month", 1..=2)?).ok()?,
        u8::try_from(part("day", 1..=2)?).ok()?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn stamps_may_lack_fraction_and_zone() {
        for (text, whole) in [
            ("2023-03-02T10:15:30.123Z", "2023-03-02T10:15:30.123Z"),
            ("2023-03-02T10:15:30.12Z", "2023-03-02T10:15:30.12Z"),
            ("2023-03-02T10:15:30.1Z", "2023-03-02T10:15:30.1Z"),
            ("2023-03-02T10:15:30Z", "2023-03-02T10:15:30Z"),
            ("2023-03-02T10:15:30.123", "2023-03-02T10:15:30.123Z"),
            ("2023-03-02T10:15:30", "2023-03-02T10:15:30Z"),
            ("2023-03-02T12:15:30+02:00", "2023-03-02T10:15:30Z"),
        ] {
            assert!(timestamp(text).is_some(), "{text}");
            assert_eq!(timestamp(text), Timestamp::parse_rfc3339(whole), "{text}");
        }
        let long = format!("2023-03-02T10:15:30.{}Z", "0".repeat(40));
        for text in ["", "2023-03-02", "2023-02-30T00:00:00Z", "yesterday", &long] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_needs_all_its_parts() {
        let date = |text: &str| {
            let value = json::read(text.as_bytes()).unwrap();
            date_of_parts(value.object().unwrap()).map(|date| date.to_string())
        };
        let whole = Some("2030-12-31".to_owned());
        assert_eq!(date(r#"{"year":"2030","month":"12","day":"31"}"#), whole);
        assert_eq!(date(r#"{"year":2030,"month":12,"day":31}"#), whole);
        for text in [
            r#"{"year":"2030","month":"12"}"#,
            r#"{"year":"30","month":"12","day":"31"}"#,
            r#"{"year":"2030","month":"02","day":"30"}"#,
            r#"{"year":"+203","month":"02","day":"3"}"#,
            "{}",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }
}
