//! The words of a notice: plain text, short enough for a phone's lock screen.
//!
//! A template is a function of a view. Raise its version with each change of its words.

use schemas::{Audience, Confirmation, Outcome};

use crate::{
    alert::{self, AdminView, Trouble},
    view::{OnboardingView, SalesView, View},
};

/// A template's name and version, as `notified` records it.
pub(crate) type Template = (&'static str, i32);

const ONBOARDING: Template = ("onboarding", 1);
const SALES: Template = ("sales", 1);
const ALERT: Template = ("alert", 1);
const ALERT_COUNT: Template = ("alert_count", 1);

/// A notice in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// One line.
    pub subject: String,
    /// Lines that end with `\n`.
    pub body: String,
}

/// The template of an audience's first notice; also that of a notice that nobody was told.
pub(crate) fn of_audience(audience: Audience) -> Template {
    match audience {
        Audience::Onboarding => ONBOARDING,
        Audience::Sales => SALES,
        Audience::Admins | Audience::Unlisted => ALERT,
    }
}

impl View {
    /// The template that says it.
    pub(crate) fn template(&self) -> Template {
        match self {
            Self::Onboarding(_) => ONBOARDING,
            Self::Sales(_) => SALES,
            Self::Admins(view) if view.more().is_some() => ALERT_COUNT,
            Self::Admins(_) => ALERT,
        }
    }

    /// The notice in words.
    pub fn text(&self) -> Text {
        match self {
            Self::Onboarding(view) => onboarding(view),
            Self::Sales(view) => sales(view),
            Self::Admins(view) => admins(view),
        }
    }
}

fn onboarding(view: &OnboardingView) -> Text {
    let (result, next) = match view.outcome() {
        Outcome::Passed if view.document_only() => (
            "passed, document only",
            "The document passed; no face was compared with it.",
        ),
        Outcome::Passed => ("passed", "Nothing more to do at the provider."),
        Outcome::Failed => ("failed", "See the account for what follows."),
        Outcome::Review => ("review", "A person must look at it at the provider."),
        Outcome::Resubmit => ("resubmit", "The client must try again."),
        Outcome::Abandoned => ("abandoned", "The client's link ran out: send a new one."),
        Outcome::Received => ("received", "Documents came in; the result follows."),
        Outcome::Pending => ("pending", "The result follows."),
        Outcome::Unknown => (
            "unknown",
            "It cannot be told how this ended: a person must look. Do not take it for a pass.",
        ),
    };
    let confirmed = match view.confirmation() {
        Confirmation::Confirmed => "confirmed by the provider",
        Confirmation::Contradicted => {
            "reported by the provider, who says otherwise when asked: a person must look"
        }
        Confirmation::Unconfirmed => "reported by the provider, not confirmed",
    };
    let expiry = view.document_expiry();
    let contact = view.contact_link();
    let lines = [
        Some(format!("Result: {result} ({confirmed}).")),
        Some(next.to_owned()),
        expiry.map(|expiry| format!("Document expiry: {expiry}")),
        Some(String::new()),
        Some(format!("Account: {}", view.account_link().as_str())),
        contact.map(|link| format!("Contact: {}", link.as_str())),
    ];
    Text {
        subject: format!("Identity check: {result}"),
        body: body(lines),
    }
}

fn sales(view: &SalesView) -> Text {
    Text {
        subject: "News about a client".to_owned(),
        body: format!(
            "There is news about a client of yours.\n\nAccount: {}\n",
            view.account_link().as_str()
        ),
    }
}

fn admins(view: &AdminView) -> Text {
    let trouble = view.trouble();
    let what = match trouble {
        Trouble::Refused { stage, reason, .. } => format!("{stage} refused: {reason}"),
        Trouble::Unreadable { reason } => format!("notify cannot read: {reason}"),
        Trouble::Contradiction { .. } => "two results contradict".to_owned(),
        Trouble::Drift { network } => format!(
            "strangers post callbacks, from {}",
            alert::drifting(*network)
        ),
        Trouble::Undeliverable { audience, reason } => {
            format!("{audience} not told: {}", reason.as_str())
        }
    };
    let field = match trouble {
        Trouble::Refused { field, .. } => field.as_ref(),
        Trouble::Unreadable { .. }
        | Trouble::Contradiction { .. }
        | Trouble::Drift { .. }
        | Trouble::Undeliverable { .. } => None,
    };
    let (count, first, last) = match view.more() {
        None => (
            String::new(),
            "",
            "\nMore of this kind are counted, and told of when the window ends.",
        ),
        Some(more) => (
            format!(", {} more since {}", more.count, more.since),
            "Below is the first one.\n",
            "",
        ),
    };
    let lines = [
        Some(format!("{}{count}.", capital(&what))),
        Some(first.to_owned()),
        field.map(|field| format!("Field: {}", field.as_str())),
        Some(format!("Probable cause: {}", trouble.probable_cause())),
        Some(format!("Record: {}", view.position())),
        Some(format!("Next: {}", trouble.next_step())),
        (!last.is_empty()).then(|| last.to_owned()),
    ];
    let subject = match view.more() {
        None => format!("idtrail alert: {what}"),
        Some(more) => format!("idtrail alert: {what} ({} more)", more.count),
    };
    Text {
        subject,
        body: body(lines),
    }
}

/// The lines that there are.
fn body<const N: usize>(lines: [Option<String>; N]) -> String {
    let lines = lines.into_iter().flatten();
    lines.map(|line| line + "\n").collect()
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_ascii_uppercase().to_string() + characters.as_str())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
