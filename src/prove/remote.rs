//! Proofs from the audit API, for who has no database at hand.

use std::{path::Path, time::Duration};

use audit::log::proof::Proof;
use reqwest::{Client, StatusCode, header};
use serde::Deserialize;

use crate::{
    command::Prove,
    exit::{Exit, Failure},
    output,
};

/// How long an answer may take: longer than the API gives itself.
const PATIENCE: Duration = Duration::from_secs(40);
/// Largest answer. A step takes some kilobytes, and a check with thousands of steps is read beside its database.
const MAX_ANSWER: usize = 64 << 20;
/// Largest token file: a token has a line.
const MAX_TOKEN: u64 = 4 << 10;

/// A check, as far as it is asked for.
#[derive(Deserialize)]
struct Check {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    seq: u64,
    event_id: Option<String>,
}

#[derive(Deserialize)]
struct Proofs {
    proofs: Vec<One>,
}

/// The proof of one step; none until a checkpoint covers it.
#[derive(Deserialize)]
struct One {
    seq: u64,
    leaf: Option<String>,
    proof: Option<String>,
}

/// An audit API, for one reader.
struct Api<'a> {
    client: Client,
    url: &'a str,
    token: Option<String>,
    purpose: Option<&'a str>,
}

/// Prints the proofs of an event that the API at this URL gives.
pub(super) async fn run(arguments: &Prove, url: &str, event: &str) -> Result<Exit, Failure> {
    let api = Api::new(arguments, url)?;
    let Some(proofs) = api.get::<Proofs>(&[event, "proof"]).await? else {
        output::note("idtrail: the API shows no such event, or its log is not signed yet");
        return Ok(Exit::No);
    };
    let mut proofs = proofs.proofs;
    if !arguments.json {
        // Which step brought the event is said by the check.
        let check = api.get::<Check>(&[event]).await?;
        let steps = check.map(|check| check.steps).unwrap_or_default();
        let brought = steps
            .iter()
            .find(|step| step.event_id.as_deref() == Some(event));
        proofs.retain(|one| brought.is_some_and(|step| step.seq == one.seq));
        if proofs.is_empty() {
            output::note("idtrail: the API shows no such event");
            return Ok(Exit::No);
        }
    }
    let mut exit = Exit::Yes;
    for one in &proofs {
        let Some(proof) = whole(one)? else {
            exit = super::unsigned();
            continue;
        };
        super::print(one.seq, &proof, arguments.json)?;
    }
    Ok(exit)
}

/// The proof with the leaf that it is of.
fn whole(one: &One) -> Result<Option<Proof>, Failure> {
    let Some((text, leaf)) = one.proof.as_deref().zip(one.leaf.as_deref()) else {
        return Ok(None);
    };
    let mut proof = Proof::parse(text).ok_or_else(no_api)?;
    proof.extra = Some(leaf.as_bytes().to_vec());
    Ok(Some(proof))
}

impl<'a> Api<'a> {
    fn new(arguments: &'a Prove, url: &'a str) -> Result<Self, Failure> {
        let client = Client::builder()
            .no_proxy()
            // A token is for one machine.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .map_err(Failure::usage)?;
        let token = arguments.token_file.as_deref().map(token).transpose()?;
        Ok(Self {
            client,
            url,
            token,
            purpose: arguments.why.purpose.as_deref(),
        })
    }

    /// What the API says of an event; none if it shows no such thing.
    async fn get<T: for<'de> Deserialize<'de>>(&self, path: &[&str]) -> Result<Option<T>, Failure> {
        let mut url = reqwest::Url::parse(self.url)
            .map_err(|error| Failure::usage(format!("--url {}: {error}", self.url)))?;
        url.path_segments_mut()
            .map_err(|()| Failure::usage(format!("--url {}: no URL of an API", self.url)))?
            .pop_if_empty()
            .extend(["v1", "checks"])
            .extend(path);
        let mut request = self.client.get(url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(purpose) = self.purpose {
            request = request.header("x-purpose", purpose);
        }
        let failed = |error: reqwest::Error| Failure::unreachable(error.without_url());
        let mut response = request.send().await.map_err(failed)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND if is_problem(&response) => return Ok(None),
            StatusCode::NOT_FOUND => return Err(no_api()),
            StatusCode::UNAUTHORIZED => {
                return Err(Failure::usage(
                    "the API wants the token of a reader: give --token-file",
                ));
            }
            StatusCode::BAD_REQUEST => {
                return Err(Failure::usage(
                    "the API refuses the question; --purpose is one line of text",
                ));
            }
            StatusCode::FORBIDDEN => {
                return Err(Failure::usage("the API does not let this reader ask that"));
            }
            other => return Err(Failure::unreachable(format!("the API answered {other}"))),
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_ANSWER {
                return Err(Failure::usage("the API's answer is larger than 64 MiB"));
            }
        }
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| no_api())
    }
}

fn is_problem(response: &reqwest::Response) -> bool {
    let media = response.headers().get(header::CONTENT_TYPE);
    media.is_some_and(|media| media.as_bytes().starts_with(b"application/problem+json"))
}

fn no_api() -> Failure {
    Failure::usage("what answers there is no audit API of this release")
}

/// The token in a file. What it is stands in no message.
fn token(file: &Path) -> Result<String, Failure> {
    use std::io::Read as _;

    let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", file.display()));
    let mut text = String::new();
    let opened = std::fs::File::open(file).map_err(failed)?;
    opened
        .take(MAX_TOKEN)
        .read_to_string(&mut text)
        .map_err(failed)?;
    Ok(text.trim().to_owned())
}
