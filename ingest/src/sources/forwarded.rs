//! Whom a proxy of ours speaks for: `X-Forwarded-For` and `Forwarded` (RFC 7239), walked from the right.
//!
//! Only what our own proxies appended can be believed, and that stands at the right. The whole chain must be
//! well-formed nevertheless: where it is not, two readers could see two chains.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};

/// Hops of one chain: between provider and door stand one or two proxies.
pub const MAX_HOPS: usize = 32;
/// Bytes of all lines of a chain; 32 hops with all their parameters are shorter.
pub const MAX_BYTES: usize = 4_096;
const X_FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED: &str = "forwarded";

/// The header field that the proxies write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded`.
    Forwarded,
}

/// Why it is not known whom a proxy speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// The proxy names nobody, or nobody but proxies.
    #[error("the proxy names no client")]
    NoClient,
    /// Both fields are there and no setting says which one the proxies write.
    #[error(
        "both `X-Forwarded-For` and `Forwarded` are there; `door.forwarded` says which one counts"
    )]
    Ambiguous,
    /// Not in the form of the field.
    #[error("the chain of proxies is malformed")]
    Malformed,
    /// More hops or bytes than are read.
    #[error("the chain of proxies is too long")]
    TooLong,
    /// `unknown`, an obfuscated identifier, or no identifier where the client should stand.
    #[error("the client is hidden by a proxy")]
    Hidden,
}

impl Refused {
    /// Every reason.
    pub const ALL: [Self; 5] = [
        Self::NoClient,
        Self::Ambiguous,
        Self::Malformed,
        Self::TooLong,
        Self::Hidden,
    ];

    /// The word for it, as a label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoClient => "no_client",
            Self::Ambiguous => "ambiguous",
            Self::Malformed => "malformed",
            Self::TooLong => "too_long",
            Self::Hidden => "hidden",
        }
    }
}

/// One hop of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hop {
    Address(IpAddr),
    Hidden,
}

/// The client of a request that came from a proxy. `fields` are all header fields in their order.
///
/// With `kind` only that field is read and the other is passed over, whoever wrote it; without, both together are
/// refused. Several lines of a field are one list.
pub fn client<'a>(
    kind: Option<Kind>,
    fields: impl Iterator<Item = (&'a str, &'a [u8])>,
    is_proxy: impl Fn(IpAddr) -> bool,
) -> Result<IpAddr, Refused> {
    let mut found = kind;
    let mut hops = Vec::new();
    let mut bytes = 0_usize;
    for (name, value) in fields {
        let this = if name.eq_ignore_ascii_case(X_FORWARDED_FOR) {
            Kind::XForwardedFor
        } else if name.eq_ignore_ascii_case(FORWARDED) {
            Kind::Forwarded
        } else {
            continue;
        };
        match (found, kind) {
            (Some(before), Some(_)) if before != this => continue,
            (Some(before), None) if before != this => return Err(Refused::Ambiguous),
            _ => found = Some(this),
        }
        bytes = bytes.saturating_add(value.len());
        if bytes > MAX_BYTES {
            return Err(Refused::TooLong);
        }
        let text = std::str::from_utf8(value).map_err(|_| Refused::Malformed)?;
        match this {
            Kind::XForwardedFor => read_list(text, &mut hops)?,
            Kind::Forwarded => Elements { rest: text }.read(&mut hops)?,
        }
    }
    let others = |hop: &&Hop| !matches!(hop, Hop::Address(address) if is_proxy(*address));
    match hops.iter().rev().find(others) {
        Some(Hop::Address(address)) => Ok(*address),
        Some(Hop::Hidden) => Err(Refused::Hidden),
        None => Err(Refused::NoClient),
    }
}

fn push(hops: &mut Vec<Hop>, hop: Hop) -> Result<(), Refused> {
    if hops.len() >= MAX_HOPS {
        return Err(Refused::TooLong);
    }
    hops.push(hop);
    Ok(())
}

