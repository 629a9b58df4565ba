//! `rejected list | show | replay`: what was refused, and sending it through again.

use std::{sync::Arc, time::Duration};

use audit::{Asked, Refused};
use schemas::{Operated, RawPointer, Topic, header};
use stage::{
    BatchLimit, Broker, Clock as _, Codec, Output, Record, Start, SystemClock, broker::Assigned,
};

use crate::{
    command::{Place, Rejected, RejectedWhat},
    config::All,
    exit::{Exit, Failure},
    history::{open, unanswered},
    output, process,
    viewer::{Why, viewer},
};

/// Refusals read at once.
const PAGE: usize = 500;
const HEADING: [&str; 7] = [
    "ID",
    "AT",
    "STAGE",
    "REASON",
    "FIELD",
    "PROBABLE CAUSE",
    "REFERENCE",
];
/// How long a command waits for the broker.
const PATIENCE: Duration = Duration::from_secs(10);

/// Lists, shows or replays.
pub(crate) fn run(arguments: &Rejected, place: &Place) -> Result<Exit, Failure> {
    let all = All::read(&process::settings(place)?)?;
    process::block_on(async {
        match &arguments.what {
            RejectedWhat::List { json } => list(&all, *json).await,
            RejectedWhat::Show { id, json } => show(&all, id, *json).await,
            RejectedWhat::Replay { id, reason, by } => replay(&all, id, (by, reason)).await,
        }
    })
}

async fn list(all: &All, json: bool) -> Result<Exit, Failure> {
    let viewer = viewer(Asked::Rejected, &Why::default())?;
    let history = open(all).await?;
    let mut after = None;
    loop {
        let page = history
            .rejected(&viewer, after.unwrap_or(-1), PAGE)
            .await
            .map_err(unanswered)?;
        if json {
            page.iter().try_for_each(output::json)?;
        } else if after.is_none() || !page.is_empty() {
            // Each page with its heading: a sender that has gone astray is refused a million times, which no table holds.
            let rows: Vec<Vec<String>> = page.iter().map(row).collect();
            output::table(&HEADING, &rows)?;
        }
        let Some(last) = page.last() else {
            return Ok(Exit::Yes);
        };
        after = Some(last.seq);
    }
}

fn row(one: &Refused) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    vec![
        text(&one.id),
        one.at.to_string(),
        text(&one.stage),
        text(&one.reason),
        text(&one.field),
        text(&one.probable_cause),
        text(&one.provider_reference),
    ]
}

/// The refusal of this id; none is said and is an answer.
async fn refusal(all: &All, id: &str) -> Result<Option<Refused>, Failure> {
    let viewer = viewer(Asked::Rejected, &Why::default())?;
    let found = open(all)
        .await?
        .rejected_by_id(&viewer, id)
        .await
        .map_err(unanswered)?;
    if found.is_none() {
        output::note(&format!(
            "idtrail: there is no refusal {id}; `idtrail rejected list` names them"
        ));
    }
    Ok(found)
}

async fn show(all: &All, id: &str, json: bool) -> Result<Exit, Failure> {
    let Some(found) = refusal(all, id).await? else {
        return Ok(Exit::No);
    };
    let broker = process::broker(all).await?;
    let record = match &found.raw {
        Some(pointer) => raw(&broker, pointer).await?,
        None => None,
    };
    let body = record.as_ref().and_then(|record| record.value.as_deref());
    let body = body.map(|body| String::from_utf8_lossy(body).into_owned());
    if json {
        let mut value = serde_json::to_value(&found).map_err(Failure::usage)?;
        if let Some(object) = value.as_object_mut() {
            object.insert("body".to_owned(), body.into());
        }
        output::json(&value)?;
        return Ok(Exit::Yes);
    }
    let names = [
        "id",
        "at",
        "stage",
        "reason",
        "field",
        "probable cause",
        "reference",
    ];
    for (name, value) in names.iter().zip(row(&found)) {
        output::line(&format!("{name:<16} {value}"))?;
    }
    if let Some(source) = &found.source {
        output::line(&format!(
            "{:<16} {}/{}/{}",
            "source", source.topic, source.partition, source.offset
        ))?;
    }
    match body {
        Some(body) => output::line(&format!("{:<16} (may hold personal data)\n{body}", "body")),
        None => output::line(&format!("{:<16} {}", "body", expired(&found))),
    }?;
    Ok(Exit::Yes)
}

fn expired(found: &Refused) -> String {
    let days = u64::from(Topic::Raw.retention_days());
    let until = found.at.plus(Duration::from_hours(24 * days));
    format!("no longer kept: `raw` keeps {days} days, so until about {until}")
}

/// Sends the bytes through again, with who did it and why.
async fn replay(all: &All, id: &str, (by, reason): (&str, &str)) -> Result<Exit, Failure> {
    let Some(found) = refusal(all, id).await? else {
        return Ok(Exit::No);
    };
    let broker = process::broker(all).await?;
    let Some(pointer) = &found.raw else {
        output::note(
            "idtrail: the refused record has no raw record behind it, so there is nothing to replay",
        );
        return Ok(Exit::No);
    };
    let Some(record) = raw(&broker, pointer).await? else {
        output::note(&format!("idtrail: the body is {}", expired(&found)));
        return Ok(Exit::No);
    };
    let codec = Codec::new(
        Arc::clone(&broker),
        Arc::new(SystemClock),
        "/idtrail/rejected",
    );
    codec
        .prepare(&[Topic::Operated])
        .await
        .map_err(Failure::unreachable)?;
    let place = pointer.position().to_string();
    let operated = Operated::new("replay", by, reason, Some(place.clone()), SystemClock.now());
    // The act first: a replay that nobody has told of must not be possible.
    broker
        .append(codec.encode(&operated, place.as_bytes(), None), PATIENCE)
        .await?;
    let position = broker.append(again(record, &place, by), PATIENCE).await?;
    output::line(&format!("replayed {place} as {position}"))?;
    Ok(Exit::Yes)
}

fn again(record: Record, place: &str, by: &str) -> Output {
    let own = [header::REFUSED, header::REPLAY_OF, header::REPLAYED_BY];
    let mut headers = record.headers;
    // What the door refused is judged again, by what it says.
    headers.retain(|(name, _)| !own.contains(&name.as_ref()));
    headers.push((header::REPLAY_OF.into(), place.as_bytes().to_vec()));
    headers.push((header::REPLAYED_BY.into(), by.as_bytes().to_vec()));
    Output {
        topic: Topic::Raw,
        key: record.key.unwrap_or_default(),
        headers,
        value: record.value.unwrap_or_default(),
    }
}

/// Reads a raw record by its pointer; none once it is no longer kept.
async fn raw(broker: &Arc<dyn Broker>, pointer: &RawPointer) -> Result<Option<Record>, Failure> {
    let extents = broker.extents(Topic::Raw).await?;
    let kept = extents.iter().any(|extent| {
        extent.partition == pointer.partition
            && (extent.first..extent.next).contains(&pointer.offset)
    });
    if !kept {
        return Ok(None);
    }
    let start = Start::Offset(pointer.offset);
    let assigned = Assigned {
        topic: Topic::Raw,
        partition: pointer.partition,
        start,
    };
    let mut reader = broker.read(vec![assigned]).await?;
    let limit = BatchLimit {
        records: 1,
        ..BatchLimit::default()
    };
    let read = tokio::time::timeout(PATIENCE, reader.next(&limit))
        .await
        .map_err(|_| {
            Failure::unreachable("the broker did not give the raw record within 10 s")
        })??;
    Ok(read
        .into_iter()
        .find(|record| record.position == pointer.position()))
}
