//! `door close | open | status`: the kill switch of all doors of a system.

use std::{sync::Arc, time::Duration};

use ingest::orders::{self, CLOSE, DOOR, OPEN};
use schemas::{Operated, Topic};
use stage::{Clock as _, Codec, SystemClock};

use crate::{
    command::{Door, DoorWhat, Order, Place},
    config::All,
    exit::{Exit, Failure},
    output, process,
};

/// How long a command waits for the broker.
const PATIENCE: Duration = Duration::from_secs(10);

/// Closes, opens or tells.
pub(crate) fn run(arguments: &Door, place: &Place) -> Result<Exit, Failure> {
    let all = All::read(&process::settings(place)?)?;
    process::block_on(async {
        match &arguments.what {
            DoorWhat::Close(order) => say(&all, CLOSE, order).await,
            DoorWhat::Open(order) => say(&all, OPEN, order).await,
            DoorWhat::Status { json } => status(&all, *json).await,
        }
    })
}

async fn say(all: &All, action: &str, order: &Order) -> Result<Exit, Failure> {
    let broker = process::broker(all).await?;
    let codec = Codec::new(Arc::clone(&broker), Arc::new(SystemClock), "/idtrail/door");
    codec
        .prepare(&[Topic::Operated])
        .await
        .map_err(Failure::unreachable)?;
    let subject = Some(DOOR.to_owned());
    let operated = Operated::new(action, &order.by, &order.reason, subject, SystemClock.now());
    broker
        .append(codec.encode(&operated, DOOR.as_bytes(), None), PATIENCE)
        .await?;
    output::note(match action {
        CLOSE => "the doors close within a second; `idtrail door open` opens them again",
        _ => "the doors open within a second",
    });
    Ok(Exit::Yes)
}

async fn status(all: &All, json: bool) -> Result<Exit, Failure> {
    let broker = process::broker(all).await?;
    let standing = orders::standing(broker, Arc::new(SystemClock))
        .await
        .map_err(Failure::unreachable)?;
    let closed = standing.closed();
    if json {
        output::json(&serde_json::json!({
            "open": closed.is_none(),
            "since": closed.map(|closed| closed.since.to_string()),
            "by": closed.map(|closed| &closed.by),
            "reason": closed.map(|closed| &closed.reason),
        }))?;
    } else {
        output::line(&match closed {
            None => "open".to_owned(),
            Some(closed) => format!(
                "closed since {} by {}: {}",
                closed.since, closed.by, closed.reason
            ),
        })?;
    }
    Ok(if closed.is_none() {
        Exit::Yes
    } else {
        Exit::No
    })
}
