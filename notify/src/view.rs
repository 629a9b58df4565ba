//! What an audience may read: closed types, each made from the enriched event by one function.
//!
//! Templates are given a view and nothing else, so what stands in no field here cannot reach a notice.

use schemas::{Confirmation, Date, Enriched, Kind, Outcome};
use serde::{Deserialize, Serialize};

use crate::alert::AdminView;

/// Longer than any link to a CRM, short enough for a line of a mail.
const LINK_MAX: usize = 512;
/// Longer than any field path or reference.
const WORD_MAX: usize = 200;

/// What one notice says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// For the people who wait for the result.
    Onboarding(OnboardingView),
    /// For the people who follow their client.
    Sales(SalesView),
    /// For the people who keep it alive.
    Admins(AdminView),
}

/// What onboarding reads: the result, the document's expiry, links to account and contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnboardingView {
    outcome: Outcome,
    /// The document passed, but nobody compared a face with it: less than a pass of the identity.
    document_only: bool,
    confirmation: Confirmation,
    document_expiry: Option<Date>,
    account_link: Link,
    contact_link: Option<Link>,
}

/// What sales people read: the link to the account. There is no field that a result could stand in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalesView {
    account_link: Link,
}

/// A link of the directory is none that may stand in a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a link of the directory is not http(s), or holds what a link cannot")]
pub struct BadLink;

impl OnboardingView {
    /// What onboarding may know of an event.
    pub fn of(event: &Enriched) -> Result<Self, BadLink> {
        let (checked, party) = (event.checked(), event.party());
        let document_only =
            checked.outcome() == Outcome::Passed && checked.kind() == Some(Kind::Document);
        Ok(Self {
            outcome: checked.outcome(),
            document_only,
            confirmation: event.confirmation(),
            document_expiry: checked.document_expiry(),
            account_link: Link::parse(&party.account_link)?,
            contact_link: party.contact_link.as_deref().map(Link::parse).transpose()?,
        })
    }

    /// The result.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Whether only the document passed.
    pub fn document_only(&self) -> bool {
        self.document_only
    }

    /// Whether the provider stands by it.
    pub fn confirmation(&self) -> Confirmation {
        self.confirmation
    }

    /// When the document used runs out.
    pub fn document_expiry(&self) -> Option<Date> {
        self.document_expiry
    }

    /// Where to open the account.
    pub fn account_link(&self) -> &Link {
        &self.account_link
    }

    /// Where to open the contact.
    pub fn contact_link(&self) -> Option<&Link> {
        self.contact_link.as_ref()
    }
}

impl SalesView {
    /// What sales people may know of an event.
    pub fn of(event: &Enriched) -> Result<Self, BadLink> {
        Ok(Self {
            account_link: Link::parse(&event.party().account_link)?,
        })
    }

    /// Where to open the account.
    pub fn account_link(&self) -> &Link {
        &self.account_link
    }
}

/// An `http` or `https` link without control characters, blanks, quotes or a user name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Link(String);

impl Link {
    /// Reads a link of the directory.
    pub fn parse(text: &str) -> Result<Self, BadLink> {
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))
            .ok_or(BadLink)?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>\\^`{|}".contains(&byte);
        // A user name before the host makes a link look as if it led somewhere else.
        let sound = text.len() <= LINK_MAX
            && text.bytes().all(plain)
            && !host.is_empty()
            && !host.contains('@');
        sound.then(|| Self(text.to_owned())).ok_or(BadLink)
    }

    /// The link.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Link {
    type Error = BadLink;

    fn try_from(text: String) -> Result<Self, BadLink> {
        Self::parse(&text)
    }
}

impl From<Link> for String {
    fn from(link: Link) -> Self {
        link.0
    }
}

/// A path, a reference or a topic's name: `[A-Za-z0-9._\-\[\]/]`, whatever else came replaced by `_`.
///
/// A field's path holds names that a sender chose; so nothing of it can break a line or draw a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Word(String);

impl Word {
    /// The word that a text comes to.
    pub fn of(text: &str) -> Self {
        let plain = |character: char| {
            if character.is_ascii_alphanumeric() || "._-[]/".contains(character) {
                character
            } else {
                '_'
            }
        };
        Self(text.chars().take(WORD_MAX).map(plain).collect())
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Word {
    fn from(text: String) -> Self {
        Self::of(&text)
    }
}

impl From<Word> for String {
    fn from(word: Word) -> Self {
        word.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_could_mislead_or_break_a_line_is_none() {
        for wrong in [
            "",
            "javascript:alert(1)",
            "ftp://crm.example/a",
            "https://",
            "https:///a",
            "https://crm.example/a\r\nBcc: eve@example.test",
            "https://crm.example/a b",
            "https://crm.example@evil.example/",
            "https://crm.example/<b>",
            "https://crm.example/\u{202e}",
        ] {
            assert_eq!(Link::parse(wrong), Err(BadLink), "{wrong:?}");
        }
        let sound = "https://crm.example/lightning/r/Account/001A/view";
        assert_eq!(Link::parse(sound).unwrap().as_str(), sound);
        assert!(serde_json::from_str::<Link>("\"javascript:1\"").is_err());
    }

    #[test]
    fn a_word_cannot_hold_what_a_sender_means_as_text() {
        assert_eq!(Word::of("a.b[0]\r\nBcc: x@y").as_str(), "a.b[0]__Bcc__x_y");
        assert_eq!(Word::of(&"x".repeat(999)).as_str().len(), WORD_MAX);
    }
}
