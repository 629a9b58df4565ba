//! `[audit.timestamps]`: who stamps, and how often.

use serde::{Deserialize, Serialize};

/// Pause between two tokens where nothing else is set: an hour is what people date by, and no authority minds it.
const EVERY_S: u64 = 3_600;
/// What may be set: below, an authority would be flooded; above, a week could be dated back.
const RHYTHMS_S: std::ops::RangeInclusive<u64> = 1..=604_800;

/// `[audit.timestamps]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stamping {
    /// Where the authority takes requests (RFC 3161 section 3.4), `http(s)://host[:port][/path]`; empty: nothing is stamped.
    pub url: String,
    /// Pause between two tokens, in seconds.
    pub every_s: u64,
}

impl Default for Stamping {
    fn default() -> Self {
        Self {
            url: String::new(),
            every_s: EVERY_S,
        }
    }
}

/// What is wrong with these settings: the setting, and why.
pub(crate) fn wrong(stamping: &Stamping, signs: bool) -> Option<(&'static str, &'static str)> {
    const URL: &str = "audit.timestamps.url";
    if !RHYTHMS_S.contains(&stamping.every_s) {
        return Some(("audit.timestamps.every_s", "must be between 1 and 604800"));
    }
    if stamping.url.is_empty() {
        return None;
    }
    let bare = |url: reqwest::Url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
    };
    if !reqwest::Url::parse(&stamping.url).is_ok_and(bare) {
        return Some((URL, "is not `http(s)://host[:port][/path]`"));
    }
    (!signs).then_some((
        URL,
        "is set, but `audit.log_key_file` names no file: nothing is signed that could be stamped",
    ))
}

#[cfg(test)]
mod tests {
    //! Settings that must not be started with.

    use super::*;

    fn stamping(url: &str, every_s: u64) -> Stamping {
        Stamping {
            url: url.to_owned(),
            every_s,
        }
    }

    #[test]
    fn settings_that_would_stamp_nothing_are_refused() {
        let good = stamping("https://tsa.example.test/tsr", 3_600);
        assert_eq!(wrong(&good, true), None);
        assert_eq!(wrong(&Stamping::default(), false), None);
        let setting =
            |stamping: &Stamping, signs| wrong(stamping, signs).map(|(setting, _)| setting);
        assert_eq!(setting(&good, false), Some("audit.timestamps.url"));
        for url in [
            "tsa.example.test",
            "ftp://tsa.example.test",
            "http://user:word@tsa.example.test",
        ] {
            let bad = stamping(url, 60);
            assert_eq!(setting(&bad, true), Some("audit.timestamps.url"), "{url}");
        }
        for every_s in [0, 604_801] {
            let bad = stamping("", every_s);
            assert_eq!(setting(&bad, true), Some("audit.timestamps.every_s"));
        }
    }
}
