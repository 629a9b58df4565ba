//! Time stamps of an authority as there are many (`openssl ts`), in the pack of a running system: judged by OpenSSL, by
//! rfc3161-client and by ours, and each forgery refused.

use std::{path::PathBuf, process::Command, sync::Arc, time::Duration};

use audit::pack::zip;
use axum::{Router, body::Bytes, http::header::CONTENT_TYPE, routing::post};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::Mutex, task::JoinSet};

use super::{browser::says, commands::exported};
use crate::world::{Kind, Parts, Setting, World, approved, wait_for};

type Files = Vec<(String, Vec<u8>)>;

/// Says whether a token is over a text, for the authority of a certificate; rfc3161-client has no command of its own.
const CLIENT: &str = "
import sys
from cryptography import x509
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response
authority, token, text = (open(path, 'rb').read() for path in sys.argv[1:])
root = x509.load_pem_x509_certificate(authority)
try:
    VerifierBuilder().add_root_certificate(root).build().verify_message(decode_timestamp_response(token), text)
    print('ACCEPT')
except VerificationError as error:
    print('REJECT', error)
";
const CONFIG: &str = "
[tsa]
default_tsa = t
[t]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
accuracy = secs:1
ordering = yes
ess_cert_id_alg = sha256
";
// Without `certs`, or OpenSSL 3.0 writes the certificates unsorted, which strict readers refuse.
const EXTENSIONS: &str = "basicConstraints=CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=critical,timeStamping
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
";

/// An authority on loopback, which `openssl ts` answers for.
struct Authority {
    folder: Arc<TempDir>,
    url: String,
    _task: JoinSet<()>,
}

fn openssl(folder: &TempDir, line: &str) -> bool {
    let mut command = Command::new("openssl");
    command.args(line.split(' ')).current_dir(folder.path());
    command.output().is_ok_and(|output| output.status.success())
}

impl Authority {
    /// None, with a printed line, where there is no OpenSSL.
    async fn start() -> Option<Self> {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        for (name, text) in [("tsa.cnf", CONFIG), ("ext", EXTENSIONS), ("serial", "01\n")] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        if !openssl(&folder, "version") {
            println!("skipped: no openssl");
            return None;
        }
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        for line in [
            format!(
                "req -x509 {key} -keyout ca.key -out ca.pem -days 30 -subj /CN=CA -addext keyUsage=critical,keyCertSign"
            ),
            format!("req -new {key} -keyout tsa.key -out tsa.csr -subj /CN=TSA"),
            "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile ext -out tsa.pem"
                .to_owned(),
        ] {
            assert!(openssl(&folder, &line), "{line}");
        }
        let (beside, turn) = (Arc::clone(&folder), Arc::new(Mutex::new(())));
        let route = post(async move |body: Bytes| {
            let _turn = turn.lock().await;
            std::fs::write(beside.path().join("q.tsq"), &body).unwrap();
            let line = "ts -reply -config tsa.cnf -queryfile q.tsq -out r.tsr";
            assert!(openssl(&beside, line));
            let reply = std::fs::read(beside.path().join("r.tsr")).unwrap();
            ([(CONTENT_TYPE, "application/timestamp-reply")], reply)
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/tsr", listener.local_addr().unwrap());
        let mut task = JoinSet::new();
        let router = Router::new().route("/tsr", route);
        task.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Some(Self {
            folder,
            url,
            _task: task,
        })
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Whether the tools of others accept a token over a text.
    fn accepted(&self, token: &[u8], text: &[u8]) -> Vec<(&'static str, bool)> {
        let (token, text) = (self.file("t.tsr", token), self.file("t.txt", text));
        let line = "ts -verify -in t.tsr -data t.txt -CAfile ca.pem";
        let mut verdicts = vec![("openssl", openssl(&self.folder, line))];
        if let Some(python) = Parts::variable("AICS") {
            let output = Command::new(python)
                .args(["-c", CLIENT])
                .arg(self.folder.path().join("ca.pem"))
                .args([token, text])
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!said.is_empty(), "{error}");
            verdicts.push(("rfc3161-client", said.starts_with("ACCEPT")));
        } else {
            println!("skipped: no rfc3161-client; run it through tests/run");
        }
        verdicts
    }
}

fn ends(name: &str, end: &str) -> bool {
    name.starts_with("timestamps/") && name.ends_with(end)
}

fn find<'a>(files: &'a mut Files, end: &str) -> &'a mut Vec<u8> {
    let found = files.iter_mut().find(|(name, _)| ends(name, end));
    &mut found.unwrap().1
}

