//! Witnesses at work: ours as a server, and the log's visits to them.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc};

use stage::{Chance, Clock, Stopper};
use tokio::{net::TcpListener, task::JoinSet};

use super::server::Server;

mod lying;
mod published;
mod serving;
mod visiting;

/// A witness that answers on loopback until it is dropped.
pub(crate) struct Running {
    pub(crate) server: Server,
    pub(super) address: SocketAddr,
    _task: JoinSet<()>,
}

impl Running {
    pub(crate) async fn start(folder: &Path, clock: Arc<dyn Clock>) -> Self {
        let name = Some("witness.test/ours");
        let server = Server::open(folder, name, Chance::system(), clock).await;
        let server = server.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut task = JoinSet::new();
        task.spawn(server.clone().serve(listener, Stopper::new()));
        Self {
            server,
            address,
            _task: task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Posts a body; status, content type and body of the answer.
pub(super) async fn post(url: &str, body: impl Into<reqwest::Body>) -> (u16, String, String) {
    let request = client().post(format!("{url}/add-checkpoint")).body(body);
    told(request.send().await.unwrap()).await
}

pub(super) async fn get(url: &str) -> (u16, String, String) {
    told(client().get(url).send().await.unwrap()).await
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn told(response: reqwest::Response) -> (u16, String, String) {
    let status = response.status().as_u16();
    let headers: BTreeMap<String, String> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let kind = headers.get("content-type").cloned().unwrap_or_default();
    (status, kind, response.text().await.unwrap())
}
