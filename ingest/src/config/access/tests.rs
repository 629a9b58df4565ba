//! Which settings may face the internet.

use super::*;

fn why(config: &Config, profile: Profile) -> String {
    match config.check_access(profile) {
        Ok(()) => String::new(),
        Err(error) => error.to_string(),
    }
}

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn public() -> Config {
    Config {
        listen: "0.0.0.0:8443".parse().unwrap(),
        ..Config::default()
    }
}

#[test]
fn production_has_no_plain_public_listener() {
    let said = why(&public(), Profile::Production);
    assert!(said.contains("door.listen"), "{said}");
    assert_eq!(why(&public(), Profile::Development), "");
    assert_eq!(
        why(&Config::default(), Profile::Production),
        "",
        "loopback is not public"
    );
    let behind = Config {
        proxies: nets(&["10.0.0.0/24"]),
        ..public()
    };
    assert_eq!(why(&behind, Profile::Production), "");
    let mapped = Config {
        listen: "[::ffff:192.0.2.1]:80".parse().unwrap(),
        ..Config::default()
    };
    assert!(why(&mapped, Profile::Production).contains("door.listen"));
}

#[test]
fn loopback_may_post_in_development_only() {
    for loopback in ["127.0.0.0/8", "::1/128", "::ffff:127.0.0.1/128"] {
        let config = Config {
            allow: nets(&[loopback]),
            ..Config::default()
        };
        assert_eq!(why(&config, Profile::Development), "");
        assert!(
            why(&config, Profile::Production).contains("loopback"),
            "{loopback}"
        );
    }
}

#[test]
fn lists_are_judged_by_the_setting_that_they_come_from() {
    let nobody = Config {
        sources: Published { jumio: Vec::new() },
        ..Config::default()
    };
    assert!(why(&nobody, Profile::Development).contains("door.allow"));
    let wide = Config {
        proxies: nets(&["10.0.0.0/8"]),
        ..Config::default()
    };
    assert!(why(&wide, Profile::Development).contains("door.proxies"));
    let flagged = Config {
        allow_wide_sources: true,
        ..wide
    };
    assert_eq!(why(&flagged, Profile::Development), "");
    let nowhere = Config {
        sources: Published {
            jumio: vec!["mars".to_owned()],
        },
        ..Config::default()
    };
    assert!(why(&nowhere, Profile::Development).contains("door.sources"));
    let alone = Config {
        proxy_protocol: true,
        ..Config::default()
    };
    assert!(why(&alone, Profile::Development).contains("door.proxy_protocol"));
}

#[test]
fn several_data_centres_are_one_list() {
    let config = Config {
        sources: Published {
            jumio: vec!["eu".to_owned(), "us".to_owned()],
        },
        ..Config::default()
    };
    assert_eq!(config.networks().unwrap().len(), 15);
}

#[test]
fn a_bad_secret_is_named_by_its_setting_and_not_by_its_value() {
    let folder = tempfile::tempdir().unwrap();
    let secret = |name: &str, value: &str, until: Option<&str>| {
        let file = folder.path().join(name);
        std::fs::write(&file, value).unwrap();
        Secret {
            file,
            until: until.map(str::to_owned),
        }
    };
    let good = "0d1f4a7e5b9c2836e1a4f70b6d5c9382";
    let with = |secrets: Vec<Secret>| Config {
        secrets,
        ..Config::default()
    };
    let both = with(vec![
        secret("a", &format!("{good}\n"), Some("2026-12-01T00:00:00Z")),
        secret("b", "b8e2071c4f6a9d35c7180e2b4f9a6d53", None),
    ]);
    assert_eq!(why(&both, Profile::Development), "");
    for (value, until, setting) in [
        (good, None, "door.secrets[1].file"),
        ("changeme", None, "door.secrets[1].file"),
        ("0123456789abcdef", None, "door.secrets[1].file"),
        (
            "b8e2071c4f6a9d35c7180e2b4f9a6d53",
            Some("tomorrow"),
            "door.secrets[1].until",
        ),
    ] {
        let config = with(vec![secret("a", good, None), secret("c", value, until)]);
        let said = why(&config, Profile::Development);
        assert!(said.contains(setting) && !said.contains(value), "{said}");
    }
}
