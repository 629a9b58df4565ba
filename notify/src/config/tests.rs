//! Which settings are refused, and under which name.

use super::*;

fn smtp() -> Config {
    Config {
        channel: ChannelKind::Smtp,
        domain: "mail.example.com".to_owned(),
        smtp: Smtp {
            host: "smtp.example.com".to_owned(),
            ..Smtp::default()
        },
        ..Config::default()
    }
}

fn refused(config: &Config, production: bool) -> String {
    let error = config.check(production);
    let text = error.expect_err("it should be refused").to_string();
    text.split('`').nth(1).unwrap().to_owned()
}

fn accepted(config: &Config, production: bool) -> bool {
    config.check(production).is_ok()
}

#[test]
fn the_defaults_are_sound() {
    assert!(accepted(&Config::default(), false));
    assert!(accepted(&smtp(), true));
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let change = |change: fn(&mut Config)| {
        let mut config = smtp();
        change(&mut config);
        refused(&config, false)
    };
    assert_eq!(change(|c| c.domain = "a b".to_owned()), "domain");
    assert_eq!(change(|c| c.domain = "x>\r\nBcc".to_owned()), "domain");
    assert_eq!(change(|c| c.admins = String::new()), "admins");
    assert_eq!(change(|c| c.retry_seconds.clear()), "retry_seconds");
    assert_eq!(
        change(|c| c.alert_window_seconds = 0),
        "alert_window_seconds"
    );
    assert_eq!(change(|c| c.smtp.host.clear()), "smtp.host");
    assert_eq!(
        change(|c| c.smtp.from = Some("a@b\r\nBcc: x@y".to_owned())),
        "smtp.from"
    );
    assert_eq!(
        change(|c| c.smtp.username = Some("x".to_owned())),
        "smtp.password_file"
    );
    assert_eq!(
        change(|c| {
            c.channel = ChannelKind::Maildir;
            c.maildir = None;
        }),
        "maildir"
    );
}

#[test]
fn no_tls_is_for_this_machine_and_not_for_production() {
    let mut config = smtp();
    config.smtp.tls = Tls::None;
    assert_eq!(refused(&config, false), "notify.smtp.tls");
    config.smtp.host = "127.0.0.1".to_owned();
    assert!(accepted(&config, false));
    assert_eq!(refused(&config, true), "notify.smtp.tls");
}

#[test]
fn nobody_is_told_nothing_in_production() {
    let config = Config {
        channel: ChannelKind::Discard,
        ..Config::default()
    };
    assert!(accepted(&config, false));
    assert_eq!(refused(&config, true), "notify.channel");
}

#[test]
fn tls_if_the_server_offers_it_cannot_be_said_and_unknown_settings_are_refused() {
    for wrong in [
        r#"{"smtp": {"tls": "opportunistic"}}"#,
        r#"{"smtp": {"password": "x"}}"#,
        r#"{"chanel": "smtp"}"#,
    ] {
        assert!(serde_json::from_str::<Config>(wrong).is_err(), "{wrong}");
    }
    let config: Config =
        serde_json::from_str(r#"{"channel": "discard", "database": {"url": "sqlite:x"}}"#).unwrap();
    assert_eq!(config.channel, ChannelKind::Discard);
}
