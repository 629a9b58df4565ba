//! Who runs a command and why, for the entry of the log that says that they looked.

use audit::{Asked, MAX_PURPOSE, Purpose, Viewer};
use clap::Args;

use crate::exit::Failure;

/// Where the system keeps the names of its users.
const USERS: &str = "/etc/passwd";

/// Why somebody looks.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Why {
    /// Why you look; kept in the history with your user name, at most 200 characters
    #[arg(long, value_name = "TEXT")]
    pub(crate) purpose: Option<String>,
}

/// Whoever runs this command; to be called within the runtime.
pub(crate) fn viewer(asked: Asked, why: &Why) -> Result<Viewer, Failure> {
    let purpose = why.purpose.as_deref().map(|text| {
        Purpose::parse(text).ok_or_else(|| {
            Failure::usage(format!(
                "--purpose: one line of at most {MAX_PURPOSE} characters"
            ))
        })
    });
    Ok(Viewer::of_command(&user()?, asked, purpose.transpose()?))
}

/// The user that this process runs as, by name where the system has one. The kernel is asked, since a variable says what
/// its user wants it to say.
fn user() -> Result<String, Failure> {
    let (here, _there) = tokio::net::UnixStream::pair()?;
    let id = here.peer_cred()?.uid();
    let users = std::fs::read_to_string(USERS).unwrap_or_default();
    Ok(name_of(id, &users).unwrap_or_else(|| format!("uid {id}")))
}

/// The name of a user in the form of passwd(5).
fn name_of(id: u32, users: &str) -> Option<String> {
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _password, number) = (fields.next()?, fields.next()?, fields.next()?);
        (number.parse() == Ok(id)).then_some(name)
    });
    named.filter(|name| !name.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    //! Users.

    use super::*;

    #[test]
    fn a_user_is_found_by_the_number_and_nothing_else() {
        let users = "root:x:0:0:root:/:/bin/sh\n# 7\n:x:8:\nann:x:1000:100:Ann:/:/bin/sh\n";
        assert_eq!(name_of(1000, users).as_deref(), Some("ann"));
        assert_eq!(name_of(0, users).as_deref(), Some("root"));
        for nobody in [7, 8, 100] {
            assert_eq!(name_of(nobody, users), None);
        }
    }
}
