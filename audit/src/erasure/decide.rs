//! What follows from dates and names: whether two people are two, when something is due, by when nothing is left.

use schemas::Timestamp;
use time::{Month, OffsetDateTime};

/// How long customer due diligence is kept after a relationship has ended, in years: Article 77 of Regulation (EU)
/// 2024/1624.
const KEPT_YEARS: i32 = 5;
/// How long the end of a relationship must be known before it counts, in days: one person alone notes it, so others must
/// have the time to see it.
const OBJECTION_DAYS: u64 = 30;
/// How long an erasure may take from its entry in the log until the keys are gone, in days, before the date that the
/// entry tells is no longer true and another one is told: witnesses may be away meanwhile.
const GRACE_DAYS: u32 = 1;
const DAY: std::time::Duration = std::time::Duration::from_hours(24);

/// Whether two names are of one person.
pub(super) fn same_person(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// By when nothing is left of keys whose erasure begins now, if backups of the key database are kept for so many days.
pub(super) fn effective_by(begun: Timestamp, backup_days: u32) -> Timestamp {
    begun.plus(DAY * backup_days.saturating_add(GRACE_DAYS))
}

/// Whether a date that was told is still true if the keys go now.
pub(super) fn holds_good(told: Timestamp, now: Timestamp, backup_days: u32) -> bool {
    now.plus(DAY * backup_days) <= told
}

/// When the records of a relationship must be erased.
pub(super) fn due(ended: Timestamp, noted: Timestamp) -> Timestamp {
    years_after(ended).max(noted.plus(DAY * u32::try_from(OBJECTION_DAYS).unwrap_or(u32::MAX)))
}

fn years_after(time: Timestamp) -> Timestamp {
    let nanos = i128::from(time.micros()) * 1_000;
    let Ok(date) = OffsetDateTime::from_unix_timestamp_nanos(nanos) else {
        return time;
    };
    let year = date.year() + KEPT_YEARS;
    let later = date.replace_year(year).or_else(|_| {
        // The 29th of February has no anniversary: the day after it counts, so that nothing goes too early.
        let day = date.replace_day(1)?.replace_month(Month::March)?;
        day.replace_year(year)
    });
    let nanos = later.map_or(nanos, OffsetDateTime::unix_timestamp_nanos);
    Timestamp::from_micros(i64::try_from(nanos / 1_000).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn case_and_blanks_make_no_second_person() {
        for other in ["ann", " Ann ", "ANN\t"] {
            assert!(same_person("ann", other), "{other:?}");
        }
        assert!(same_person("Jörg", "JÖRG"));
        assert!(!same_person("ann", "anna"));
    }

    #[test]
    fn five_years_pass_by_the_calendar_and_never_end_early() {
        let never = Timestamp::from_micros(0);
        for (ended, expected) in [
            ("2026-03-01T12:00:00Z", "2031-03-01T12:00:00Z"),
            ("2028-02-29T00:00:00Z", "2033-03-01T00:00:00Z"),
        ] {
            assert_eq!(due(at(ended), never), at(expected), "{ended}");
        }
    }

    #[test]
    fn an_end_that_was_noted_today_lets_nothing_be_erased_today() {
        let (ended, noted) = (at("2001-01-01T00:00:00Z"), at("2026-11-25T00:00:00Z"));
        assert_eq!(due(ended, noted), at("2026-12-25T00:00:00Z"));
    }

    #[test]
    fn nothing_is_left_once_the_last_backup_is_gone() {
        let begun = at("2026-11-25T00:00:00Z");
        assert_eq!(effective_by(begun, 30), at("2026-12-26T00:00:00Z"));
        assert_eq!(effective_by(begun, 0), at("2026-11-26T00:00:00Z"));
    }

    #[test]
    fn a_date_that_was_told_is_true_as_long_as_the_keys_go_within_a_day() {
        let (begun, late) = (at("2026-11-25T00:00:00Z"), at("2026-11-26T00:00:00Z"));
        for days in [0, 30, u32::MAX] {
            let told = effective_by(begun, days);
            assert!(holds_good(told, begun, days) && holds_good(told, late, days));
        }
        let told = effective_by(begun, 30);
        assert!(!holds_good(
            told,
            late.plus(std::time::Duration::from_micros(1)),
            30
        ));
    }
}