fn read_list(text: &str, hops: &mut Vec<Hop>) -> Result<(), Refused> {
    for element in text.split(',') {
        let element = element.trim_matches([' ', '\t']);
        // Some proxies write addresses of IPv6 without brackets; then no port can follow.
        let bare = element.parse::<Ipv6Addr>().map(IpAddr::V6);
        let hop = match bare {
            Ok(address) => Hop::Address(address.to_canonical()),
            Err(_) => node(element)?,
        };
        push(hops, hop)?;
    }
    Ok(())
}

/// A node with an optional port (RFC 7239 §6).
fn node(text: &str) -> Result<Hop, Refused> {
    if let Ok(address) = text.parse::<IpAddr>()
        && address.is_ipv4()
    {
        return Ok(Hop::Address(address));
    }
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        Some(_) | None => (text, None),
    };
    if !port.is_none_or(is_port) {
        return Err(Refused::Malformed);
    }
    if let Some(inner) = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
    {
        let address = inner.parse::<Ipv6Addr>().map_err(|_| Refused::Malformed)?;
        return Ok(Hop::Address(IpAddr::V6(address).to_canonical()));
    }
    if name.eq_ignore_ascii_case("unknown") || is_obfuscated(name) {
        return Ok(Hop::Hidden);
    }
    match name.parse::<IpAddr>() {
        Ok(address) if address.is_ipv4() => Ok(Hop::Address(address)),
        Ok(_) | Err(_) => Err(Refused::Malformed),
    }
}

fn is_port(text: &str) -> bool {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits && text.parse::<u16>().is_ok()) || is_obfuscated(text)
}

fn is_obfuscated(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    text.strip_prefix('_')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(allowed))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The elements of a `Forwarded` line.
struct Elements<'a> {
    rest: &'a str,
}

impl<'a> Elements<'a> {
    fn read(mut self, hops: &mut Vec<Hop>) -> Result<(), Refused> {
        loop {
            let hop = self.element()?;
            push(hops, hop)?;
            if self.rest.is_empty() {
                return Ok(());
            }
            self.take(',')?;
        }
    }

    fn element(&mut self) -> Result<Hop, Refused> {
        let mut hop = None;
        loop {
            self.space();
            let name = self.token()?;
            self.take('=')?;
            let value = self.value()?;
            if name.eq_ignore_ascii_case("for") && hop.replace(node(&value)?).is_some() {
                return Err(Refused::Malformed);
            }
            self.space();
            if !self.rest.starts_with(';') {
                return Ok(hop.unwrap_or(Hop::Hidden));
            }
            self.take(';')?;
        }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn take(&mut self, what: char) -> Result<(), Refused> {
        self.rest = self.rest.strip_prefix(what).ok_or(Refused::Malformed)?;
        Ok(())
    }

    fn token(&mut self) -> Result<&'a str, Refused> {
        let end = self.rest.bytes().take_while(|byte| is_token(*byte)).count();
        let (token, rest) = self.rest.split_at_checked(end).ok_or(Refused::Malformed)?;
        if token.is_empty() {
            return Err(Refused::Malformed);
        }
        self.rest = rest;
        Ok(token)
    }

    fn value(&mut self) -> Result<String, Refused> {
        if !self.rest.starts_with('"') {
            return self.token().map(str::to_owned);
        }
        self.take('"')?;
        let mut value = String::new();
        let mut letters = self.rest.chars();
        loop {
            match letters.next() {
                Some('"') => break,
                Some('\\') => match letters.next() {
                    Some(letter @ (' '..='~' | '\t')) => value.push(letter),
                    Some(_) | None => return Err(Refused::Malformed),
                },
                Some(letter @ (' '..='~' | '\t')) => value.push(letter),
                Some(_) | None => return Err(Refused::Malformed),
            }
        }
        self.rest = letters.as_str();
        Ok(value)
    }
}

/// The address that counts of a socket's peer.
pub fn of_peer(peer: SocketAddr) -> IpAddr {
    peer.ip().to_canonical()
}

#[cfg(test)]
mod tests;
