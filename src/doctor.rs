//! `doctor`: each outside system, and what to do where it is not well.

use std::sync::Arc;

use schemas::Topic;
use stage::{Broker, Clock as _, SystemClock, database::Database};

use crate::{
    command::{Doctor, Place},
    config::All,
    exit::{Exit, Failure},
    output, process, stores,
};

mod guards;

/// A clock that is further off makes links look expired and histories look back-dated.
const MAX_SKEW_SECONDS: i64 = 5;

/// How a system is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Well,
    /// It works, and should be otherwise.
    Warning,
    Sick,
}

/// One finding.
struct Finding {
    system: &'static str,
    state: State,
    says: String,
}

impl Finding {
    fn of(system: &'static str, result: Result<String, String>) -> Self {
        let (state, says) = match result {
            Ok(says) => (State::Well, says),
            Err(says) => (State::Sick, says),
        };
        Self {
            system,
            state,
            says,
        }
    }

    fn warning(system: &'static str, says: String) -> Self {
        Self {
            system,
            state: State::Warning,
            says,
        }
    }
}

/// Looks at everything; 3 if something cannot be reached or does not fit.
pub(crate) fn run(arguments: &Doctor, place: &Place) -> Result<Exit, Failure> {
    let all = All::read(&process::settings(place)?)?;
    let findings = process::block_on(async { Ok(look(&all).await) })?;
    let sick = findings.iter().any(|finding| finding.state == State::Sick);
    let mut rows = Vec::new();
    for finding in findings {
        if arguments.json {
            output::json(&serde_json::json!({
                "system": finding.system, "well": finding.state != State::Sick,
                "warning": finding.state == State::Warning, "says": finding.says,
            }))?;
        }
        let mark = match finding.state {
            State::Well => "ok",
            State::Warning => "warning",
            State::Sick => "NOT WELL",
        };
        rows.push(vec![
            finding.system.to_owned(),
            mark.to_owned(),
            finding.says,
        ]);
    }
    if !arguments.json {
        output::table(&["SYSTEM", "", "SAYS"], &rows)?;
    }
    if sick {
        Err(Failure::unreachable(
            "not everything is well; the lines above say what to do",
        ))
    } else {
        Ok(Exit::Yes)
    }
}

async fn look(all: &All) -> Vec<Finding> {
    let mut findings = vec![Finding::of(
        "settings",
        all.check()
            .map(|()| "safe".to_owned())
            .map_err(|error| error.to_string()),
    )];
    match process::broker(all).await {
        Ok(broker) => findings.extend(look_at_broker(&broker).await),
        Err(failure) => findings.push(Finding::of("broker", Err(Failure::into_why(failure)))),
    }
    for (setting, answer) in stores::check(all).await {
        let fits = || "reachable, its tables are those of this release".to_owned();
        findings.push(Finding::of(
            setting,
            answer.map(|()| fits()).map_err(Failure::into_why),
        ));
    }
    findings.extend(guards::look(all).await);
    findings.push(Finding::of("clock", look_at_clock(all).await));
    if all.notify.channel == notify::ChannelKind::Smtp {
        findings.push(Finding::of("mail", notify::probe(&all.notify).await));
    }
    findings
}

async fn look_at_broker(broker: &Arc<dyn Broker>) -> Vec<Finding> {
    let topics = broker.check_topics().await;
    let mut findings = vec![Finding::of(
        "broker",
        topics
            .map(|()| "reachable, all topics are there".to_owned())
            .map_err(|error| error.to_string()),
    )];
    let mut registered = Ok("every schema of this release is registered".to_owned());
    for topic in Topic::ALL.into_iter().filter(|topic| *topic != Topic::Raw) {
        if let Err(error) = broker.registry().id_of(topic).await {
            registered = Err(error.to_string());
            break;
        }
    }
    findings.push(Finding::of("registry", registered));
    findings
}

/// Compares this machine's clock with the history database's, where that is another machine's.
async fn look_at_clock(all: &All) -> Result<String, String> {
    let database =
        Database::open(&all.audit.database, "audit.database").map_err(|error| error.to_string())?;
    let Database::Postgres(pool) = database else {
        return Ok("one machine, one clock".to_owned());
    };
    let (theirs,): (f64,) = sqlx::query_as("SELECT extract(epoch FROM now())::float8")
        .fetch_one(&pool)
        .await
        .map_err(|error| format!("the history database does not tell the time: {error}"))?;
    #[expect(clippy::cast_possible_truncation, reason = "seconds since 1970 fit")]
    let skew = SystemClock.now().millis() / 1_000 - theirs as i64;
    if skew.abs() > MAX_SKEW_SECONDS {
        return Err(format!(
            "this machine and the history database differ by {skew} s; mend the time service"
        ));
    }
    Ok(format!(
        "within {MAX_SKEW_SECONDS} s of the history database"
    ))
}
