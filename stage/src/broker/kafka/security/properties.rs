//! The properties on security that the door's client knows: one that it would pass over might be what keeps somebody out.

use std::collections::BTreeMap;

use super::BrokerError;

/// All that are understood.
const KNOWN: [&str; 13] = [
    "security.protocol",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.username",
    "sasl.password",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.key.location",
    "ssl.key.pem",
    "ssl.endpoint.identification.algorithm",
    VERIFICATION,
];
/// The one that does not begin as the others do.
const VERIFICATION: &str = "enable.ssl.certificate.verification";

/// The operator's properties, without any on security that is not understood.
pub(super) struct Properties<'a>(&'a BTreeMap<String, String>);

impl<'a> Properties<'a> {
    pub(super) fn of(all: &'a BTreeMap<String, String>) -> Result<Self, BrokerError> {
        let ours = |name: &str| name.starts_with("sasl.") || name.starts_with("ssl.");
        let strange = all
            .keys()
            .find(|name| ours(name) && !KNOWN.contains(&name.as_str()));
        if let Some(name) = strange {
            let known = KNOWN.join(", ");
            return Err(wrong(&format!(
                "the door's client does not know the property `{name}`; it knows {known}"
            )));
        }
        let properties = Self(all);
        properties.verified()?;
        Ok(properties)
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a property that has two names; none of the two may contradict the other.
    pub(super) fn either(&self, names: [&str; 2]) -> Result<Option<&'a str>, BrokerError> {
        match names.map(|name| self.get(name)) {
            [Some(one), Some(other)] if one != other => Err(both(names)),
            [one, other] => Ok(one.or(other)),
        }
    }

    /// Refuses to leave out what makes TLS more than a disguise.
    fn verified(&self) -> Result<(), BrokerError> {
        for (name, accepted) in [
            (VERIFICATION, &["true", "t", "1"][..]),
            ("ssl.endpoint.identification.algorithm", &["https"]),
        ] {
            let said = self.get(name).unwrap_or(accepted[0]);
            if !accepted.iter().any(|one| one.eq_ignore_ascii_case(said)) {
                let only = accepted[0];
                return Err(wrong(&format!(
                    "`{name}` must be `{only}`: a broker that is not verified could be anybody"
                )));
            }
        }
        Ok(())
    }
}

/// A sentence on a property; it must not show a value.
pub(super) fn wrong(why: &str) -> BrokerError {
    BrokerError::Settings(why.to_owned())
}

/// Two properties say the same thing, each in its way.
pub(super) fn both([one, other]: [&str; 2]) -> BrokerError {
    wrong(&format!("give either `{one}` or `{other}`, not both"))
}

/// A property that the others call for.
pub(super) fn missing(name: &str, why: &str) -> BrokerError {
    wrong(&format!("`{name}` is missing: {why}"))
}
