//! What of a setting may be shown.

/// Where librdkafka's properties stand. Some of them are secrets; ours are in files.
const PROPERTIES: &str = "broker.properties.";
/// What the names of those have in them.
const SECRET: [&str; 4] = ["password", "secret", ".key.", "token"];
/// Of a login only these are none: there are ways to log in whose every property may hold one.
const LOGIN: &str = "sasl.";
const NO_SECRET: [&str; 3] = ["sasl.mechanism", "sasl.mechanisms", "sasl.username"];
/// What stands instead.
const MASK: &str = "***";

/// The text of a setting, given as `section.key`, without its secrets: those of librdkafka, and the password in a URL.
pub fn masked(setting: &str, text: &str) -> String {
    let property = setting.strip_prefix(PROPERTIES).unwrap_or_default();
    let is_secret = SECRET.iter().any(|secret| property.contains(secret))
        && !property.ends_with(".location")
        || property.starts_with(LOGIN) && !NO_SECRET.contains(&property);
    if is_secret {
        return MASK.to_owned();
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    match rest.split_once('@') {
        Some((user, host)) if user.contains(':') && !user.contains('/') => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:{MASK}@{host}")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_masked() {
        for (text, shown) in [
            ("postgres://me:secret@host/db", "postgres://me:***@host/db"),
            ("postgres://me@host/db", "postgres://me@host/db"),
        ] {
            assert_eq!(masked("notify.database", text), shown);
        }
    }

    #[test]
    fn secrets_among_the_properties_are_masked_and_files_are_not() {
        for (name, shown) in [
            ("sasl.password", MASK),
            ("ssl.key.password", MASK),
            ("ssl.key.pem", MASK),
            ("sasl.oauthbearer.client.secret", MASK),
            ("sasl.oauthbearer.config", MASK),
            ("ssl.key.location", "x"),
            ("sasl.username", "x"),
        ] {
            assert_eq!(masked(&format!("{PROPERTIES}{name}"), "x"), shown, "{name}");
        }
        assert_eq!(masked("registry.password_file", "x"), "x");
    }
}
