//! The signed account of a day: what it says, that it stays, and what is found where it lies.

use std::time::Duration;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    append_only::refused,
    reconciled::{Reconciling, journey},
    world::{World, each},
};
use crate::{
    Assurance, Evidence,
    log::{policy::Policy, tile::Tile},
    statement::Statement,
    verify::{self, Claims, Leaves, LogReader, Unread},
};

const DAY: Duration = Duration::from_hours(24);

/// The log of a world, as the API shows it.
pub(super) struct Served(pub(super) Evidence);

#[async_trait]
impl LogReader for Served {
    async fn read(&self, path: &str, _: usize) -> Result<Option<Vec<u8>>, Unread> {
        let shown = self.0.checkpoint().await.unwrap().unwrap();
        if path == "checkpoint" {
            return Ok(Some(shown.note.into_bytes()));
        }
        Ok(self
            .0
            .tile(&Tile::parse(path).unwrap(), shown.size)
            .await
            .unwrap())
    }

    async fn list(&self) -> Result<Option<Vec<String>>, Unread> {
        Ok(None)
    }
}

/// What an auditor holds against the log of a world.
pub(super) fn claims(world: &World) -> Claims {
    let key = world.config.log_key().unwrap().unwrap();
    Claims {
        policy: Policy::of_log(key.verifier().clone()),
        leaves: Leaves::Ours,
        since: None,
    }
}

/// The day on which stories begin.
const FIRST: &str = "2026-09-21";

/// A history whose first day is over and signed, with more in it since.
async fn signed(world: &World) -> String {
    let this = Reconciling::of(world).await;
    for at in 0..3 {
        this.keep(&journey(world, at)).await;
    }
    this.keep(&journey(world, 3)[..1]).await;
    world.clock.advance(DAY + Duration::from_hours(2));
    this.keep(&journey(world, 4)).await;
    let assurance = Assurance::on(&world.database());
    this.turn().await;
    let early = assurance.statement(FIRST).await.unwrap();
    assert_eq!(early, None, "no checkpoint covers it");
    world.signer().await.sign().await.unwrap();
    this.turn().await;
    let note = assurance.statement(FIRST).await.unwrap().unwrap();
    this.keep(&journey(world, 5)).await;
    world.signer().await.sign().await.unwrap();
    this.turn().await;
    let again = assurance.statement(FIRST).await.unwrap();
    assert_eq!(again.as_ref(), Some(&note), "it never changes");
    note
}

#[tokio::test]
async fn a_day_is_signed_once_and_holds_against_its_log_and_no_other_account_of_it_does() {
    each(async |world| {
        let note = Box::pin(signed(world)).await;
        let (key, claims) = (world.config.log_key().unwrap().unwrap(), claims(world));
        let served = Served(Evidence::on(crate::store::open(&world.database())));
        let found = async |note: &str| {
            let log: Option<&dyn LogReader> = Some(&served);
            let stated = verify::statement(note.as_bytes(), log, &claims, &mut |_, _| {}).await;
            let findings = stated.unwrap().findings;
            findings
                .iter()
                .map(verify::Finding::word)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            found(&note).await,
            Vec::<&str>::new(),
            "{}: {note}",
            world.name
        );
        let good = Statement::open(note.as_bytes(), claims.policy.logs()).unwrap();
        let account = good.account;
        assert_eq!(
            (account.accepted, account.audited, account.missing),
            (4, 3, 1)
        );
        let changed = async |change: &dyn Fn(&mut Statement)| {
            let mut other = good.clone();
            change(&mut other);
            found(&other.sign(&key).unwrap().to_string()).await
        };
        assert_eq!(changed(&|one| one.account.audited += 1).await, ["sums"]);
        let fewer = |one: &mut Statement| {
            one.account.accepted -= 1;
            one.account.missing -= 1;
        };
        assert_eq!(changed(&fewer).await, ["day"], "a callback was left out");
        assert_eq!(changed(&|one| one.ranges[0].gaps += 1).await, ["day"]);
        assert_eq!(changed(&|one| drop(one.ranges.pop())).await, ["day"]);
        assert_eq!(changed(&|one| one.entries.1 -= 1).await, ["day"]);
        assert_eq!(
            changed(&|one| one.checkpoint.1[0] ^= 1).await,
            ["rewritten"]
        );
        let root = STANDARD.encode(good.checkpoint.1);
        let forged = note.replace(&root, &STANDARD.encode([7; 32]));
        assert_eq!(found(&forged).await, ["statement"], "signed by nobody");
    })
    .await;
}

#[tokio::test]
async fn a_statement_can_be_neither_changed_nor_taken_away() {
    each(async |world| {
        signed(world).await;
        let database = world.database();
        for sql in [
            "UPDATE statements SET note = 'x'",
            "DELETE FROM statements",
            "INSERT INTO statements SELECT day, size, 'x' FROM statements",
            "INSERT INTO statements SELECT '2026-09-30', size + 100, note FROM statements",
        ] {
            refused(&database, sql).await;
        }
    })
    .await;
}

#[tokio::test]
async fn hours_say_what_came_in_what_became_of_it_and_which_checkpoint_covers_it() {
    Box::pin(each(async |world| {
        signed(world).await;
        let assurance = Assurance::on(&world.database());
        let first = assurance.standing(Some(FIRST)).await.unwrap().unwrap();
        let of = |hour: &crate::Hour| {
            (
                hour.account.accepted,
                hour.account.audited,
                hour.account.missing,
                hour.account.in_flight,
            )
        };
        assert_eq!(
            first.hours.iter().map(of).collect::<Vec<_>>(),
            [(4, 3, 1, 0)]
        );
        let raw = first.hours[0]
            .ranges
            .iter()
            .find(|range| range.topic == "idtrail.raw");
        let raw = raw.unwrap();
        assert_eq!((raw.first, raw.last, raw.records, raw.gaps), (0, 3, 4, 0));
        assert!(first.hours[0].checkpoint.unwrap() >= first.hours[0].to_seq);
        assert_eq!((first.missing, first.violations), (1, 1), "{}", world.name);
        assert_eq!(first.oldest_missing, ["idtrail.raw/0/3"]);
        assert_eq!(first.signed_day.as_deref(), Some(FIRST));
        let newest = assurance.standing(None).await.unwrap().unwrap();
        assert_eq!(
            newest
                .hours
                .iter()
                .map(|hour| hour.account.audited)
                .sum::<u64>(),
            2
        );
        assert!(
            assurance
                .standing(Some("yesterday"))
                .await
                .unwrap()
                .is_none()
        );
    }))
    .await;
}
