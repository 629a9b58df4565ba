//! T29: TLS of the door's own: nothing old, nothing plain, and a new certificate without a dropped connection.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};

use stage::{Clock as _, SystemClock};

use super::{corpus::FORM, wire::exchange};
use crate::{
    sentences::idtrail,
    world::{Kind, Setting, World, body_of, wait_for},
};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Writes a self-signed certificate of a name and its key.
fn certify(folder: &Path, name: &str, key: &KeyPair) -> Vec<u8> {
    let parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = parameters.self_signed(key).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    std::fs::write(folder.join("chain.pem"), certificate.pem()).unwrap();
    certificate.pem().into_bytes()
}

/// Writes a chain of certificates that run out in so many days, and the key of the first.
fn certify_for(folder: &Path, days: &[i64]) {
    let key = rsa();
    let now = SystemClock.now().micros() / 1_000_000;
    let chain = days.iter().map(|days| {
        let mut parameters = CertificateParams::new(vec!["door.example.test".to_owned()]).unwrap();
        let end = time::OffsetDateTime::from_unix_timestamp(now + days * DAY);
        parameters.not_after = end.unwrap();
        parameters.self_signed(&key).unwrap().pem()
    });
    std::fs::write(folder.join("chain.pem"), chain.collect::<String>()).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

fn rsa() -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap()
}

fn setting(folder: &Path) -> Setting {
    let file = |name: &str| folder.join(name).display().to_string();
    Setting {
        variables: vec![
            ("DOOR__TLS__CHAIN_FILE", file("chain.pem")),
            ("DOOR__TLS__KEY_FILE", file("key.pem")),
        ],
        ..Setting::default()
    }
}

/// A client that trusts this certificate alone and finds the door under this name.
fn client(name: &str, certificate: &[u8], door: SocketAddr) -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([reqwest::Certificate::from_pem(certificate).unwrap()])
        .resolve(name, door)
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap()
}

async fn post(
    client: &reqwest::Client,
    name: &str,
    door: SocketAddr,
) -> Result<u16, reqwest::Error> {
    let (_, body) = body_of("approved", "over-tls", Some("A-1:C-1"));
    let url = format!("https://{name}:{}/callbacks/jumio", door.port());
    let request = client.post(url).header("content-type", FORM).body(body);
    let answer = request.send().await?;
    assert!(answer.headers().contains_key("strict-transport-security"));
    Ok(answer.status().as_u16())
}

/// Whether `openssl` shakes hands with the door when it may use this protocol only.
fn shakes_hands(door: SocketAddr, protocol: &str) -> bool {
    let output = Command::new("timeout")
        .args([
            "10",
            "openssl",
            "s_client",
            "-connect",
            &door.to_string(),
            protocol,
        ])
        // Old protocols are refused by the client itself unless it is told to be lax.
        .args(["-cipher", "ALL:@SECLEVEL=0"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.contains("Cipher is ") && !text.contains("Cipher is (NONE)")
}

#[tokio::test(flavor = "multi_thread")]
async fn t29_only_new_tls_opens_the_door_and_nothing_plain_does() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = certify(folder.path(), "door.example.test", &rsa());
    let Some(world) = World::start(Kind::Embedded, setting(folder.path())).await else {
        return;
    };
    let door = world.door_address();
    let client = client("door.example.test", &certificate, door);
    assert_eq!(post(&client, "door.example.test", door).await.unwrap(), 200);
    for (protocol, promised) in [
        ("-tls1_3", true),
        ("-tls1_2", true),
        ("-tls1_1", false),
        ("-tls1", false),
    ] {
        assert_eq!(shakes_hands(door, protocol), promised, "{protocol}");
    }
    let plain = exchange(door, b"POST /callbacks/jumio HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(
        plain.closed && plain.statuses().is_empty(),
        "{}",
        plain.text
    );
    assert_eq!(world.settle(Duration::from_secs(20)).await.0.raw, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn t29_a_new_certificate_is_used_without_a_dropped_connection() {
    let folder = tempfile::tempdir().unwrap();
    let old = certify(folder.path(), "old.example.test", &rsa());
    let Some(world) = World::start(Kind::Embedded, setting(folder.path())).await else {
        return;
    };
    let door = world.door_address();
    let before = client("old.example.test", &old, door);
    assert_eq!(post(&before, "old.example.test", door).await.unwrap(), 200);
    // A replacement that is not sound is not used.
    std::fs::write(folder.path().join("key.pem"), "not a key\n").unwrap();
    wait_for(
        "the refusal of a key that is none",
        Duration::from_secs(15),
        async || {
            let page = world.page("up", "/metrics").await;
            let refused = page.contains("idtrail_ingest_certificate_refused_total 1");
            refused
                .then_some(())
                .ok_or_else(|| "not refused yet".to_owned())
        },
    )
    .await;
    let again = client("old.example.test", &old, door);
    assert_eq!(post(&again, "old.example.test", door).await.unwrap(), 200);
    let new = certify(folder.path(), "new.example.test", &rsa());
    wait_for("the new certificate", Duration::from_secs(15), async || {
        let after = client("new.example.test", &new, door);
        match post(&after, "new.example.test", door).await {
            Ok(200) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    // The connection that was open all the time is still good.
    assert_eq!(post(&before, "old.example.test", door).await.unwrap(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn t29_a_certificate_that_the_provider_cannot_use_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    certify(
        folder.path(),
        "door.example.test",
        &KeyPair::generate().unwrap(),
    );
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (chain, key) = (file("chain.pem"), file("key.pem"));
    let (code, said) = idtrail(
        &["config", "check"],
        &[
            ("IDTRAIL_DOOR__TLS__CHAIN_FILE", &chain),
            ("IDTRAIL_DOOR__TLS__KEY_FILE", &key),
        ],
    );
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("RSA"), "{said}");
    assert!(!said.contains("PRIVATE"), "{said}");
}

/// Waits until the metric says that the certificate lasts for so many days, to an hour.
async fn lasts(world: &World, days: f64) {
    let what = format!("a certificate that lasts for {days} days");
    wait_for(&what, Duration::from_secs(15), async || {
        let page = world.page("up", "/metrics").await;
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix("idtrail_ingest_certificate_expires_seconds "));
        let seconds: f64 = line.ok_or("it is not told")?.parse().unwrap();
        let told = seconds / 86_400.0;
        ((told - days).abs() < 1.0 / 24.0)
            .then_some(())
            .ok_or_else(|| format!("told are {told}"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t29_the_metric_tells_when_the_first_certificate_of_the_chain_runs_out() {
    let folder = tempfile::tempdir().unwrap();
    certify_for(folder.path(), &[90, 40, 200]);
    let Some(world) = World::start(Kind::Embedded, setting(folder.path())).await else {
        return;
    };
    let alarmed = || {
        let log = std::fs::read_to_string(world.log("up")).unwrap();
        log.matches("certificate runs out").count()
    };
    lasts(&world, 40.0).await;
    assert_eq!(alarmed(), 0, "it lasts for weeks");
    // The one that replaces it is told of too, and a bad end once in the log.
    certify_for(folder.path(), &[5]);
    lasts(&world, 5.0).await;
    assert_eq!(alarmed(), 1);
    certify_for(folder.path(), &[-1, 300]);
    lasts(&world, 0.0).await;
    assert_eq!(alarmed(), 1, "it is said once until it is mended");
}
