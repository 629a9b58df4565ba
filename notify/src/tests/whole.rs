//! The whole service, from the topics of a broker to files and the topic of notices.

use std::{sync::Arc, time::Duration};

use schemas::{Event as _, Notified, Outcome, Refusal, Topic, header};
use stage::{Output, Record, broker::Assigned};

use super::{
    events::event,
    world::{TRACE, World, each, until},
};
use crate::{ChannelKind, Config};

async fn append(world: &World, output: Output) {
    let appended = world.broker.append(output, Duration::from_secs(5)).await;
    appended.unwrap();
}

/// The topic's records so far.
async fn published(world: &World) -> Vec<Record> {
    let mut records = Vec::new();
    for extent in world.broker.extents(Topic::Notified).await.unwrap() {
        if extent.next == 0 {
            continue;
        }
        let assigned = Assigned {
            topic: Topic::Notified,
            partition: extent.partition,
            start: stage::Start::First,
        };
        let mut reader = world.broker.read(vec![assigned]).await.unwrap();
        let limit = stage::BatchLimit::default();
        records.extend(reader.next(&limit).await.unwrap());
    }
    records
}

#[tokio::test]
async fn from_topic_to_mail_and_back_to_a_topic_over_a_restart() {
    each(async |world: &World| {
        let mail = world.folder.path().join("mail");
        let config = Config {
            channel: ChannelKind::Maildir,
            maildir: Some(mail.clone()),
            ..world.config()
        };
        for round in 0..2_usize {
            let enriched = event("check-1", Outcome::Passed, "");
            append(
                world,
                world.codec.encode(&enriched, b"A-1:C-1", Some(TRACE)),
            )
            .await;
            let refusal = world.rejected(Refusal::Undecodable);
            let again = Output {
                topic: Topic::Rejected,
                key: b"other".to_vec(),
                headers: refusal.headers,
                value: refusal.value.unwrap(),
            };
            append(world, again).await;
            let context = world.context();
            let stop = context.stopper.clone();
            let story = async {
                until("all notices to be published", async || {
                    published(world).await.len() == 3 * (round + 1)
                })
                .await;
                stop.stop();
            };
            let people = Arc::clone(&world.phonebook);
            let (done, ()) = tokio::join!(crate::start(config.clone(), people, context), story);
            done.unwrap();
        }
        // The second round was a repeat and a counted refusal.
        assert_eq!(std::fs::read_dir(mail.join("new")).unwrap().count(), 3);
        let records = published(world).await;
        world.codec.learn(&records).await.unwrap();
        for record in &records {
            let event: Notified = world.codec.decode(record).unwrap();
            assert_eq!(record.header(header::TRACEPARENT), Some(TRACE));
            assert_eq!(record.header(header::CE_ID), Some(event.ce_id().as_str()));
            assert_eq!(record.header(header::CE_SOURCE), Some("/idtrail/notify"));
        }
    })
    .await;
}

#[tokio::test]
async fn a_database_without_tables_is_refused_with_the_command_that_makes_them() {
    let Some(world) = World::new("SQLite").await else {
        return;
    };
    let mut config = world.config();
    config.database.url = format!("sqlite:{}", world.folder.path().join("other.db").display());
    let context = world.context();
    let people = Arc::clone(&world.phonebook);
    let refused = crate::start(config, people, context).await.unwrap_err();
    assert!(
        refused.to_string().contains("idtrail database migrate"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_database_that_was_set_back_is_an_alarm_and_no_silence() {
    each(async |world: &World| {
        use stage::relay::Outbox as _;
        let service = world.discarding(&world.context()).await;
        world
            .keep(&service, &[world.enriched("check-1", Outcome::Passed)])
            .await;
        assert_eq!(service.relay.after(0, 10).await.unwrap().len(), 2);
        assert_eq!(service.relay.after(2, 10).await.unwrap().len(), 0);
        let said = service
            .relay
            .after(500, 10)
            .await
            .err()
            .unwrap()
            .to_string();
        assert!(said.contains("set back"), "{said}");
        service.relay.published(1).await.unwrap();
        assert_eq!(service.relay.mark().await.unwrap(), 1);
        let said = service.relay.after(0, 10).await.err().unwrap().to_string();
        assert!(said.contains("publication 1 is missing"), "{said}");
    })
    .await;
}
