//! What `/metrics` says of notices, counted once they are stored.

use std::collections::BTreeMap;

use schemas::{Audience, NoticeOutcome};

use crate::draft::Publication;

/// Counts notices that have ended.
pub(crate) fn ended(publications: &[Publication]) {
    let mut counts: BTreeMap<(&str, Audience, NoticeOutcome), u64> = BTreeMap::new();
    for publication in publications {
        let event = &publication.event;
        let key = (event.channel(), event.audience(), event.outcome());
        *counts.entry(key).or_default() += 1;
        if event.outcome() == NoticeOutcome::Failed {
            failed(publication);
        }
    }
    for ((channel, audience, outcome), count) in counts {
        metrics::counter!(
            "idtrail_notifications_total",
            "channel" => channel.to_owned(),
            "audience" => audience.as_str(),
            "outcome" => outcome.as_str(),
        )
        .increment(count);
    }
    for audience in [Audience::Onboarding, Audience::Sales] {
        time_from_door(publications, audience);
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds since the door are far below 2^52"
)]
fn time_from_door(publications: &[Publication], audience: Audience) {
    let sent = publications.iter().filter(|publication| {
        let event = &publication.event;
        (event.audience(), event.outcome()) == (audience, NoticeOutcome::Sent)
    });
    let histogram =
        metrics::histogram!("idtrail_end_to_end_seconds", "audience" => audience.as_str());
    for publication in sent {
        if let Some(received_at) = publication.received_at {
            let micros = publication.ended_at().micros() - received_at.micros();
            histogram.record(micros as f64 / 1e6);
        }
    }
}

fn failed(publication: &Publication) {
    let event = &publication.event;
    if event.audience() == Audience::Admins {
        metrics::counter!("idtrail_alerts_undeliverable_total").increment(1);
    }
    tracing::error!(
        notification.id = %event.notification_id(),
        audience = %event.audience(),
        recipient.id = event.recipient_id(),
        attempts = event.attempts(),
        "notice {} was given up: {}",
        event.notification_id(),
        event.reason().unwrap_or("unknown")
    );
}

/// Makes every series known at 0, so that rates and absences can be told from the first scrape on.
pub(crate) fn begin(channel: &'static str) {
    for audience in [Audience::Onboarding, Audience::Sales, Audience::Admins] {
        for outcome in NoticeOutcome::ALL {
            metrics::counter!(
                "idtrail_notifications_total",
                "channel" => channel,
                "audience" => audience.as_str(),
                "outcome" => outcome.as_str(),
            )
            .increment(0);
        }
    }
    stage::Unreadable::begin("notify");
    metrics::counter!("idtrail_alerts_undeliverable_total").increment(0);
    metrics::counter!("idtrail_notifications_resent_total").increment(0);
    metrics::counter!("idtrail_notification_attempts_total", "channel" => channel).increment(0);
    metrics::gauge!("idtrail_notification_channel_stopped", "channel" => channel).set(0.0);
}
