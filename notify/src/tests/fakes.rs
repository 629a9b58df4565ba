//! A directory and a channel that do as a story says.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use directory::{Address, Answer, Asked, Directory, Unavailable};

use crate::{
    alert::Failing,
    channel::{Channel, Letter, SendError},
};

/// Everybody is reached at `<id>@example.test`, but those who have left.
#[derive(Debug, Default)]
pub(super) struct Phonebook {
    pub(super) left: Mutex<Vec<String>>,
    pub(super) down: AtomicBool,
    pub(super) questions: Mutex<Vec<usize>>,
}

#[async_trait]
impl Directory for Phonebook {
    async fn find(&self, _asked: &[Asked<'_>]) -> Result<Vec<Answer>, Unavailable> {
        Err(Unavailable::because("notify asks for addresses only"))
    }

    async fn addresses(&self, recipients: &[&str]) -> Result<Vec<Option<Address>>, Unavailable> {
        if self.down.load(Ordering::Relaxed) {
            return Err(Unavailable::because("it is down"));
        }
        self.questions.lock().unwrap().push(recipients.len());
        let left = self.left.lock().unwrap();
        let address = |id: &&str| {
            let gone = left.iter().any(|one| one == id);
            (!gone).then(|| Address::new(&format!("{id}@example.test"), None).unwrap())
        };
        Ok(recipients.iter().map(address).collect())
    }
}

/// What the channel does with a letter.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Later,
    Never,
    Stopped,
    /// Takes it, and then does not come back: a crash after the server's 250.
    TakeAndHang,
    /// Takes it after this many milliseconds.
    TakeAfter(u64),
}

/// Takes letters, unless the script of a recipient says otherwise.
#[derive(Debug, Default)]
pub(super) struct Script {
    acts: Mutex<HashMap<String, VecDeque<Act>>>,
    pub(super) tried: Mutex<Vec<Letter>>,
    pub(super) taken: Mutex<Vec<Letter>>,
}

impl Script {
    /// What happens to the next letters to a recipient.
    pub(super) fn next(&self, recipient: &str, acts: &[Act]) {
        let address = format!("{recipient}@example.test");
        let mut all = self.acts.lock().unwrap();
        all.entry(address).or_default().extend(acts);
    }

    pub(super) fn tries(&self) -> usize {
        self.tried.lock().unwrap().len()
    }

    /// Recipient and subject of what was taken, in order.
    pub(super) fn told(&self) -> Vec<(String, String)> {
        let taken = self.taken.lock().unwrap();
        let what = |letter: &Letter| {
            let id = letter.to.expose().split('@').next().unwrap_or_default();
            (id.to_owned(), letter.text.subject.clone())
        };
        taken.iter().map(what).collect()
    }

    /// The subjects that a recipient got, in order.
    pub(super) fn told_to(&self, recipient: &str) -> Vec<String> {
        let told = self.told().into_iter();
        told.filter(|(id, _)| id == recipient)
            .map(|(_, subject)| subject)
            .collect()
    }
}

#[async_trait]
impl Channel for Script {
    fn name(&self) -> &'static str {
        "script"
    }

    async fn send(&self, letter: &Letter) -> Result<Option<String>, SendError> {
        self.tried.lock().unwrap().push(letter.clone());
        let act = {
            let mut acts = self.acts.lock().unwrap();
            acts.get_mut(letter.to.expose())
                .and_then(VecDeque::pop_front)
        };
        match act {
            None => {}
            Some(Act::TakeAfter(millis)) => {
                tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
            }
            Some(Act::Later) => return Err(SendError::Later("451".to_owned())),
            Some(Act::Never) => {
                return Err(SendError::Never {
                    failing: Failing::Refused,
                    why: "550".to_owned(),
                });
            }
            Some(Act::Stopped) => return Err(SendError::Stopped("535".to_owned())),
            Some(Act::TakeAndHang) => {
                self.taken.lock().unwrap().push(letter.clone());
                std::future::pending::<()>().await;
            }
        }
        self.taken.lock().unwrap().push(letter.clone());
        Ok(Some(letter.id.to_string()))
    }
}
