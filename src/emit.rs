//! `emit`: posts made-up callbacks to a door.

use std::{
    collections::BTreeMap,
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use jumio::{
    Media,
    scenarios::{self, Fill, Scenario},
};
use stage::{Chance, Clock as _, SystemClock};

use crate::{
    command::Emit,
    exit::{Exit, Failure},
    output, process,
};

/// How long one post may take; well beyond the door's own deadline.
const PATIENCE: Duration = Duration::from_secs(30);

/// One body to post.
pub(crate) struct Post {
    pub(crate) name: String,
    pub(crate) media: Media,
    pub(crate) body: Vec<u8>,
}

/// Posts, and tells what was answered.
pub(crate) fn run(arguments: &Emit) -> Result<Exit, Failure> {
    if arguments.list {
        return list(arguments.json);
    }
    let made = |number: u64| make(arguments, number);
    // Everything that can be wrong with the arguments is wrong with the first post already.
    made(0)?;
    let answers = process::block_on(post_all(arguments, made))?;
    let mut accepted = true;
    for (answer, count) in &answers {
        accepted &= *answer == "200";
        if !arguments.json {
            output::note(&format!("{answer}: {count}"));
        }
    }
    if answers.contains_key("no answer") {
        return Err(Failure::unreachable(format!(
            "{} gave no answer; is `idtrail up` running?",
            arguments.to
        )));
    }
    Ok(if accepted { Exit::Yes } else { Exit::No })
}

fn list(json: bool) -> Result<Exit, Failure> {
    let rows: Vec<_> = scenarios::all()
        .iter()
        .map(|scenario| vec![scenario.name.to_owned(), scenario.about.to_owned()])
        .collect();
    if json {
        for row in rows {
            output::json(&serde_json::json!({ "name": row.first(), "about": row.get(1) }))?;
        }
    } else {
        output::table(&["SCENARIO", "ABOUT"], &rows)?;
    }
    Ok(Exit::Yes)
}

fn make(arguments: &Emit, number: u64) -> Result<Post, Failure> {
    let turn = |length: usize| usize::try_from(number % length.max(1) as u64).unwrap_or_default();
    if let Some(file) = arguments.file.get(turn(arguments.file.len())) {
        let body = std::fs::read(file)
            .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
        return Ok(Post {
            name: file.display().to_string(),
            media: Media::guess(&body),
            body,
        });
    }
    let name = arguments
        .scenario
        .get(turn(arguments.scenario.len()))
        .map_or("approved", String::as_str);
    let scenario = scenario(name)?;
    let reference = match (&arguments.reference, number) {
        (Some(reference), 0) => reference.clone(),
        _ => uuid::Builder::from_random_bytes(Chance::system().bytes())
            .into_uuid()
            .to_string(),
    };
    let mut fill = Fill {
        provider_reference: reference,
        occurred_at: SystemClock.now().to_string(),
        ..Fill::default()
    };
    fill.customer_reference = arguments
        .customer
        .clone()
        .or_else(|| Some("A-1001:C-2001".to_owned()));
    fill.transaction_reference
        .clone_from(&arguments.transaction);
    Ok(Post {
        name: name.to_owned(),
        media: scenario.media,
        body: scenario.body(&fill).into_bytes(),
    })
}

/// The scenario of this name.
pub(crate) fn scenario(name: &str) -> Result<&'static Scenario, Failure> {
    scenarios::all()
        .iter()
        .find(|scenario| scenario.name == name)
        .ok_or_else(|| {
            Failure::usage(format!(
                "there is no scenario `{name}`; `idtrail emit --list` names them"
            ))
        })
}

/// A client that goes straight to the door.
pub(crate) fn client() -> Result<reqwest::Client, Failure> {
    reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .map_err(Failure::usage)
}

/// Posts one body; the status code as text, or `no answer`.
pub(crate) async fn post(client: &reqwest::Client, to: &str, post: &Post) -> String {
    let content_type = match post.media {
        Media::Form => "application/x-www-form-urlencoded",
        Media::Json => "application/json",
    };
    let request = client
        .post(to)
        .header("content-type", content_type)
        .body(post.body.clone());
    match request.send().await {
        Ok(response) => response.status().as_u16().to_string(),
        Err(_) => "no answer".to_owned(),
    }
}

async fn post_all(
    arguments: &Emit,
    made: impl Fn(u64) -> Result<Post, Failure>,
) -> Result<BTreeMap<String, u64>, Failure> {
    let client = client()?;
    let bar = if arguments.count > 100 && std::io::stderr().is_terminal() {
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec} {eta}")
            .map_err(Failure::usage)?;
        ProgressBar::new(arguments.count).with_style(style)
    } else {
        ProgressBar::hidden()
    };
    let begun = Instant::now();
    let (client, to, rate) = (
        &client,
        arguments.to.as_str(),
        arguments.rate.filter(|rate| *rate > 0.0),
    );
    let made = &made;
    let posts = stream::iter(0..arguments.count).map(|number| async move {
        if let Some(rate) = rate {
            #[expect(clippy::cast_precision_loss, reason = "exact up to 2^52 posts")]
            let due = begun + Duration::from_secs_f64(number as f64 / rate);
            tokio::time::sleep_until(due.into()).await;
        }
        let one = made(number)?;
        let begun = Instant::now();
        let answer = post(client, to, &one).await;
        Ok::<_, Failure>((one.name, answer, begun.elapsed()))
    });
    let mut posts = posts.buffer_unordered(arguments.connections.max(1));
    let mut answers = BTreeMap::new();
    while let Some(done) = posts.next().await {
        let (name, answer, took) = done?;
        bar.inc(1);
        if arguments.json {
            let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            output::json(
                &serde_json::json!({ "scenario": name, "answer": answer, "milliseconds": millis }),
            )?;
        }
        *answers.entry(answer).or_insert(0) += 1;
    }
    bar.finish_and_clear();
    Ok(answers)
}
