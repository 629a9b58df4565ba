//! The JSON form: one document with lists of users, queues and accounts.

use std::collections::HashSet;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    Account, ImportError, Problem, Queue, User,
    draft::{Draft, Link, Use},
    flaw::Place,
};

/// Reads a document; each row is parsed by itself, so that a refusal can say which one it was.
pub(super) fn read(text: &str) -> Result<Draft, ImportError> {
    let mut lines = Lines::of(text);
    let top = Place { line: 1, row: None };
    let document = serde_json::from_str::<Members<'_>>(text)
        .map_err(|error| ImportError::at_line(error.line() as u64, Problem::Malformed))?;
    let mut document = Fields::new(top, document)?;
    let mut draft = Draft::default();
    for (position, row) in document.list("users")?.into_iter().enumerate() {
        let mut row = lines.row(("users", position), row)?;
        let user = User {
            id: row.required("id")?,
            email: row.required("email")?,
            active: row.required("active")?,
            locale: row.optional("locale")?,
        };
        draft.user(row.finish()?, user)?;
    }
    for (position, row) in document.list("queues")?.into_iter().enumerate() {
        let mut row = lines.row(("queues", position), row)?;
        let queue = Queue {
            id: row.required("id")?,
            email: row.required("email")?,
        };
        draft.queue(row.finish()?, queue)?;
    }
    for (position, row) in document.list("accounts")?.into_iter().enumerate() {
        account(&mut draft, lines.row(("accounts", position), row)?)?;
    }
    let queue = document.required("default_onboarding_queue")?;
    let place = (top, "default_onboarding_queue");
    draft.set_use(Use::DefaultOnboarding, place, queue)?;
    if let Some(queue) = document.optional("fallback_queue")? {
        draft.set_use(Use::Fallback, (top, "fallback_queue"), queue)?;
    }
    document.finish()?;
    Ok(draft)
}

fn account(draft: &mut Draft, mut row: Fields<'_>) -> Result<(), ImportError> {
    let account = Account {
        id: row.required("id")?,
        number: row.required("number")?,
        onboarding_queue: row.optional("onboarding_queue")?,
        owners: Vec::new(),
        contacts: Vec::new(),
    };
    let owners: Vec<String> = row.required("owners")?;
    let contacts: Vec<String> = row.required("contacts")?;
    let place = row.finish()?;
    let link = |field, id| Link {
        place,
        field,
        id,
        account: account.id.clone(),
    };
    for owner in owners {
        draft.owner(link("owners", owner))?;
    }
    for contact in contacts {
        draft.contact(link("contacts", contact))?;
    }
    draft.account(place, account)
}

/// An object's members in their order, unparsed. A map would hide a key that stands twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Members of which each must be taken exactly once.
struct Fields<'a> {
    place: Place,
    members: Vec<(String, &'a RawValue)>,
}

impl<'a> Fields<'a> {
    fn new(place: Place, Members(members): Members<'a>) -> Result<Self, ImportError> {
        let mut keys = HashSet::new();
        if let Some((key, _)) = members.iter().find(|(key, _)| !keys.insert(key)) {
            return Err(place.refused(key, Problem::GivenTwice));
        }
        Ok(Self { place, members })
    }

    /// A member that may be missing or null.
    fn optional<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, ImportError> {
        let Some(position) = self.members.iter().position(|(name, _)| name == key) else {
            return Ok(None);
        };
        let (_, value) = self.members.swap_remove(position);
        serde_json::from_str(value.get()).map_err(|_| self.place.refused(key, Problem::BadType))
    }

    fn required<T: DeserializeOwned>(&mut self, key: &str) -> Result<T, ImportError> {
        self.optional(key)?
            .ok_or_else(|| self.place.refused(key, Problem::Missing))
    }

    /// A list, its rows unparsed. One that is left out is refused: it would empty the table.
    fn list(&mut self, key: &str) -> Result<Vec<&'a RawValue>, ImportError> {
        let position = self.members.iter().position(|(name, _)| name == key);
        let position = position.ok_or_else(|| self.place.refused(key, Problem::Missing))?;
        let (_, value) = self.members.swap_remove(position);
        serde_json::from_str(value.get()).map_err(|_| self.place.refused(key, Problem::BadType))
    }

    /// Refuses what nobody has asked for.
    fn finish(self) -> Result<Place, ImportError> {
        match self.members.first() {
            Some((key, _)) => Err(self.place.refused(key, Problem::UnknownField)),
            None => Ok(self.place),
        }
    }
}

/// Counts lines as it goes on through the text.
struct Lines<'a> {
    text: &'a str,
    offset: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            text,
            offset: 0,
            line: 1,
        }
    }

    /// A row of a list, with its place.
    fn row(
        &mut self,
        row: (&'static str, usize),
        value: &'a RawValue,
    ) -> Result<Fields<'a>, ImportError> {
        let place = Place {
            line: self.line_of(value.get()),
            row: Some(row),
        };
        let members = serde_json::from_str(value.get())
            .map_err(|_| place.refused(row.0, Problem::BadType))?;
        Fields::new(place, members)
    }

    /// The line on which this piece of the text begins.
    fn line_of(&mut self, piece: &str) -> u64 {
        let offset = (piece.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let offset = offset.min(self.text.len());
        if offset < self.offset {
            // The lists may stand in any order.
            (self.offset, self.line) = (0, 1);
        }
        let passed = &self.text[self.offset..offset];
        self.line += passed.matches('\n').count() as u64;
        self.offset = offset;
        self.line
    }
}
