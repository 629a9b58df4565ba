//! Who looked: what commands note, who tells of it, and how it is found again.

use std::{sync::Arc, time::Duration};

use stage::{Chance, Clock as _, Stopper};

use super::{
    erasing::DAY,
    records::About,
    world::{World, each, keep},
};
use crate::{
    AccessQuery, Asked, Clients, Look, PAGE, Purpose, Query, Viewer, Viewing,
    config::Job,
    erasure::{Cover, Opened, Worker},
    looks::{Book, Noted},
    service::Service,
};

fn ann(asked: Asked) -> Viewer {
    Viewer::of_command("ann", asked, Purpose::parse("yearly audit"))
}

async fn filled(world: &World) -> Service {
    let service = world.service().await;
    for (at, account) in ["A-1", "A-2", "A-1"].into_iter().enumerate() {
        let at = i64::try_from(at).unwrap();
        let about = About::check(&format!("R-{at}"), account, (0, at));
        keep(&service, &about.journey(world)).await.unwrap();
    }
    service
}

/// Who looked, without a look at that.
async fn looks(world: &World, account: Option<&str>) -> Vec<Look> {
    let query = AccessQuery {
        account: account.map(str::to_owned),
        ..AccessQuery::default()
    };
    let (history, noted) = (world.history(), Noted(world.key_database()));
    history.accesses(&query, &noted).await.unwrap().looks
}

fn of(account: &str) -> Query {
    Query {
        account: Some(account.to_owned()),
        ..Query::default()
    }
}

#[tokio::test]
async fn what_a_command_shows_is_noted_first_and_told_in_the_log_once() {
    each(async |world| {
        let service = filled(world).await;
        let viewing = world.viewing();
        let page = viewing
            .checks(&ann(Asked::History), &of("A-1"))
            .await
            .unwrap();
        assert_eq!(page.checks.len(), 2);
        let noted = looks(world, None).await;
        assert_eq!((noted.len(), noted[0].seq), (1, None));
        viewing.entry(&ann(Asked::Prove), 3).await.unwrap();
        service.noted.turn(&service.audit).await.unwrap();
        service.noted.turn(&service.audit).await.unwrap();
        let told = looks(world, None).await;
        let shown: Vec<_> = told
            .iter()
            .map(|look| (look.asked.as_str(), look.rows, look.first, look.last))
            .collect();
        assert_eq!(
            shown,
            [
                ("history", 8, Some(0), Some(13)),
                ("prove", 1, Some(3), Some(3))
            ]
        );
        assert_eq!(told[0].id, noted[0].id);
        for look in &told {
            assert!(look.seq.is_some(), "{}", world.name);
            assert_eq!(
                (look.reader.as_str(), look.through.as_str()),
                ("ann", "command")
            );
            assert_eq!(look.purpose.as_deref(), Some("yearly audit"));
        }
    })
    .await;
}

#[tokio::test]
async fn who_looked_at_an_account_is_found_until_it_is_erased() {
    each(async |world| {
        let service = filled(world).await;
        let viewing = world.viewing();
        viewing
            .checks(&ann(Asked::History), &of("A-2"))
            .await
            .unwrap();
        viewing
            .checks(&ann(Asked::Export), &Query::default())
            .await
            .unwrap();
        let event = About::check("R-0", "A-1", (0, 0))
            .checked()
            .event_id()
            .to_string();
        viewing.check_of(&ann(Asked::Prove), &event).await.unwrap();
        service.noted.turn(&service.audit).await.unwrap();
        let asked = async |account| {
            let found = looks(world, Some(account)).await;
            found.into_iter().map(|look| look.asked).collect::<Vec<_>>()
        };
        assert_eq!(asked("A-1").await, ["export", "prove"]);
        // By its id as well as by its number.
        assert_eq!(asked("id-A-2").await, ["history", "export"]);
        assert_eq!(asked("A-3").await, [""; 0]);
        let kek = Arc::new(world.config.kek().unwrap());
        let clients = Clients::on(Opened::on((&world.database(), &world.key_database()), kek));
        let now = world.clock.now();
        let request = clients.request("A-2", ("asked", "ann", now), Chance::system());
        let id = request.await.unwrap().id;
        clients.approve(&id, "bob", now).await.unwrap();
        let worker = Worker {
            clients,
            backup_days: 30,
            job: Job::Report,
            cover: Cover::Nothing,
            stopper: Stopper::new(),
        };
        worker.turn(&service.audit, now.plus(DAY)).await.unwrap();
        assert_eq!(asked("A-2").await, [""; 0]);
        assert_eq!(looks(world, None).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_list_of_looks_ends_though_each_part_of_it_is_a_look() {
    let world = World::new("SQLite").await.unwrap();
    let service = filled(&world).await;
    let viewing = world.viewing();
    for _ in 0..=2 * PAGE {
        viewing.entry(&ann(Asked::Prove), 3).await.unwrap();
    }
    service.noted.turn(&service.audit).await.unwrap();
    let (mut query, mut found, mut parts) = (AccessQuery::default(), 0, 0);
    loop {
        let part = viewing.accesses(&ann(Asked::Access), &query).await.unwrap();
        (found, parts) = (
            found + part.looks.iter().filter(|look| look.seq.is_some()).count(),
            parts + 1,
        );
        service.noted.turn(&service.audit).await.unwrap();
        query.rest = part.rest;
        if query.rest.is_none() {
            break;
        }
    }
    assert_eq!(found, 2 * PAGE + 1);
    let all = looks(&world, None).await;
    assert_eq!(
        all.iter().filter(|look| look.asked == "access").count(),
        parts
    );
}

#[tokio::test]
async fn a_process_that_does_not_lead_answers_once_the_one_that_does_has_told() {
    let Some(world) = World::new("PostgreSQL").await else {
        return;
    };
    let leader = filled(&world).await;
    assert!(leader.audit.lead.holds().await.unwrap());
    let standby = world.fresh_service().await;
    let viewing = Viewing::on(
        world.history(),
        standby.noted.clone(),
        Book::Log(standby.acts.clone()),
        (Arc::new(world.clock.clone()), Chance::system()),
    );
    let (context, own) = (world.context(), world.context());
    let story = async {
        let viewer = ann(Asked::Checks);
        let query = of("A-1");
        let answer = viewing.checks(&viewer, &query);
        let mut answer = Box::pin(answer);
        let early = tokio::select! {
            _ = &mut answer => true,
            () = tokio::time::sleep(Duration::from_millis(300)) => false,
        };
        assert!(!early, "answered before the entry stood in the log");
        let told = async {
            answer.await.unwrap();
            own.stopper.stop();
        };
        tokio::join!(told, leader.noted.run(&leader.audit, &own));
        context.stopper.stop();
    };
    tokio::join!(
        standby.queue.run(&standby.audit, &standby.noted, &context),
        story
    );
    let told = looks(&world, None).await;
    assert_eq!((told.len(), told[0].seq.is_some()), (1, true));
    drop((leader, standby, viewing));
    world.clear().await;
}
