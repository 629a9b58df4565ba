//! The exchanges of a real witness, replayed to ours.

use serde_json::Value;
use stage::SystemClock;

use super::{Running, post};
use crate::{
    log::{
        cosignature,
        key::VerifierKey,
        note::{Note, Signature},
    },
    tests::vectors,
    witness::Submission,
};

/// The first exchanges belong to one witness, the others to a fresh one.
const FIRST: usize = 10;

#[tokio::test]
async fn ours_answers_the_published_exchanges_as_the_real_witness_did() {
    let Some(vectors) = vectors("witness-add-checkpoint.json") else {
        return;
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let exchanges = vectors["exchanges"].as_array().unwrap();
    assert_eq!(exchanges.len(), 15);
    for part in [&exchanges[..FIRST], &exchanges[FIRST..]] {
        let folder = tempfile::tempdir().unwrap();
        let witness = Running::start(folder.path(), std::sync::Arc::new(SystemClock)).await;
        let log = text(&vectors["log_vkey"]);
        witness.server.add_log(&log).await.unwrap();
        let key = VerifierKey::parse(&witness.server.vkey()).unwrap();
        for exchange in part {
            let request = text(&exchange["request"]);
            let (status, kind, body) = post(&witness.url(), request.clone()).await;
            let mut expected = exchange["status"].as_u64().unwrap();
            if text(&exchange["desc"]).starts_with("unknown origin") {
                // Recorded with a release that did not yet answer as the specification says.
                expected = 404;
            }
            assert_eq!(u64::from(status), expected, "{}", exchange["desc"]);
            assert_eq!(
                kind,
                text(&exchange["content_type"]),
                "{}",
                exchange["desc"]
            );
            if status == 409 {
                assert_eq!(body, text(&exchange["response"]));
            }
            if status == 200 {
                let submission = Submission::parse(request.as_bytes()).unwrap();
                let note = Note::parse(submission.note.as_bytes()).unwrap();
                let line = Signature::parse(body.strip_suffix('\n').unwrap()).unwrap();
                assert!(cosignature::time_of(&line, &key, note.text()).is_some());
            }
        }
    }
}
