//! When a notice is tried again, and when it is given up.

use std::time::Duration;

use stage::Chance;

/// Tenths of a per cent by which a pause varies to each side, so that what failed together does not come back together.
const JITTER: u64 = 100;

/// The pauses before each try.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pauses: Vec<Duration>,
    chance: Chance,
}

impl Schedule {
    /// The first of `pauses` stands before the first try.
    pub(crate) fn new(pauses: Vec<Duration>, chance: Chance) -> Self {
        Self { pauses, chance }
    }

    /// The pause after so many tries; none when all are used up.
    pub(crate) fn after(&self, tries: i32) -> Option<Duration> {
        let pause = self.pauses.get(usize::try_from(tries).ok()?)?;
        let random = u64::from_le_bytes(self.chance.bytes());
        let per_mille = 1_000 - JITTER + random % (2 * JITTER + 1);
        let micros = pause.as_micros() * u128::from(per_mille) / 1_000;
        Some(Duration::from_micros(
            u64::try_from(micros).unwrap_or(u64::MAX),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_follow_the_schedule_within_a_tenth_and_then_it_is_given_up() {
        let pauses = [0, 5, 60].map(Duration::from_secs).to_vec();
        let schedule = Schedule::new(pauses, Chance::system());
        for _ in 0..200 {
            let first = schedule.after(1).unwrap().as_millis();
            assert!((4_500..=5_500).contains(&first), "{first}");
            let second = schedule.after(2).unwrap().as_millis();
            assert!((54_000..=66_000).contains(&second), "{second}");
        }
        assert_eq!(schedule.after(3), None);
    }
}
