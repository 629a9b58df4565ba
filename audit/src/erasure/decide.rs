//! What follows from dates and names: whether two people are two, when something is due, by when nothing is left.

use schemas::Timestamp;
use time::{Month, OffsetDateTime};

/// How long customer due diligence is kept after a relationship has ended, in years: Article 77 of Regulation (EU)
/// 2024/1624.
const KEPT_YEARS: i32 = 5;
/// How long the end of a relationship must be known before it counts, in days: one person alone notes it, so others must
/// have the time to see it.
const OBJECTION_DAYS: u64 = 30;
const DAY: std::time::Duration = std::time::Duration::from_hours(24);

/// Whether two names are of one person.
pub(super) fn same_person(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// From when on nothing is left, if backups of the key database are kept for so many days.
pub(super) fn effective_by(destroyed: Timestamp, backup_days: u32) -> Timestamp {
    destroyed.plus(DAY * backup_days)
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
        let destroyed = at("2026-11-25T00:00:00Z");
        assert_eq!(effective_by(destroyed, 30), at("2026-12-25T00:00:00Z"));
        assert_eq!(effective_by(destroyed, 0), destroyed);
    }
}
