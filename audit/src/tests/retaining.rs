//! What is kept until when; what is due is named, and erased only where the settings say so.

use stage::Clock as _;

use super::{
    erasing::{DAY, approved, clients, steps, worker},
    records::About,
    world::{each, keep},
};
use crate::{ErasureError, State, config::Job};

#[tokio::test]
async fn what_is_due_is_named_and_erased_only_where_the_settings_say_so() {
    each(async |world| {
        let service = world.service().await;
        for at in 0..3 {
            let about = About::check(&format!("R-{at}"), &format!("A-{at}"), (0, at));
            keep(&service, &about.journey(world)).await.unwrap();
        }
        let (clients, now) = (clients(world), world.clock.now());
        let early = clients.end("A-0", now.plus(DAY), ("ann", now)).await;
        assert!(matches!(early, Err(ErasureError::Date(_))));
        let due = clients.end("A-0", now, ("ann", now)).await.unwrap();
        clients.end("A-1", now, ("ann", now)).await.unwrap();
        let basis = ("a court has asked", "carl", now);
        clients.hold("A-1", due.plus(DAY), basis).await.unwrap();
        approved(world, "A-2").await;
        worker(world, Job::Report)
            .turn(&service.audit, now)
            .await
            .unwrap();

        let report = clients.retention(now).await.unwrap();
        assert_eq!(
            (
                report.active,
                report.held,
                report.destroying,
                report.destroyed
            ),
            (1, 1, 0, 1),
            "{}",
            world.name
        );
        assert!(
            report.ended.len() == 2
                && report
                    .ended
                    .iter()
                    .all(|one| one.due_at == due && !one.overdue)
        );
        let report = clients.retention(due).await.unwrap();
        let overdue = |one: &crate::Due| (one.overdue, one.held_until.is_some());
        let overdue: Vec<_> = report.ended.iter().map(overdue).collect();
        assert!(
            [(true, false), (false, true)]
                .iter()
                .all(|one| overdue.contains(one))
        );

        let report = worker(world, Job::Report);
        report.approve_due(&service.audit, due).await.unwrap();
        report.turn(&service.audit, due).await.unwrap();
        assert_eq!(steps(world, "A-0").await, 4, "a report has erased");
        let job = worker(world, Job::Erase);
        job.approve_due(&service.audit, now).await.unwrap();
        job.turn(&service.audit, now).await.unwrap();
        assert_eq!(steps(world, "A-0").await, 4, "it was not due");
        job.approve_due(&service.audit, due).await.unwrap();
        job.turn(&service.audit, due).await.unwrap();
        assert_eq!(
            (steps(world, "A-0").await, steps(world, "A-1").await),
            (0, 4)
        );
        let erased = clients.erased("A-0").await.unwrap().unwrap();
        assert_eq!(
            (erased.state, erased.requester.as_str()),
            (State::Destroyed, "retention")
        );
        assert_eq!(clients.retention(due).await.unwrap().ended.len(), 1);
    })
    .await;
}
