//! Kafka behind TLS and a login: who knows the password and whom to trust gets in, and nothing secret is told of others.

use std::{
    collections::BTreeMap,
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use schemas::Topic;
use stage::{Broker, BrokerError, Start, SystemClock, broker::kafka::Kafka};

use super::house::{DEADLINE, House, assigned, output, read, text, variable, within};

const MECHANISMS: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
/// What a post may wait that must fail.
const SHORT: Duration = Duration::from_secs(3);

/// The password of the test's Kafka.
fn password() -> String {
    let file = variable("KAFKA_PASSWORD_FILE").unwrap();
    fs::read_to_string(file).unwrap().trim_end().to_owned()
}

/// What logs in at the secured listener.
fn properties(mechanism: &str) -> BTreeMap<String, String> {
    let pairs = [
        ("security.protocol", "SASL_SSL".to_owned()),
        ("sasl.mechanism", mechanism.to_owned()),
        ("sasl.username", variable("KAFKA_USER").unwrap()),
        ("sasl.password", password()),
        ("ssl.ca.location", variable("KAFKA_CA").unwrap()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The broker as a process with these properties has it.
fn open(house: &House, properties: BTreeMap<String, String>) -> Kafka {
    let mut settings = house.settings("secured");
    settings.bootstrap = variable("KAFKA_SECURED").unwrap();
    settings.properties.extend(properties);
    Kafka::open(settings, Arc::new(SystemClock)).unwrap()
}

/// Posts where nobody lets us in; what is told of it.
async fn refused(house: &House, properties: BTreeMap<String, String>) -> String {
    let broker = open(house, properties);
    let begun = Instant::now();
    let posted = broker.append(output(Topic::Raw, "vain", "vain"), SHORT);
    let error = within("an answer", posted).await.unwrap_err();
    let took = begun.elapsed();
    assert!(took < SHORT + Duration::from_millis(500), "{took:?}");
    assert!(matches!(error, BrokerError::Unavailable(_)), "{error:?}");
    format!("{error} {error:?}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_made_durable_over_tls_with_each_login() {
    let Some(house) = House::kafka().await else {
        return;
    };
    for mechanism in MECHANISMS {
        let broker = open(&house, properties(mechanism));
        let posted = broker.append(output(Topic::Raw, "key", mechanism), DEADLINE);
        let position = within("a post", posted).await.unwrap();
        let start = Start::Offset(position.offset);
        let at = assigned(Topic::Raw, position.partition, start);
        let mut reader = broker.read(vec![at]).await.unwrap();
        let record = read(reader.as_mut(), 1).await.remove(0);
        assert_eq!(
            (&record.position, text(&record).as_str()),
            (&position, mechanism)
        );
    }
    assert_eq!(house.visible(Topic::Raw).await.len(), MECHANISMS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_in_time_and_not_shown() {
    let Some(house) = House::kafka().await else {
        return;
    };
    for mechanism in MECHANISMS {
        let mut properties = properties(mechanism);
        let wrong = format!("{} no more", password());
        properties.insert("sasl.password".to_owned(), wrong);
        let told = refused(&house, properties).await;
        assert!(!told.contains(&password()), "{told}");
    }
    assert!(house.visible(Topic::Raw).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_of_another_authority_gets_nothing() {
    let Some(house) = House::kafka().await else {
        return;
    };
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = parameters
        .self_signed(&KeyPair::generate().unwrap())
        .unwrap();
    let file = house.folder.path().join("ca.pem");
    fs::write(&file, authority.pem()).unwrap();
    let mut properties = properties("PLAIN");
    properties.insert("ssl.ca.location".to_owned(), file.display().to_string());
    let told = refused(&house, properties).await;
    assert!(!told.contains(&password()), "{told}");
    assert!(house.visible(Topic::Raw).await.is_empty());
}
