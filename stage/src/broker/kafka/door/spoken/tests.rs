//! Requests and answers, held against another implementation of the protocol; and answers that lie.

use kafka_protocol::{
    messages::{
        ApiVersionsRequest, ApiVersionsResponse, InitProducerIdRequest, InitProducerIdResponse,
        MetadataRequest, MetadataResponse, ProduceResponse, SaslAuthenticateRequest,
        SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
        api_versions_response::ApiVersion,
        metadata_response::{
            MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
        },
        produce_response::{PartitionProduceResponse, TopicProduceResponse},
    },
    protocol::{Decodable, Encodable, StrBytes},
};
use proptest::prelude::*;

use super::{
    super::{code::Code, produce::Said, wire},
    metadata::{Cluster, Metadata},
    *,
};

/// What the other implementation understands of a request.
fn theirs<S: Spoken, T: Decodable>(request: &S) -> T {
    let mut space = BytesMut::new();
    wire::begin::<S>(&mut space, "");
    let head = space.len();
    request.write(&mut space);
    let mut body = space.split_off(head).freeze();
    let read = T::decode(&mut body, S::VERSION).unwrap();
    assert!(body.is_empty(), "{} says more than is understood", S::NAME);
    read
}

/// What we understand of its answer; all of it.
fn ours<C: Call>(answer: &impl Encodable) -> C::Answer {
    let mut space = BytesMut::new();
    answer.encode(&mut space, C::VERSION).unwrap();
    let mut answer = Unread(space.freeze());
    let read = C::Answer::read(&mut answer).unwrap();
    // After its topics Produce says how long it holds us back.
    assert!(answer.0.len() <= 4, "{} is not read to its end", C::NAME);
    read
}

fn text(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

#[test]
fn requests_are_understood() {
    let _: ApiVersionsRequest = theirs(&ApiVersions);
    let shake: SaslHandshakeRequest = theirs(&SaslHandshake("PLAIN"));
    assert_eq!(shake.mechanism, text("PLAIN"));
    let said: SaslAuthenticateRequest = theirs(&SaslAuthenticate(b"x\0y".to_vec()));
    assert_eq!(&said.auth_bytes[..], b"x\0y");
    let asked: InitProducerIdRequest = theirs(&InitProducerId);
    assert_eq!(asked.transactional_id, None);
    let asked: MetadataRequest = theirs(&Metadata(&["a".to_owned(), "b".to_owned()]));
    let names = asked.topics.unwrap().into_iter();
    let names: Vec<_> = names.map(|topic| topic.name.unwrap().to_string()).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(!asked.allow_auto_topic_creation);
}

#[test]
fn answers_are_understood() {
    let version = ApiVersion::default()
        .with_api_key(3)
        .with_min_version(1)
        .with_max_version(9);
    let known = ApiVersionsResponse::default().with_api_keys(vec![version]);
    assert_eq!(ours::<ApiVersions>(&known).versions, [(3, 1, 9)]);

    let shaken = SaslHandshakeResponse::default().with_error_code(33);
    assert_eq!(ours_of_handshake(&shaken), 33);

    let said = SaslAuthenticateResponse::default()
        .with_error_message(Some(text("no")))
        .with_auth_bytes(Bytes::from_static(b"v=1"))
        .with_session_lifetime_ms(5_000);
    let said = ours::<SaslAuthenticate>(&said);
    assert_eq!(
        (&said.said[..], said.lasts, said.code),
        (&b"v=1"[..], 5_000, 0)
    );

    let given = InitProducerIdResponse::default()
        .with_error_code(14)
        .with_producer_id(7_000_000_000.into())
        .with_producer_epoch(3);
    let given = ours::<InitProducerId>(&given);
    assert_eq!(
        (given.code, given.producer_id, given.epoch),
        (14, 7_000_000_000, 3)
    );
}

/// The mechanisms behind the code are passed over.
fn ours_of_handshake(answer: &SaslHandshakeResponse) -> i16 {
    let mut space = BytesMut::new();
    answer.encode(&mut space, SaslHandshake::VERSION).unwrap();
    Shaken::read(&mut Unread(space.freeze())).unwrap().code
}

#[test]
fn who_leads_is_understood() {
    let partition = |index, leader: i32| {
        MetadataResponsePartition::default()
            .with_partition_index(index)
            .with_leader_id(leader.into())
            .with_replica_nodes(vec![1.into(), 2.into()])
            .with_isr_nodes(vec![2.into()])
            .with_offline_replicas(vec![1.into()])
    };
    let topic = MetadataResponseTopic::default()
        .with_name(Some(text("raw").into()))
        .with_partitions(vec![partition(1, 2), partition(0, -1)]);
    let missing = MetadataResponseTopic::default()
        .with_name(Some(text("gone").into()))
        .with_error_code(3);
    let broker = MetadataResponseBroker::default()
        .with_node_id(2.into())
        .with_host(text("b.example"))
        .with_port(9_092)
        .with_rack(Some(text("r")));
    let cluster = MetadataResponse::default()
        .with_brokers(vec![broker])
        .with_cluster_id(Some(text("c")))
        .with_topics(vec![topic, missing]);
    let Cluster { brokers, topics } = ours::<Metadata<'_>>(&cluster);
    let brokers: Vec<_> = brokers
        .iter()
        .map(|broker| (broker.id, broker.host.as_str(), broker.port))
        .collect();
    assert_eq!(brokers, [(2, "b.example", 9_092)]);
    let topics: Vec<_> = topics
        .iter()
        .map(|topic| (topic.name.as_str(), topic.code, topic.partitions.clone()))
        .collect();
    assert_eq!(
        topics,
        [("raw", 0, vec![(1, 2), (0, -1)]), ("gone", 3, vec![])]
    );
}

#[test]
fn what_became_of_each_batch_is_understood() {
    let one = |index, code, offset| {
        PartitionProduceResponse::default()
            .with_index(index)
            .with_error_code(code)
            .with_base_offset(offset)
            .with_log_append_time_ms(8)
            .with_log_start_offset(9)
    };
    let topic = |name, all| {
        TopicProduceResponse::default()
            .with_name(text(name).into())
            .with_partition_responses(all)
    };
    let answer = ProduceResponse::default().with_responses(vec![
        topic("a", vec![one(4, 0, 70), one(5, 6, -1)]),
        topic("b", vec![one(4, 0, 1)]),
    ]);
    let said: Said = ours::<super::super::produce::Produce>(&answer);
    assert_eq!(said.of("a", 4), Some(Ok(70)));
    assert_eq!(said.of("a", 5), Some(Err(Code::check(6).unwrap_err())));
    assert_eq!(said.of("b", 4), Some(Ok(1)));
    assert_eq!((said.of("b", 5), said.of("c", 4)), (None, None));
}

/// A number of things that nothing could hold is not made room for.
#[test]
fn a_count_that_lies_is_malformed() {
    let lie = || Unread(Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1]));
    assert_eq!(lie().all(Unread::i32), Err(Malformed));
    assert!(Said::read(&mut lie()).is_err());
}

proptest! {
    #[test]
    fn whatever_is_answered_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let answer = || Unread(Bytes::from(bytes.clone()));
        let _any = Known::read(&mut answer());
        let _any = Shaken::read(&mut answer());
        let _any = Authenticated::read(&mut answer());
        let _any = Introduced::read(&mut answer());
        let _any = Cluster::read(&mut answer());
        let _any = Said::read(&mut answer());
    }
}
