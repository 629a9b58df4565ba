//! `tail`: the decoded events of a topic with their headers.

use std::{collections::BTreeMap, sync::Arc};

use schemas::{AnyEvent, Timestamp, Topic};
use stage::{BatchLimit, Broker, Codec, Extent, Record, Start, SystemClock, broker::Assigned};

use crate::{
    command::{Place, Tail},
    config::All,
    exit::{Exit, Failure},
    output, process,
};

/// Prints a topic's events.
pub(crate) fn run(arguments: &Tail, place: &Place) -> Result<Exit, Failure> {
    let topic = Topic::from_word(&arguments.topic).ok_or_else(|| {
        let all: Vec<_> = Topic::ALL.iter().map(|topic| topic.as_str()).collect();
        Failure::usage(format!(
            "there is no topic `{}`; there are {}",
            arguments.topic,
            all.join(", ")
        ))
    })?;
    let (start, since) = match arguments.from.as_str() {
        "start" => (Start::First, None),
        "end" => (Start::End, None),
        time => {
            let since = Timestamp::parse_rfc3339(time).ok_or_else(|| {
                Failure::usage(format!(
                    "--from {time}: neither `start` nor `end` nor an RFC 3339 time"
                ))
            })?;
            (Start::First, Some(since))
        }
    };
    let all = All::read(&process::settings(place)?)?;
    process::block_on(async {
        let broker = process::broker(&all).await?;
        follow(
            &broker,
            topic,
            start,
            |record, codec| {
                if since.is_none_or(|since| record.timestamp >= since) {
                    show(record, codec, arguments.json)
                } else {
                    Ok(())
                }
            },
            arguments.follow,
        )
        .await
    })?;
    Ok(Exit::Yes)
}

async fn follow(
    broker: &Arc<dyn Broker>,
    topic: Topic,
    start: Start,
    mut show: impl FnMut(&Record, &Codec) -> std::io::Result<()>,
    forever: bool,
) -> Result<(), Failure> {
    let codec = Codec::new(Arc::clone(broker), Arc::new(SystemClock), "/idtrail/tail");
    let extents = broker.extents(topic).await?;
    let mut left: BTreeMap<i32, i64> = extents
        .iter()
        .filter(|extent| extent.next > extent.first)
        .map(|extent| (extent.partition, extent.next))
        .collect();
    if start == Start::End {
        left.clear();
    }
    let assigned = |Extent { partition, .. }: &Extent| Assigned {
        topic,
        partition: *partition,
        start: start.clone(),
    };
    let mut reader = broker.read(extents.iter().map(assigned).collect()).await?;
    let limit = BatchLimit::default();
    while forever || !left.is_empty() {
        // Behind the last record there may be transaction markers only, which nobody can see.
        let waiting = reader.next(&limit);
        let records = if forever {
            waiting.await?
        } else {
            match tokio::time::timeout(std::time::Duration::from_secs(2), waiting).await {
                Ok(records) => records?,
                Err(_) => break,
            }
        };
        if let Err(retry) = codec.learn(&records).await {
            output::note(&format!("idtrail: {retry}"));
        }
        for record in &records {
            show(record, &codec)?;
            let position = &record.position;
            if left
                .get(&position.partition)
                .is_some_and(|next| position.offset + 1 >= *next)
            {
                left.remove(&position.partition);
            }
        }
    }
    Ok(())
}

/// Every record that a topic holds now.
pub(crate) async fn records(
    broker: &Arc<dyn Broker>,
    topic: Topic,
) -> Result<Vec<Record>, Failure> {
    let mut records = Vec::new();
    let keep = |record: &Record, _: &Codec| {
        records.push(record.clone());
        Ok(())
    };
    follow(broker, topic, Start::First, keep, false).await?;
    Ok(records)
}

/// Every event that a topic holds now, decoded; unreadable ones are left out.
pub(crate) async fn all(
    broker: &Arc<dyn Broker>,
    topic: Topic,
) -> Result<Vec<(Record, AnyEvent)>, Failure> {
    let mut events = Vec::new();
    let keep = |record: &Record, codec: &Codec| {
        if let Ok(event) = codec.decode_any(record) {
            events.push((record.clone(), event));
        }
        Ok(())
    };
    follow(broker, topic, Start::First, keep, false).await?;
    Ok(events)
}

fn show(record: &Record, codec: &Codec, json: bool) -> std::io::Result<()> {
    let headers: BTreeMap<&str, String> = record
        .headers
        .iter()
        .map(|(name, value)| (name.as_ref(), String::from_utf8_lossy(value).into_owned()))
        .collect();
    let event = match codec.decode_any(record) {
        Ok(event) => serde_json::to_value(event).unwrap_or_default(),
        // A body may hold personal data: `tail raw` shows only how long it is; `rejected show` reads bodies.
        Err(_) if record.topic == Topic::Raw => {
            serde_json::json!({ "body_bytes": record.value.as_ref().map(Vec::len) })
        }
        Err(error) => serde_json::json!({ "unreadable": error.0.as_str() }),
    };
    let position = &record.position;
    if json {
        return output::json(&serde_json::json!({
            "topic": position.topic, "partition": position.partition, "offset": position.offset,
            "timestamp": record.timestamp, "headers": headers, "event": event,
        }));
    }
    output::line(&format!("{}  {position}", record.timestamp))?;
    for (name, value) in headers {
        output::line(&format!("  {name}: {value}"))?;
    }
    output::line(&format!("  {event}"))
}
