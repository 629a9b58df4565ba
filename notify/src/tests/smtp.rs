//! Mail to a real server: TLS, login, refusals.

use std::{path::PathBuf, time::Duration};

use schemas::{Id, Timestamp};

use super::world::{skipped, until, variable};
use crate::{
    Config, Smtp as Settings, Tls,
    alert::Failing,
    channel::{Channel as _, Letter, SendError, message::Writer, smtp::Smtp},
    template::Text,
};

fn settings() -> Option<Settings> {
    let Some(server) = variable("IDTRAIL_TEST_SMTP") else {
        skipped("mail to a real server", "IDTRAIL_TEST_SMTP");
        return None;
    };
    let (host, port) = server.rsplit_once(':').unwrap();
    Some(Settings {
        host: host.to_owned(),
        port: Some(port.parse().unwrap()),
        tls: Tls::Starttls,
        username: variable("IDTRAIL_TEST_SMTP_USER"),
        password_file: variable("IDTRAIL_TEST_SMTP_PASSWORD_FILE").map(PathBuf::from),
        ca_file: variable("IDTRAIL_TEST_SMTP_CA").map(PathBuf::from),
        ..Settings::default()
    })
}

fn server(settings: Settings) -> Smtp {
    let writer = Writer {
        from: "idtrail@mail.example.com".parse().unwrap(),
        domain: "mail.example.com".to_owned(),
    };
    Smtp::new(settings, writer)
}

/// A letter that no other run has sent.
fn letter(to: &str) -> Letter {
    Letter {
        id: Id::derive(&[to, &std::process::id().to_string()]),
        to: directory::Address::new(to, None).unwrap(),
        text: Text {
            subject: "Identity check: passed".to_owned(),
            body: "Result: passed.\n.\nAccount: https://crm.example/a\n".to_owned(),
        },
        at: Timestamp::from_micros(1_790_000_000_000_000),
    }
}

/// The messages with this id that lie at the server.
fn kept(id: &str) -> Vec<String> {
    let folder = PathBuf::from(variable("IDTRAIL_TEST_MAILDIR").unwrap()).join("new");
    let files = std::fs::read_dir(folder).unwrap();
    files
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .filter(|text| text.contains(id))
        .collect()
}

#[tokio::test]
async fn a_letter_arrives_over_tls_with_our_id_and_one_recipient() {
    let Some(settings) = settings() else { return };
    let server = server(settings);
    let letter = letter("arrives@example.test");
    // Twice: the second over the connection of the first.
    for count in 1..=2 {
        let id = server.send(&letter).await.unwrap().unwrap();
        until("the letter", async || kept(&id).len() == count).await;
        for text in kept(&id) {
            assert!(
                text.contains("X-RcptTo: arrives@example.test\r\n"),
                "{text}"
            );
            assert!(text.contains(&format!("Message-ID: {id}\r\n")), "{text}");
            assert!(
                text.contains("Auto-Submitted: auto-generated\r\n"),
                "{text}"
            );
            assert!(text.contains("Result: passed.\r\n.\r\nAccount: "), "{text}");
        }
    }
}

#[tokio::test]
async fn refusals_for_now_and_for_good_are_told_apart() {
    let Some(settings) = settings() else { return };
    let server = server(settings);
    let later = server.send(&letter("tempfail-1@example.test")).await;
    assert_eq!(
        later,
        Err(SendError::Later("the mail server said 451".to_owned()))
    );
    let never = server.send(&letter("permfail-1@example.test")).await;
    let never = never.unwrap_err();
    assert!(
        matches!(
            &never,
            SendError::Never {
                failing: Failing::Refused,
                ..
            }
        ),
        "{never:?}"
    );
    assert!(server.send(&letter("after@example.test")).await.is_ok());
}

#[tokio::test]
async fn a_wrong_login_stops_the_channel_and_a_mended_password_needs_no_restart() {
    let Some(mut settings) = settings() else {
        return;
    };
    let right = settings.password_file.clone().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "wrong\n").unwrap();
    settings.password_file = Some(file.clone());
    let server = server(settings);
    let letter = letter("login@example.test");
    let refused = server.send(&letter).await;
    assert_eq!(
        refused,
        Err(SendError::Stopped(
            "the mail server refuses us: 535".to_owned()
        ))
    );
    std::fs::copy(right, &file).unwrap();
    assert!(server.send(&letter).await.is_ok());
}

#[tokio::test]
async fn a_certificate_that_our_authority_did_not_sign_stops_the_channel() {
    let Some(mut settings) = settings() else {
        return;
    };
    settings.ca_file = None;
    let refused = server(settings).send(&letter("tls@example.test")).await;
    assert!(
        matches!(&refused, Err(SendError::Stopped(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn tls_from_the_first_byte_is_not_given_up_for_a_server_without_it() {
    let Some(mut settings) = settings() else {
        return;
    };
    settings.tls = Tls::Implicit;
    let refused = server(settings)
        .send(&letter("implicit@example.test"))
        .await;
    assert!(refused.is_err(), "{refused:?}");
}

#[tokio::test]
async fn a_server_without_starttls_gets_nothing() {
    let (Some(mut settings), Some(plain)) = (settings(), variable("IDTRAIL_TEST_SMTP_PLAIN"))
    else {
        return;
    };
    settings.port = plain.rsplit_once(':').unwrap().1.parse().ok();
    let letter = letter("starttls@example.test");
    let refused = server(settings).send(&letter).await;
    assert!(
        matches!(&refused, Err(SendError::Stopped(_))),
        "{refused:?}"
    );
    assert_eq!(kept(&letter.id.to_string()), Vec::<String>::new());
}

#[tokio::test]
async fn a_sending_that_was_cut_off_leaves_no_connection_behind() {
    let Some(mut settings) = settings() else {
        return;
    };
    settings.timeout_seconds = 1;
    let server = server(settings);
    assert!(server.send(&letter("before@example.test")).await.is_ok());
    // The server takes five seconds for this one; the next letter must not be said into its dialogue.
    let slow = server.send(&letter("slow@example.test")).await;
    assert!(matches!(&slow, Err(SendError::Later(_))), "{slow:?}");
    let letter = letter("next@example.test");
    let id = server.send(&letter).await.unwrap().unwrap();
    until("the letter", async || kept(&id).len() == 1).await;
    assert!(kept(&id)[0].contains("X-RcptTo: next@example.test\r\n"));
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again() {
    let settings = Settings {
        host: "127.0.0.1".to_owned(),
        port: Some(1),
        tls: Tls::None,
        ..Settings::default()
    };
    let away = server(settings).send(&letter("away@example.test")).await;
    assert_eq!(
        away,
        Err(SendError::Later(
            "the mail server cannot be reached".to_owned()
        ))
    );
}

#[tokio::test]
async fn a_probe_says_what_is_wrong() {
    let Some(settings) = settings() else { return };
    let mut config = Config {
        channel: crate::ChannelKind::Smtp,
        smtp: settings,
        ..Config::default()
    };
    assert!(crate::probe(&config).await.is_ok());
    config.smtp.ca_file = None;
    let said = tokio::time::timeout(Duration::from_secs(10), crate::probe(&config)).await;
    assert!(said.unwrap().unwrap_err().contains("certificate"));
}
