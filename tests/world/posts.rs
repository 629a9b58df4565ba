//! Bodies that are posted, and what was answered.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use jumio::{
    Media,
    scenarios::{self, Fill},
};

use super::{ACCOUNTS, World};

/// How long a post is repeated before a run gives up.
const GIVE_UP: Duration = Duration::from_mins(15);

/// A post and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// The provider reference of the body.
    pub(crate) reference: String,
    /// The last answer; 0 where none came.
    pub(crate) status: u16,
    /// How often it was posted until it was answered 200.
    pub(crate) tries: u32,
}

/// The test directory as JSON.
pub(super) fn directory() -> String {
    let users: Vec<_> = (0..20)
        .map(|n| serde_json::json!({ "id": format!("u-{n}"), "email": format!("u{n}@sales.example.test"), "active": n % 10 != 9 }))
        .collect();
    let queue =
        |id: &str| serde_json::json!({ "id": id, "email": format!("{id}@team.example.test") });
    let accounts: Vec<_> = (0..ACCOUNTS)
        .map(|n| {
            serde_json::json!({
                "id": format!("acc{n}"), "number": format!("A-{n}"), "contacts": [format!("C-{n}")],
                "owners": [format!("u-{}", n % 20), format!("u-{}", (n + 1) % 20)],
            })
        })
        .collect();
    serde_json::json!({
        "users": users, "queues": [queue("q-onboarding"), queue("q-sales-fallback"), queue("q-admins")],
        "accounts": accounts, "default_onboarding_queue": "q-onboarding", "fallback_queue": "q-sales-fallback",
    })
    .to_string()
}

/// A made-up body of a scenario.
pub(crate) fn body_of(scenario: &str, reference: &str, customer: Option<&str>) -> (Media, String) {
    let scenario = scenarios::all()
        .iter()
        .find(|one| one.name == scenario)
        .unwrap();
    let fill = Fill {
        provider_reference: reference.to_owned(),
        customer_reference: customer.map(str::to_owned),
        ..Fill::default()
    };
    (scenario.media, scenario.body(&fill))
}

/// An approved check of the `number`th client.
pub(crate) fn approved(number: usize, reference: &str) -> (Media, String) {
    let client = number % ACCOUNTS;
    body_of(
        "approved",
        reference,
        Some(&format!("A-{client}:C-{client}")),
    )
}

/// The content type of a media type.
pub(crate) fn content_type(media: Media) -> &'static str {
    match media {
        Media::Form => "application/x-www-form-urlencoded",
        Media::Json => "application/json",
    }
}

/// Posts to a door; outlives the kills of the processes behind it.
#[derive(Clone)]
pub(crate) struct Poster {
    client: reqwest::Client,
    door: String,
}

impl World {
    /// Posts a body; the status, or 0 where no answer came.
    pub(crate) async fn post(&self, media: Media, body: impl Into<reqwest::Body>) -> u16 {
        self.poster().post(media, body).await
    }

    /// Something that posts to this world's door.
    pub(crate) fn poster(&self) -> Poster {
        Poster {
            client: self.client.clone(),
            door: self.door(),
        }
    }
}

impl Poster {
    /// Posts a body; the status, or 0 where no answer came.
    pub(crate) async fn post(&self, media: Media, body: impl Into<reqwest::Body>) -> u16 {
        let request = self
            .client
            .post(&self.door)
            .header("content-type", content_type(media))
            .body(body);
        request
            .send()
            .await
            .map_or(0, |response| response.status().as_u16())
    }

    /// Posts approved checks at full speed, each until it is answered 200, as a provider that repeats would.
    pub(crate) async fn post_many(
        &self,
        first: usize,
        count: usize,
        connections: usize,
    ) -> Vec<Sent> {
        let begun = Instant::now();
        let sent: Vec<Sent> = stream::iter(first..first + count)
            .map(|number| async move {
                let reference = format!("ref-{number}");
                let (media, body) = approved(number, &reference);
                let mut tries = 0;
                loop {
                    tries += 1;
                    let status = self.post(media, body.clone()).await;
                    if status == 200 || begun.elapsed() > GIVE_UP {
                        return Sent {
                            reference,
                            status,
                            tries,
                        };
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            })
            .buffer_unordered(connections)
            .collect()
            .await;
        let repeats: u32 = sent.iter().map(|one| one.tries - 1).sum();
        println!("posted {count} in {:?}, {repeats} repeats", begun.elapsed());
        sent
    }
}
