//! Schemas: an id that nobody knows is told from a registry that nobody reaches.

use std::{net::TcpListener, sync::Arc, time::Duration};

use schemas::{AnyEvent, Rejected, Topic};
use stage::{Broker, Clock as _, Codec, Record, RegistryError, SystemClock, broker::kafka::Kafka};

use super::house::{House, within};

both!(
    our_schemas_have_ids_once_they_are_registered,
    an_unknown_id_is_refused_only_after_the_patience_of_the_registry,
    a_registry_that_cannot_be_reached_refuses_nothing,
);

async fn our_schemas_have_ids_once_they_are_registered(house: House) {
    let registry = house.broker.registry();
    for topic in Topic::ALL
        .into_iter()
        .filter(|topic| AnyEvent::contract(*topic).is_some())
    {
        let subject = topic.subject(house.broker.prefix());
        let unknown = within("an answer", registry.id_of(topic)).await;
        assert_eq!(unknown, Err(RegistryError::NotRegistered(subject)));
        let id = within("an id", registry.register(topic)).await.unwrap();
        assert_eq!(within("it again", registry.register(topic)).await, Ok(id));
        assert_eq!(within("it", registry.id_of(topic)).await, Ok(id));
        let text = within("the schema", registry.schema(id))
            .await
            .unwrap()
            .unwrap();
        let ours = AnyEvent::contract(topic).unwrap().schema();
        assert_eq!(&schemas::parse_schema(&text).unwrap(), ours);
    }
    assert_eq!(
        within("an answer", registry.schema(2_000_000_000)).await,
        Ok(None)
    );
}

/// A record whose schema nobody has registered.
fn stray() -> Record {
    Record {
        topic: Topic::Rejected,
        position: schemas::Position {
            topic: "t".to_owned(),
            partition: 0,
            offset: 0,
        },
        timestamp: SystemClock.now(),
        key: None,
        headers: Vec::new(),
        value: Some(schemas::frame(2_000_000_000, b"datum")),
    }
}

async fn an_unknown_id_is_refused_only_after_the_patience_of_the_registry(house: House) {
    let registry = house.broker.registry();
    within("an id", registry.register(Topic::Rejected))
        .await
        .unwrap();
    let clock = Arc::new(house.clock.clone());
    let codec = Codec::new(Arc::clone(&house.broker), clock, "/idtrail/test");
    codec.prepare(&[Topic::Rejected]).await.unwrap();
    let patience = registry.patience();
    let refused = codec.learn(&[stray()]).await;
    if patience > Duration::ZERO {
        refused.unwrap_err();
        house
            .clock
            .advance(patience.checked_sub(Duration::from_secs(1)).unwrap());
        codec.learn(&[stray()]).await.unwrap_err();
        house.clock.advance(Duration::from_secs(1));
        codec.learn(&[stray()]).await.unwrap();
    } else {
        refused.unwrap();
    }
    codec.decode::<Rejected>(&stray()).unwrap_err();
}

async fn a_registry_that_cannot_be_reached_refuses_nothing(house: House) {
    let broker: Arc<dyn Broker> = if let Some(embedded) = &house.embedded {
        embedded.clone().close().await;
        Arc::clone(&house.broker)
    } else {
        let mut settings = house.settings("a");
        // Free a moment ago, so nobody listens there.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        settings.registry.url = format!("http://127.0.0.1:{port}/apis/ccompat/v7");
        Arc::new(Kafka::open(settings, Arc::new(SystemClock)).unwrap())
    };
    let clock = Arc::new(house.clock.clone());
    let codec = Codec::new(Arc::clone(&broker), clock, "/idtrail/test");
    for _ in 0..3 {
        within("an answer", codec.learn(&[stray()]))
            .await
            .unwrap_err();
        house.clock.advance(Duration::from_hours(1));
    }
    let told = within("an answer", broker.registry().id_of(Topic::Rejected)).await;
    assert!(
        matches!(told, Err(RegistryError::Unavailable(_))),
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_registry_refuses_nothing() {
    let Some(house) = House::without_topics().await else {
        return;
    };
    let mut settings = house.settings("a");
    settings.registry.url = settings.registry.url.replace("/ccompat/", "/nothing/");
    let broker = Kafka::open(settings, Arc::new(SystemClock)).unwrap();
    let told = within("an answer", broker.registry().schema(1)).await;
    assert!(
        matches!(told, Err(RegistryError::Unavailable(_)) | Ok(None)),
        "{told:?}"
    );
    let told = within("an answer", broker.registry().register(Topic::Rejected)).await;
    assert!(
        matches!(told, Err(RegistryError::Unavailable(_))),
        "{told:?}"
    );
}
