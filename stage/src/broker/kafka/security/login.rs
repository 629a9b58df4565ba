//! The login that a broker asks for: SASL, as messages that somebody else carries.

use zeroize::Zeroizing;

use super::{
    BrokerError,
    properties::{Properties, missing, wrong},
    scram::{FEWEST_ROUNDS, Hash, MOST_ROUNDS, Scram},
};

const MECHANISM: [&str; 2] = ["sasl.mechanism", "sasl.mechanisms"];
const USER: &str = "sasl.username";
const PASSWORD: &str = "sasl.password";

/// How a password is proved.
#[derive(Clone, Copy, Debug)]
enum Mechanism {
    /// It is said.
    Plain,
    /// It is proved, and never said.
    Scram(Hash),
}

impl Mechanism {
    const ALL: [Self; 3] = [
        Self::Plain,
        Self::Scram(Hash::Sha256),
        Self::Scram(Hash::Sha512),
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Scram(Hash::Sha256) => "SCRAM-SHA-256",
            Self::Scram(Hash::Sha512) => "SCRAM-SHA-512",
        }
    }
}

/// Who logs in, and how.
#[derive(Clone)]
pub(crate) struct Login {
    mechanism: Mechanism,
    user: String,
    password: Zeroizing<String>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("mechanism", &self.mechanism.name())
            .finish_non_exhaustive()
    }
}

impl Login {
    pub(super) fn of(properties: &Properties<'_>) -> Result<Self, BrokerError> {
        let given = |name: &str| {
            let value = properties.get(name).filter(|value| !value.is_empty());
            value.ok_or_else(|| missing(name, "`security.protocol` asks for a login"))
        };
        let mechanism = mechanism(properties)?;
        let login = Self {
            mechanism,
            user: given(USER)?.to_owned(),
            password: Zeroizing::new(given(PASSWORD)?.to_owned()),
        };
        for (name, value) in [(USER, &login.user), (PASSWORD, &*login.password)] {
            sayable(mechanism, name, value)?;
        }
        Ok(login)
    }

    /// The mechanism's name, as the broker is asked for it.
    pub(crate) fn mechanism(&self) -> &'static str {
        self.mechanism.name()
    }

    /// A new exchange of messages. The nonce must never have been used before, nor be guessed: 24 random letters and
    /// digits or more.
    pub(crate) fn begin(&self, nonce: &str) -> Exchange {
        Exchange(match self.mechanism {
            Mechanism::Plain => {
                let said = format!("\0{}\0{}", self.user, *self.password);
                Step::Plain(Zeroizing::new(said))
            }
            Mechanism::Scram(hash) => {
                Step::Scram(Scram::new(hash, &self.user, self.password.clone(), nonce))
            }
        })
    }
}

fn mechanism(properties: &Properties<'_>) -> Result<Mechanism, BrokerError> {
    let known = Mechanism::ALL.map(Mechanism::name).join(", ");
    let [name, _] = MECHANISM;
    let Some(said) = properties.either(MECHANISM)? else {
        let why = format!("`security.protocol` asks for a login; it may be one of {known}");
        return Err(missing(name, &why));
    };
    let found = Mechanism::ALL.into_iter().find(|one| one.name() == said);
    found.ok_or_else(|| {
        wrong(&format!(
            "`{name}` must be one that the door's client knows: {known}"
        ))
    })
}

/// Whether a name or a password can be said so that the broker understands the same.
fn sayable(mechanism: Mechanism, name: &str, value: &str) -> Result<(), BrokerError> {
    match mechanism {
        Mechanism::Plain if value.contains('\0') => {
            Err(wrong(&format!("`{name}` must not hold the character NUL")))
        }
        Mechanism::Scram(_) if value.bytes().any(|byte| !matches!(byte, b' '..=b'~')) => {
            Err(wrong(&format!(
                "`{name}` must be of printable ASCII characters only: for others SCRAM wants SASLprep, which the door's \
                 client does not know"
            )))
        }
        Mechanism::Plain | Mechanism::Scram(_) => Ok(()),
    }
}

/// A login under way. Only an [`answer`](Self::answer) of none makes it one: until then the broker has proved nothing.
pub(crate) struct Exchange(Step);

enum Step {
    Plain(Zeroizing<String>),
    Scram(Scram),
}

impl Exchange {
    /// The client's first message.
    pub(crate) fn first(&self) -> Vec<u8> {
        match &self.0 {
            Step::Plain(said) => said.as_bytes().to_vec(),
            Step::Scram(scram) => scram.first().into_bytes(),
        }
    }

    /// The answer to what the broker says; none when the login is done and the broker has proved that it knows the
    /// password, as far as the mechanism has it do so. Takes up to a second of a core where the broker asks for the
    /// most rounds of hashing.
    pub(crate) fn answer(&mut self, said: &[u8]) -> Result<Option<Vec<u8>>, Refused> {
        match &mut self.0 {
            Step::Plain(_) => Ok(None),
            Step::Scram(scram) => Ok(scram.answer(said)?.map(String::into_bytes)),
        }
    }
}

/// Why a login is not gone on with. Nothing of what was said is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// What the broker says cannot be read.
    #[error("the broker's message is not one of SCRAM")]
    Unreadable,
    /// The broker has said no.
    #[error("the broker refuses the login")]
    ByBroker,
    /// The broker insists on something that this client cannot do.
    #[error("the broker insists on an extension of SCRAM that the door's client does not know")]
    Extension,
    /// The nonce is not ours with something of the broker's behind it.
    #[error(
        "the broker's nonce does not go on from ours: it answers somebody else, or repeats what it once heard"
    )]
    Nonce,
    /// Too few rounds.
    #[error(
        "the broker asks for fewer than {FEWEST_ROUNDS} rounds of hashing: a password could be guessed from what we would say"
    )]
    FewRounds,
    /// Too many rounds.
    #[error(
        "the broker asks for more than {MOST_ROUNDS} rounds of hashing, which would keep the CPU busy for nothing"
    )]
    ManyRounds,
    /// The proof does not hold.
    #[error("the broker does not prove that it knows the password: it could be anybody")]
    Unproved,
    /// There was nothing left to say.
    #[error("the broker goes on after the login has ended")]
    Ended,
}

#[cfg(test)]
mod tests;
