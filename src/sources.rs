//! `sources list | check | approve`: who may post, and whether that is still whom the providers name.

use std::{net::IpAddr, sync::Arc, time::Duration};

use ingest::{
    orders,
    sources::{Approval, approvals},
};
use jumio::sources::{Printed, printed};
use schemas::Topic;
use stage::{Clock as _, Codec, SystemClock};

use crate::{
    command::{Approve, Place, Sources, SourcesWhat},
    config::All,
    emit,
    exit::{Exit, Failure},
    output, process,
};

mod compare;

use compare::{Finding, Resolved, compare};

/// How long a command waits for the broker.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one host name may take: resolvers give up after about five seconds a server.
const LOOK_UP: Duration = Duration::from_secs(10);

/// Lists, compares or lets in.
pub(crate) fn run(arguments: &Sources, place: &Place) -> Result<Exit, Failure> {
    let all = All::read(&process::settings(place)?)?;
    process::block_on(async {
        match &arguments.what {
            SourcesWhat::List { json } => list(&all, *json).await,
            SourcesWhat::Check { json } => check(&all, *json).await,
            SourcesWhat::Approve(given) => approve(&all, given).await,
        }
    })
}

async fn approve(all: &All, given: &Approve) -> Result<Exit, Failure> {
    let network = given
        .network
        .parse()
        .or_else(|_| given.network.parse::<IpAddr>().map(Into::into))
        .map_err(|_| Failure::usage("the network is none; write it as 192.0.2.0/24"))?;
    let said = (given.by.as_str(), given.reason.as_str());
    let operated =
        approvals::order(network, given.hours, said, SystemClock.now()).map_err(Failure::usage)?;
    let broker = process::broker(all).await?;
    let codec = Codec::new(
        Arc::clone(&broker),
        Arc::new(SystemClock),
        "/idtrail/sources",
    );
    codec
        .prepare(&[Topic::Operated])
        .await
        .map_err(Failure::unreachable)?;
    // One key, so that approvals stay in the order in which they were given.
    let record = codec.encode(&operated, approvals::APPROVE.as_bytes(), None);
    broker.append(record, PATIENCE).await?;
    output::note(match given.hours {
        0 => "the doors take the approval back within a second",
        _ => {
            "the doors let the network in within a second; the approval ends by itself, and `door.allow` is for what lasts"
        }
    });
    Ok(Exit::Yes)
}

async fn approved(all: &All) -> Result<Vec<Approval>, Failure> {
    let broker = process::broker(all).await?;
    let standing = orders::standing(broker, Arc::new(SystemClock))
        .await
        .map_err(Failure::unreachable)?;
    let live = standing.approvals().live(SystemClock.now());
    Ok(live.cloned().collect())
}

async fn list(all: &All, json: bool) -> Result<Exit, Failure> {
    let mut rows = Vec::new();
    let mut show = |network: String, from: String, since: String, why: String| {
        if json {
            output::json(
                &serde_json::json!({ "network": network, "from": from, "since": since, "why": why }),
            )
        } else {
            rows.push(vec![network, from, since, why]);
            Ok(())
        }
    };
    for list in printed(&all.door.data_centres()?) {
        for address in list.addresses {
            let from = format!("{} {}", list.generation.as_str(), list.data_centre);
            show(
                format!("{address}/32"),
                from,
                list.since.to_owned(),
                list.source.to_owned(),
            )?;
        }
    }
    for network in &all.door.allow {
        let from = "door.allow".to_owned();
        show(network.to_string(), from, String::new(), String::new())?;
    }
    match approved(all).await {
        Ok(approvals) => {
            for one in approvals {
                let from = format!("approved until {}", one.until);
                let why = format!("{}: {}", one.by, one.reason);
                show(one.network.to_string(), from, one.since.to_string(), why)?;
            }
        }
        Err(failure) => output::note(&format!("approvals are not shown: {}", failure.into_why())),
    }
    if !json {
        output::table(&["NETWORK", "FROM", "SINCE", "WHY"], &rows)?;
    }
    Ok(Exit::Yes)
}

async fn check(all: &All, json: bool) -> Result<Exit, Failure> {
    let lists = all.door.lists()?;
    let published: Vec<&Printed> = printed(&all.door.data_centres()?).collect();
    let mut resolved = Vec::new();
    for list in &published {
        resolved.push(Resolved {
            host: list.hostname,
            answer: look_up(list.hostname).await,
        });
    }
    let findings = compare(&lists.listed, &published, &resolved);
    let mut rows = Vec::new();
    for finding in &findings {
        if json {
            output::json(&finding.json())?;
        } else {
            rows.push(finding.row());
        }
    }
    if !json {
        output::table(&["ABOUT", "", "SAYS"], &rows)?;
    }
    match refused(all).await {
        Some(lines) if json => output::json(&serde_json::json!({ "refused": lines }))?,
        Some(lines) => output::line(&format!(
            "refused since the door runs\n{}",
            lines.join("\n")
        ))?,
        None => output::note("no running door was found that tells what it refused"),
    }
    if !resolved.is_empty() && resolved.iter().all(|one| one.answer.is_err()) {
        return Err(Failure::unreachable(
            "none of the providers' host names resolves; is there a name server?",
        ));
    }
    let well = findings.iter().all(Finding::is_well);
    Ok(if well { Exit::Yes } else { Exit::No })
}

async fn look_up(host: &str) -> Result<Vec<IpAddr>, String> {
    let answer = tokio::time::timeout(LOOK_UP, tokio::net::lookup_host((host, 443))).await;
    let sockets = answer
        .map_err(|_| "the name server does not answer".to_owned())?
        .map_err(|error| error.to_string())?;
    let mut addresses: Vec<_> = sockets.map(|socket| socket.ip().to_canonical()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    Ok(addresses)
}

/// What a running door has refused for its source, by its metrics.
async fn refused(all: &All) -> Option<Vec<String>> {
    let url = format!("http://{}/metrics", all.admin.listen);
    let answer = emit::client().ok()?.get(url).send().await.ok()?;
    let text = answer.text().await.ok()?;
    let about = |line: &&str| {
        line.contains("outcome=\"bad_source\"")
            || line.starts_with("idtrail_ingest_drift_")
            || line.starts_with("idtrail_ingest_clients_refused_total")
    };
    Some(text.lines().filter(about).map(str::to_owned).collect())
}
