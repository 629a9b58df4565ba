//! The broker's properties in the settings' file: they arrive, what the door does not know is refused by name, and no
//! secret is shown.

use crate::sentences::idtrail;

const PASSWORD: &str = "dont-show-me";

/// What a command says of these properties, and its exit code.
fn said(command: &[&str], properties: &[(&str, &str)]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("idtrail.toml");
    let lines = properties
        .iter()
        .map(|(name, value)| format!("\"{name}\" = \"{value}\"\n"));
    let text = "[broker]\nkind = \"kafka\"\n[broker.properties]\n".to_owned();
    let text = text + &lines.collect::<String>();
    std::fs::write(&file, text).unwrap();
    let arguments = [command, &["--config", file.to_str().unwrap()]].concat();
    let (code, said) = idtrail(&arguments, &[]);
    assert!(!said.contains(PASSWORD), "{said}");
    (code, said)
}

#[test]
fn names_with_dots_are_read_and_secrets_among_them_are_not_shown() {
    let properties = [
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "ops"),
        ("sasl.password", PASSWORD),
    ];
    let (code, said) = said(&["config", "check"], &properties);
    assert_eq!(code, 0, "{said}");
    let line = |name: &str| {
        let name = format!("broker.properties.{name} ");
        said.lines()
            .find(|line| line.starts_with(&name))
            .unwrap()
            .to_owned()
    };
    let protocol = line("security.protocol");
    assert!(protocol.contains("SASL_SSL") && protocol.contains("idtrail.toml"));
    assert!(line("sasl.password").contains("***"));
}

#[test]
fn a_property_on_security_that_the_door_does_not_know_is_refused_by_name() {
    for (properties, named) in [
        (
            &[("sasl.kerberos.keytab", PASSWORD)][..],
            "sasl.kerberos.keytab",
        ),
        (
            &[
                ("security.protocol", "SASL_PLAINTEXT"),
                ("sasl.mechanism", "PLAIN"),
                ("sasl.password", PASSWORD),
            ],
            "sasl.username",
        ),
        (
            &[("enable.ssl.certificate.verification", "false")],
            "enable.ssl.certificate.verification",
        ),
    ] {
        let (code, said) = said(&["topics", "create"], properties);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(named), "{said}");
        assert_eq!(said.lines().count(), 1, "one sentence: {said}");
        println!("{said}");
        let (code, checked) = self::said(&["config", "check"], properties);
        assert_eq!(code, 2, "{checked}");
        let mut lines = checked.lines();
        assert!(lines.any(|line| line == said.trim_end()), "{checked}");
    }
}

#[test]
fn settings_of_the_history_are_judged_where_it_has_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("idtrail.toml");
    let check = |key: &str| {
        std::fs::write(&file, format!("[audit]\n{key}checkpoint_ms = 1\n")).unwrap();
        idtrail(
            &["config", "check", "--config", file.to_str().unwrap()],
            &[],
        )
    };
    let (code, said) = check("key_file = \"history.key\"\n");
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("audit.checkpoint_ms"), "{said}");
    let (code, said) = check("");
    assert_eq!(code, 0, "a process of another service needs none: {said}");
}
