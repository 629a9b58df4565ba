//! Whether a trouble is an alert or is counted: one alert per kind and window, then a count.

use std::{collections::HashMap, time::Duration};

use schemas::{Id, Timestamp};

use crate::{
    alert::More,
    draft::{Draft, Who},
    view::View,
};

/// The time after an alert in which others of its kind are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) kind: String,
    pub(crate) started_at: Timestamp,
    pub(crate) ends_at: Timestamp,
    /// How many followed the first.
    pub(crate) counted: i64,
    /// The first alert, which the count repeats.
    pub(crate) first: Draft,
}

/// What a trouble leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Raised {
    /// It is the first of its kind; the window before it, where one had not been closed yet, is closed.
    First {
        /// The count that the window before leads to.
        count: Option<Box<Draft>>,
    },
    /// It is counted.
    Counted,
}

/// The windows that are open, by kind, and which of them have changed.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    open: HashMap<String, Window>,
    changed: Vec<String>,
}

impl Windows {
    /// Those that a database holds.
    pub(crate) fn of(windows: Vec<Window>) -> Self {
        Self {
            open: windows
                .into_iter()
                .map(|window| (window.kind.clone(), window))
                .collect(),
            changed: Vec::new(),
        }
    }

    /// Decides about one trouble.
    pub(crate) fn raise(&mut self, kind: String, alert: &Draft, length: Duration) -> Raised {
        let now = alert.origin.decided_at;
        if !self.changed.contains(&kind) {
            self.changed.push(kind.clone());
        }
        if let Some(window) = self.open.get_mut(&kind)
            && now < window.ends_at
        {
            window.counted += 1;
            return Raised::Counted;
        }
        let window = Window {
            kind: kind.clone(),
            started_at: now,
            ends_at: now.plus(length),
            counted: 0,
            first: alert.clone(),
        };
        let before = self.open.insert(kind, window);
        Raised::First {
            count: before.and_then(|before| before.count(now)).map(Box::new),
        }
    }

    /// The windows to be stored.
    pub(crate) fn changed(&self) -> Vec<&Window> {
        self.changed
            .iter()
            .filter_map(|kind| self.open.get(kind))
            .collect()
    }
}

impl Window {
    /// The message at its end; none where nothing followed the alert.
    pub(crate) fn count(self, now: Timestamp) -> Option<Draft> {
        if self.counted == 0 {
            return None;
        }
        let more = More {
            count: self.counted,
            since: self.started_at,
        };
        let View::Admins(view) = self.first.view else {
            return None;
        };
        let mut origin = self.first.origin;
        origin.decided_at = now;
        let started = self.started_at.micros().to_string();
        Some(Draft {
            who: Who {
                event_id: Id::derive(&["count", &self.kind, &started]).to_string(),
                ..self.first.who
            },
            view: View::Admins(view.counted(more)),
            origin,
        })
    }
}

#[cfg(test)]
mod tests {
    use schemas::{Audience, Position, Refusal};

    use super::*;
    use crate::{
        alert::{AdminView, Trouble},
        draft::Origin,
    };

    const LENGTH: Duration = Duration::from_hours(1);

    fn alert(offset: i64, second: i64) -> Draft {
        let source = Position {
            topic: "idtrail.rejected".to_owned(),
            partition: 0,
            offset,
        };
        let trouble = Trouble::Unreadable {
            reason: Refusal::BadDatum,
        };
        Draft {
            who: Who {
                event_id: source.to_string(),
                audience: Audience::Admins,
                recipient: "q-admins".to_owned(),
            },
            view: View::Admins(AdminView::of(trouble, &source)),
            origin: Origin {
                check: None,
                source,
                traceparent: None,
                decided_at: Timestamp::from_micros(second * 1_000_000),
                received_at: None,
                key: Vec::new(),
            },
        }
    }

    fn raise(windows: &mut Windows, draft: &Draft) -> Raised {
        windows.raise("a".to_owned(), draft, LENGTH)
    }

    #[test]
    fn the_first_of_a_kind_is_an_alert_and_the_next_ones_are_counted() {
        let mut windows = Windows::default();
        assert_eq!(
            raise(&mut windows, &alert(0, 0)),
            Raised::First { count: None }
        );
        for offset in 1..4 {
            assert_eq!(raise(&mut windows, &alert(offset, 3_599)), Raised::Counted);
        }
        assert_eq!(
            windows.raise("b".to_owned(), &alert(9, 1), LENGTH),
            Raised::First { count: None }
        );
        assert_eq!(windows.changed().len(), 2);
        assert_eq!(windows.open["a"].counted, 3);
    }

    #[test]
    fn after_the_window_comes_the_count_and_then_a_new_alert() {
        let mut windows = Windows::default();
        raise(&mut windows, &alert(0, 0));
        raise(&mut windows, &alert(1, 1));
        let Raised::First { count: Some(count) } = raise(&mut windows, &alert(2, 3_600)) else {
            panic!("the window of an hour has passed");
        };
        let View::Admins(view) = &count.view else {
            panic!("a count is for admins");
        };
        assert_eq!(view.more().map(|more| more.count), Some(1));
        assert_eq!(view.position(), "idtrail.rejected/0/0");
        assert_eq!(raise(&mut windows, &alert(3, 3_601)), Raised::Counted);
    }

    #[test]
    fn a_window_in_which_nothing_followed_ends_without_a_word() {
        let mut windows = Windows::default();
        raise(&mut windows, &alert(0, 0));
        assert_eq!(
            raise(&mut windows, &alert(1, 7_200)),
            Raised::First { count: None }
        );
    }
}
