//! Whether the history only grows, as the doctor says it: a line for each table, one for each statement that went
//! through, and what to do where whoever connects could do more.

use audit::guards::{self, Attempt, Outcome, Power, Tried};

use super::Finding;
use crate::{config::All, exit::Failure};

const SYSTEM: &str = "append-only";

/// Tries, and says how it ended.
pub(super) async fn look(all: &All) -> Vec<Finding> {
    match guards::attempt(&all.audit).await {
        Ok(tried) => tried.iter().flat_map(told).collect(),
        Err(error) => {
            let why = Failure::from(error).into_why();
            vec![Finding::of(SYSTEM, Err(format!("not tried: {why}")))]
        }
    }
}

/// What was tried on one database.
fn told(tried: &Tried) -> Vec<Finding> {
    let mut findings: Vec<Finding> = tried
        .attempts
        .chunk_by(|one, next| one.of == next.of)
        .flat_map(of_table)
        .collect();
    findings.extend(about(tried));
    findings
}

/// The attempts on one table: those that were refused in one line, each other in its own.
fn of_table(attempts: &[Attempt]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut refused = Vec::new();
    for one in attempts {
        let (of, sql) = (one.of, &one.sql);
        match &one.outcome {
            Outcome::Refused => refused.push(one.words),
            Outcome::Through => findings.push(Finding::of(
                SYSTEM,
                Err(format!(
                    "{of}: {} is NOT REFUSED ({sql}; it was rolled back): whoever has this service's login can rewrite the history",
                    one.words
                )),
            )),
            Outcome::Untried(why) => findings.push(Finding::of(
                SYSTEM,
                Err(format!("{of}: {} could not be tried, try again: {why}", one.words)),
            )),
        }
    }
    if let Some(first) = attempts.first().filter(|_| !refused.is_empty()) {
        let says = format!(
            "{}: refused, as it should be: {}",
            first.of,
            refused.join(", ")
        );
        findings.insert(0, Finding::of(SYSTEM, Ok(says)));
    }
    findings
}

/// What whoever connects could do besides.
fn about(tried: &Tried) -> Option<Finding> {
    let setting = tried.setting;
    match &tried.power {
        Power::Ordinary => None,
        Power::File => Some(Finding::of(
            SYSTEM,
            Ok(format!(
                "{setting}: a file; whoever may write it may drop its triggers, and what was signed shows it"
            )),
        )),
        Power::Owner { role } => Some(Finding::warning(
            SYSTEM,
            format!(
                "{setting}: {role} owns the tables, so it could take their guards away; connect as a member of audit_writer, and as {role} for `idtrail database migrate` only"
            ),
        )),
        Power::Superuser { role } => Some(Finding::warning(
            SYSTEM,
            format!(
                "{setting}: {role} is a superuser, to whom nothing is refused for good; connect as a member of audit_writer, and as {role} for `idtrail database migrate` only"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    //! What the doctor says of an attempt.

    use super::{super::State, *};

    fn attempt(words: &'static str, outcome: Outcome) -> Attempt {
        Attempt {
            of: "entries",
            words,
            sql: format!("{words} entries"),
            outcome,
        }
    }

    #[test]
    fn what_goes_through_is_named_and_makes_the_doctor_say_no() {
        let untried = Outcome::Untried("busy".to_owned());
        let tried = Tried {
            setting: "audit.database",
            power: Power::Owner {
                role: "all".to_owned(),
            },
            attempts: vec![
                attempt("UPDATE", Outcome::Refused),
                attempt("DELETE", Outcome::Through),
                attempt("TRUNCATE", untried),
                attempt("DROP", Outcome::Refused),
            ],
        };
        let said: Vec<_> = told(&tried)
            .into_iter()
            .map(|finding| (finding.state, finding.says))
            .collect();
        let expected = [
            (
                State::Well,
                "entries: refused, as it should be: UPDATE, DROP",
            ),
            (
                State::Sick,
                "entries: DELETE is NOT REFUSED (DELETE entries; ",
            ),
            (State::Sick, "entries: TRUNCATE could not be tried"),
            (State::Warning, "audit.database: all owns the tables"),
        ];
        assert_eq!(said.len(), expected.len());
        for ((state, says), (wanted, start)) in said.iter().zip(expected) {
            assert!(*state == wanted && says.starts_with(start), "{says}");
        }
    }
}