/// The pack with a change to a file of its first time stamp.
fn forged(good: &Files, end: &str, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut files = good.clone();
    change(find(&mut files, end));
    zip::write(&files).unwrap()
}

/// Each forgery, and the finding of ours.
fn forgeries(good: &Files) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let year = |token: &mut Vec<u8>| {
        // GeneralizedTime of 15 characters.
        let at = token
            .windows(4)
            .position(|four| four == b"\x18\x0f20")
            .unwrap();
        token[at + 4..at + 6].copy_from_slice(b"20");
    };
    let imprint = |token: &mut Vec<u8>| {
        let at = token
            .windows(4)
            .position(|four| four == [5, 0, 4, 32])
            .unwrap();
        token[at + 10] ^= 1;
    };
    let mut lacking = good.clone();
    lacking.retain(|(name, _)| !ends(name, ".tsr"));
    let mut renamed = good.clone();
    for (name, _) in &mut renamed {
        if let Some(rest) = name.strip_prefix("timestamps/") {
            *name = format!("timestamps/1{rest}");
        }
    }
    vec![
        (
            "checkpoint changed",
            "since",
            forged(good, ".checkpoint", |note| note[40] ^= 1),
        ),
        (
            "token over another text",
            "time_stamp",
            forged(good, ".tsr", imprint),
        ),
        (
            "token cut",
            "time_stamp",
            forged(good, ".tsr", |token| token.truncate(200)),
        ),
        (
            "way to another tree",
            "rewritten",
            forged(good, ".consistency", |way| {
                way.extend(b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
            }),
        ),
        (
            "token of before the entries",
            "dated_ahead",
            forged(good, ".tsr", year),
        ),
        ("token left out", "stray", zip::write(&lacking).unwrap()),
        (
            "of another size",
            "time_stamp",
            zip::write(&renamed).unwrap(),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_bears_time_stamps_that_others_verify_and_no_forged_one() {
    let Some(authority) = Authority::start().await else {
        return;
    };
    let variables = vec![
        ("AUDIT__TIMESTAMPS__URL", authority.url.clone()),
        ("AUDIT__TIMESTAMPS__EVERY_S", "1".to_owned()),
    ];
    let setting = Setting {
        variables,
        ..Setting::default()
    };
    let Some(world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    for number in 0..6 {
        let (media, body) = approved(1, &format!("stamped-{number}"));
        assert_eq!(world.post(media, body).await, 200);
    }
    world.settle(Duration::from_mins(1)).await;
    let folder = exported(&world).await;
    let key = std::fs::read_to_string(format!("{folder}/log.vkey")).unwrap();
    let key = key.trim();
    let pack = world.folder.path().join("pack.zip").display().to_string();
    let good = wait_for("a time stamp", Duration::from_mins(1), async || {
        let (code, said, error) = world.run(&["export", "--pack", &pack, "--account", "A-1"]);
        let bytes = std::fs::read(&pack).unwrap_or_default();
        let files = zip::read(&bytes).unwrap_or_default();
        let stamped = files.iter().any(|(name, _)| ends(name, ".tsr"));
        (code == 0 && stamped)
            .then_some(files)
            .ok_or_else(|| format!("{code}: {said}{error}"))
    })
    .await;
    let (code, said, error) = world.run(&["verify", &pack, "--vkey", key]);
    assert_eq!(code, 0, "{said}{error}");
    assert!(said.contains("bear a time stamp of 20"), "{said}");
    let page = world.page("up", "/metrics").await;
    assert!(page.contains("idtrail_audit_timestamp_age_seconds "));

    let mut files = good.clone();
    let token = find(&mut files, ".tsr").clone();
    let note = find(&mut files, ".checkpoint").clone();
    for (tool, accepts) in authority.accepted(&token, &note) {
        assert!(accepts, "{tool}");
    }
    let other = [&note[..], b"x"].concat();
    for (tool, accepts) in authority.accepted(&token, &other) {
        assert!(!accepts, "{tool}");
    }
    for (name, finding, bytes) in forgeries(&good) {
        std::fs::write(&pack, bytes).unwrap();
        let (code, said, _) = world.run(&["verify", &pack, "--vkey", key, "--json"]);
        let wanted = format!(r#""finding":"{finding}""#);
        assert_eq!((code, said.contains(&wanted)), (1, true), "{name}: {said}");
    }
    if let Some(chromium) = Parts::variable("CHROMIUM") {
        let whole = zip::write(&good).unwrap();
        let said = says(&chromium, key, &[&whole]);
        assert!(said[0].starts_with("true Holds"), "{}", said[0]);
    }
}
