//! The CSV form: one file, a `kind` column says what each row is.

use csv::{ReaderBuilder, StringRecord};

use super::{
    Account, ImportError, Problem, Queue, User,
    draft::{Draft, Link, Use},
    flaw::Place,
};

/// Every column, and the kinds of rows that have it.
const COLUMNS: [(&str, &[&str]); 10] = [
    ("kind", &["user", "queue", "account", "contact", "owner"]),
    ("id", &["user", "queue", "account", "contact"]),
    ("email", &["user", "queue"]),
    ("active", &["user"]),
    ("locale", &["user"]),
    ("use", &["queue"]),
    ("number", &["account"]),
    ("onboarding_queue", &["account"]),
    ("account", &["contact", "owner"]),
    ("user", &["owner"]),
];

/// Reads a file; the rows may stand in any order, owners of one account in the order in which they earn.
pub(super) fn read(text: &str) -> Result<Draft, ImportError> {
    let mut reader = ReaderBuilder::new().from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| malformed(&error))?.clone();
    check(&header)?;
    let mut draft = Draft::default();
    let mut record = StringRecord::new();
    while reader
        .read_record(&mut record)
        .map_err(|error| malformed(&error))?
    {
        let line = record.position().map_or(0, csv::Position::line);
        let place = Place { line, row: None };
        let row = Row {
            place,
            header: &header,
            record: &record,
        };
        row.add_to(&mut draft)?;
    }
    Ok(draft)
}

fn check(header: &StringRecord) -> Result<(), ImportError> {
    let place = Place { line: 1, row: None };
    for (position, name) in header.iter().enumerate() {
        if !COLUMNS.iter().any(|(column, _)| *column == name) {
            return Err(place.refused(name, Problem::UnknownField));
        }
        if header.iter().take(position).any(|earlier| earlier == name) {
            return Err(place.refused(name, Problem::GivenTwice));
        }
    }
    if header.iter().all(|name| name != "kind") {
        return Err(place.refused("kind", Problem::Missing));
    }
    Ok(())
}

fn malformed(error: &csv::Error) -> ImportError {
    match error.position() {
        Some(position) => ImportError::at_line(position.line(), Problem::Malformed),
        None => ImportError::whole(Problem::Malformed),
    }
}

struct Row<'r> {
    place: Place,
    header: &'r StringRecord,
    record: &'r StringRecord,
}

impl Row<'_> {
    fn add_to(&self, draft: &mut Draft) -> Result<(), ImportError> {
        let kind = self.optional("kind").unwrap_or_default();
        self.check_kind(&kind)?;
        match kind.as_str() {
            "user" => draft.user(
                self.place,
                User {
                    id: self.required("id")?,
                    email: self.required("email")?,
                    active: self.active()?,
                    locale: self.optional("locale"),
                },
            ),
            "queue" => {
                let id = self.required("id")?;
                self.defaults(draft, &id)?;
                let email = self.required("email")?;
                draft.queue(self.place, Queue { id, email })
            }
            "account" => draft.account(
                self.place,
                Account {
                    id: self.required("id")?,
                    number: self.required("number")?,
                    onboarding_queue: self.optional("onboarding_queue"),
                    owners: Vec::new(),
                    contacts: Vec::new(),
                },
            ),
            "contact" => draft.contact(self.link("id")?),
            _ => draft.owner(self.link("user")?),
        }
    }

    /// The kind is one of ours, and no field is filled that a row of this kind does not have.
    fn check_kind(&self, kind: &str) -> Result<(), ImportError> {
        if !COLUMNS[0].1.contains(&kind) {
            return Err(self.place.refused("kind", Problem::BadKind));
        }
        let filled = COLUMNS
            .iter()
            .filter(|(column, _)| self.optional(column).is_some());
        for (column, kinds) in filled {
            if !kinds.contains(&kind) {
                return Err(self.place.refused(column, Problem::NotOfThisKind));
            }
        }
        Ok(())
    }

    fn link(&self, field: &'static str) -> Result<Link, ImportError> {
        Ok(Link {
            place: self.place,
            field,
            id: self.required(field)?,
            account: self.required("account")?,
        })
    }

    fn active(&self) -> Result<bool, ImportError> {
        match self.required("active")?.as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.place.refused("active", Problem::BadType)),
        }
    }

    /// What a queue is used for besides being named by accounts.
    fn defaults(&self, draft: &mut Draft, id: &str) -> Result<(), ImportError> {
        let Some(uses) = self.optional("use") else {
            return Ok(());
        };
        for word in uses.split(' ') {
            let what = match word {
                "default_onboarding" => Use::DefaultOnboarding,
                "fallback" => Use::Fallback,
                _ => return Err(self.place.refused("use", Problem::BadUse)),
            };
            draft.set_use(what, (self.place, "use"), id.to_owned())?;
        }
        Ok(())
    }

    /// A field, unless it is empty or has no column.
    fn optional(&self, column: &str) -> Option<String> {
        let position = self.header.iter().position(|name| name == column)?;
        self.record
            .get(position)
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
    }

    fn required(&self, column: &str) -> Result<String, ImportError> {
        self.optional(column)
            .ok_or_else(|| self.place.refused(column, Problem::Missing))
    }
}
