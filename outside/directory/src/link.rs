//! Where people open an account or a contact: the host is configuration, only an id comes from data.

use std::str::FromStr;

use crate::shape;

/// Longer than any link to a CRM, short enough for a line of a mail.
const LINK_MAX: usize = 512;

const PLACEHOLDER: &str = "{id}";

/// A link with one place for an id, e.g. `https://crm.example/accounts/{id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    before: String,
    after: String,
}

/// Why a text is no link pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Neither `https://`, nor `http://` to this machine.
    #[error("a link begins with https:// (http:// only to localhost)")]
    NotHttps,
    /// `{id}` is missing, stands twice, or there are other braces.
    #[error("a link has the placeholder {{id}} exactly once and no other braces")]
    Placeholder,
    /// Without a host that configuration alone decides.
    #[error("a link's host is fixed and without user name; {{id}} stands after its first slash")]
    Host,
    /// Too long, or with characters that a link would have to encode.
    #[error("a link has at most 512 characters, all of them printable ASCII without quotes")]
    Text,
}

impl FromStr for Link {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>\\^`|".contains(&byte);
        if text.len() > LINK_MAX || !text.bytes().all(plain) {
            return Err(LinkError::Text);
        }
        let (before, after) = text.split_once(PLACEHOLDER).ok_or(LinkError::Placeholder)?;
        if before.contains(['{', '}']) || after.contains(['{', '}']) {
            return Err(LinkError::Placeholder);
        }
        let (secure, rest) = match (
            before.strip_prefix("https://"),
            before.strip_prefix("http://"),
        ) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(LinkError::NotHttps),
        };
        // `?` and `#` end a host as well; before the first slash they would leave the id in the host's hands.
        let (host, _) = rest.split_once('/').ok_or(LinkError::Host)?;
        if host.is_empty() || host.contains(['@', '?', '#']) {
            return Err(LinkError::Host);
        }
        if !secure && !is_this_machine(host) {
            return Err(LinkError::NotHttps);
        }
        Ok(Self {
            before: before.to_owned(),
            after: after.to_owned(),
        })
    }
}

fn is_this_machine(host: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| {
        host.strip_prefix(name)
            .is_some_and(|port| port.is_empty() || port.starts_with(':'))
    })
}

impl Link {
    /// The link to this id; none where it is not of `[A-Za-z0-9._-]{1,64}`.
    pub fn to(&self, id: &str) -> Option<String> {
        shape::is_id(id).then(|| format!("{}{id}{}", self.before, self.after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_put_where_the_pattern_says() {
        let link: Link = "https://x.lightning.force.com/lightning/r/Account/{id}/view"
            .parse()
            .unwrap();
        assert_eq!(
            link.to("001A").as_deref(),
            Some("https://x.lightning.force.com/lightning/r/Account/001A/view")
        );
    }

    #[test]
    fn an_id_cannot_lead_elsewhere() {
        let link: Link = "https://crm.example/accounts/{id}".parse().unwrap();
        for id in ["", "..", "a/b", "a?b", "a#b", "@evil.example", "a b", "%2e"] {
            assert_eq!(link.to(id), None, "{id:?}");
        }
    }

    #[test]
    fn a_host_that_data_could_decide_is_refused() {
        for (text, error) in [
            ("https://{id}", LinkError::Host),
            ("https://{id}.crm.example/", LinkError::Host),
            ("https://crm.example{id}", LinkError::Host),
            ("https://crm.example?a={id}", LinkError::Host),
            ("https://user@crm.example/{id}", LinkError::Host),
            ("https:///{id}", LinkError::Host),
            ("http://crm.example/{id}", LinkError::NotHttps),
            ("http://localhost.evil.example/{id}", LinkError::NotHttps),
            ("javascript:alert({id})", LinkError::NotHttps),
            ("https://crm.example/", LinkError::Placeholder),
            ("https://crm.example/{id}/{id}", LinkError::Placeholder),
            ("https://crm.example/{name}/{id}", LinkError::Placeholder),
            ("https://crm.example/ {id}", LinkError::Text),
            ("https://crm.example/\"{id}", LinkError::Text),
        ] {
            assert_eq!(text.parse::<Link>(), Err(error), "{text}");
        }
        assert!("http://localhost:8080/{id}".parse::<Link>().is_ok());
    }
}
