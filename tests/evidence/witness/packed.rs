//! The policy that a pack carries is that of the settings: whoever has no better one asks for their quorum too.

use audit::{
    log::{
        key::{Kind, SigningKey},
        note::Note,
    },
    pack::zip,
};

use super::{ORIGIN, PATIENCE, SEED, Story};
use crate::world::wait_for;

/// The same pack with a checkpoint that no witness has cosigned, here and in every proof.
fn uncosigned(pack: &[u8]) -> Vec<u8> {
    let mut files = zip::read(pack).unwrap();
    let whole = files.iter().find(|(name, _)| name == "checkpoint");
    let whole = String::from_utf8(whole.unwrap().1.clone()).unwrap();
    let note = Note::parse(whole.as_bytes()).unwrap();
    let own: Vec<&str> = whole
        .lines()
        .filter(|line| !line.starts_with("— ") || line.starts_with(&format!("— {ORIGIN} ")))
        .collect();
    assert!(note.signatures().len() > 1);
    let bare = own.join("\n") + "\n";
    for (name, data) in &mut files {
        if name == "checkpoint" || name.starts_with("proofs/") {
            let text = String::from_utf8(data.clone()).unwrap();
            *data = text.replace(&whole, &bare).into_bytes();
        }
    }
    zip::write(&files).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_asks_for_the_quorum_of_the_settings_unless_the_auditor_brings_a_policy() {
    let key = SigningKey::new(ORIGIN, Kind::Log, &[SEED; 32]).unwrap();
    let mut story = Story::begin(&key).await;
    story.grow(0).await;
    let file = |name: &str| story.world.folder.path().join(name).display().to_string();
    let (pack, policy) = (file("pack.zip"), file("policy.txt"));
    wait_for(
        "a pack of what is cosigned",
        PATIENCE,
        async || match story
            .world
            .run(&["export", "--pack", &pack, "--account", "A-1"])
        {
            (0, _, _) => Ok(()),
            (code, said, error) => Err(format!("{code}: {said}{error}")),
        },
    )
    .await;
    let good = std::fs::read(&pack).unwrap();
    let carried = audit::pack::policy(&good).unwrap();
    for one in &story.witnesses {
        assert!(carried.contains(&one.vkey), "{}: {carried}", one.name);
    }
    let (code, said, error) = story.world.run(&["verify", &pack]);
    let seen = format!("seen by {} witnesses", story.witnesses.len());
    assert_eq!((code, said.contains(&seen)), (0, true), "{said}{error}");

    // The witnesses' lines taken away: the pack's own policy refuses it, and a milder one of the auditor's does not.
    std::fs::write(&pack, uncosigned(&good)).unwrap();
    let (code, said, _) = story.world.run(&["verify", &pack]);
    let wanted = "has not the cosignatures that the policy asks for";
    assert_eq!((code, said.contains(wanted)), (1, true), "{said}");
    let log = key.verifier();
    std::fs::write(&policy, format!("log {log}\nquorum none\n")).unwrap();
    let (code, said, error) = story.world.run(&["verify", &pack, "--policy", &policy]);
    assert_eq!(code, 0, "{said}{error}");

    // A stricter one of the auditor's asks for a witness that has not seen it.
    std::fs::write(&pack, good).unwrap();
    let strange = SigningKey::new("strange.test", Kind::Witness, &[9; 32]).unwrap();
    let strange = strange.verifier();
    let text = format!("log {log}\nwitness strange {strange}\nquorum strange\n");
    std::fs::write(&policy, text).unwrap();
    let (code, said, _) = story.world.run(&["verify", &pack, "--policy", &policy]);
    assert_eq!((code, said.contains(wanted)), (1, true), "{said}");
}
