//! What an import refuses, with line and field, and that it changes nothing then.

use super::{super::*, DEMO, csv};
use crate::demo_import;

/// The demo with one piece of text replaced.
fn demo_with(from: &str, to: &str) -> Result<Import, ImportError> {
    assert!(DEMO.contains(from), "{from}");
    Import::parse("x.json", DEMO.replacen(from, to, 1).as_bytes())
}

/// A refusal in short, e.g. `4 users[1] id Duplicate`; what it does not say is `-`.
fn refusal(read: Result<Import, ImportError>) -> String {
    match read.unwrap_err() {
        ImportError::Refused {
            line,
            row,
            field,
            problem,
        } => {
            let line = line.map(|line| line.to_string());
            let said = [line, row, field].map(|said| said.unwrap_or_else(|| "-".to_owned()));
            format!("{} {problem:?}", said.join(" "))
        }
        other @ (ImportError::File(_) | ImportError::Unavailable(_)) => other.to_string(),
    }
}

#[test]
fn a_json_row_is_refused_with_its_place_and_field() {
    for (from, to, expected) in [
        ("u-sales-2", "u-sales-1", "4 users[1] id Duplicate"),
        ("q-admins", "u-sales-1", "10 queues[2] id Duplicate"),
        ("acc-1002", "acc-1001", "14 accounts[1] id Duplicate"),
        ("A-1002", "A-1001", "14 accounts[1] number Duplicate"),
        ("A-1002", "A/1002", "14 accounts[1] number BadId"),
        ("\"A-1002\"", "1002", "14 accounts[1] number BadType"),
        (
            "u-sales-3\"]",
            "u-gone\"]",
            "14 accounts[1] owners UnknownUser",
        ),
        (
            "u-sales-3\"]",
            "q-admins\"]",
            "14 accounts[1] owners UnknownUser",
        ),
        (
            "u-sales-3\"]",
            "u-sales-2\"]",
            "14 accounts[1] owners Duplicate",
        ),
        (
            "[\"C-2002\"]",
            "\"C-2002\"",
            "14 accounts[1] contacts BadType",
        ),
        ("C-2002", "C-2001", "14 accounts[1] contacts ContactTwice"),
        (
            "C-2002",
            "C-3\", \"C-3",
            "14 accounts[1] contacts ContactTwice",
        ),
        ("C-2002", "C 2002", "14 accounts[1] contacts BadId"),
        (
            "admins@example.test",
            "admins",
            "10 queues[2] email BadEmail",
        ),
        ("sales-2@", "Max <sales-2@", "4 users[1] email BadEmail"),
        ("\"en\"", "\"English\"", "3 users[0] locale BadLocale"),
        ("\"locale\"", "\"name\"", "3 users[0] name UnknownField"),
        ("\"locale\"", "\"email\"", "3 users[0] email GivenTwice"),
        ("true", "\"true\"", "3 users[0] active BadType"),
        ("true", "null", "3 users[0] active Missing"),
        ("\"active\": true, ", "", "3 users[0] active Missing"),
    ] {
        assert_eq!(refusal(demo_with(from, to)), expected, "{to}");
    }
    let account = r#""number": "A-1001", "onboarding_queue": "q-onboarding""#;
    for queue in ["q-gone", "u-sales-1", "Q-onboarding"] {
        let other = format!(r#""number": "A-1001", "onboarding_queue": "{queue}""#);
        let expected = "13 accounts[0] onboarding_queue UnknownQueue";
        assert_eq!(refusal(demo_with(account, &other)), expected);
    }
    let row = r#"{"id": "q-admins", "email": "admins@example.test"}"#;
    let found = refusal(demo_with(row, "\"q-admins\""));
    assert_eq!(found, "10 queues[2] queues BadType");
}

#[test]
fn a_json_document_has_its_keys_once_and_no_others() {
    let default = "default_onboarding_queue";
    for (from, to, expected) in [
        ("\"accounts\"", "\"account\"", "1 - accounts Missing"),
        (
            "fallback_queue",
            "fallback_que",
            "1 - fallback_que UnknownField",
        ),
        ("fallback_queue", "a@b.c", "1 - ? UnknownField"),
        (
            "fallback_queue",
            default,
            "1 - default_onboarding_queue GivenTwice",
        ),
        (default, "fallback_queue", "1 - fallback_queue GivenTwice"),
        (
            ": \"q-sales-fallback\"\n",
            ": \"q\"\n",
            "1 - fallback_queue UnknownQueue",
        ),
        ("C-2001\"]}", "C-2001\"]}}", "13 - - Malformed"),
    ] {
        assert_eq!(refusal(demo_with(from, to)), expected, "{to}");
    }
    let without = DEMO.replace(&format!(r#""{default}": "q-onboarding","#), "");
    let found = refusal(Import::parse("x", without.as_bytes()));
    assert_eq!(found, "1 - default_onboarding_queue Missing");
}

#[test]
fn a_csv_row_is_refused_with_its_line_and_column() {
    let header = "kind,id,email,active,locale,use,number,onboarding_queue,account,user\n\
        queue,q-1,q1@example.test,,,default_onboarding,,,,\n\
        user,u-1,u1@example.test,true,,,,,,\n\
        account,acc-1,,,,,A-1,,,\n";
    assert!(csv(header).is_ok());
    for (row, expected) in [
        ("user,u-1,u@example.test,true,,,,,,", "id Duplicate"),
        ("queue,u-1,u@example.test,,,,,,,", "id Duplicate"),
        (
            "queue,q-2,u@example.test,,,default_onboarding,,,,",
            "use GivenTwice",
        ),
        (
            "queue,q-2,u@example.test,,,fallback default,,,,",
            "use BadUse",
        ),
        ("queue,q-2,u@example,,,,,,,", "email BadEmail"),
        ("account,acc-1,,,,,A-2,,,", "id Duplicate"),
        ("account,acc-2,,,,,A-1,,,", "number Duplicate"),
        ("account,acc-2,,,,,,,,", "number Missing"),
        (
            "account,acc-2,,,,,A-2,q-9,,",
            "onboarding_queue UnknownQueue",
        ),
        ("contact,C-1,,,,,,,acc-9,", "account UnknownAccount"),
        ("contact,C 1,,,,,,,acc-1,", "id BadId"),
        ("owner,,,,,,,,acc-1,u-9", "user UnknownUser"),
        ("owner,,,,,,,,acc-1,q-1", "user UnknownUser"),
        ("owner,,,,,,,,A-1,u-1", "account UnknownAccount"),
        ("owner,u-1,,,,,,,acc-1,u-1", "id NotOfThisKind"),
        (
            "user,u-2,u@example.test,true,,,A-2,,,",
            "number NotOfThisKind",
        ),
        ("user,u-2,u@example.test,yes,,,,,,", "active BadType"),
        ("user,u-2,u@example.test,,,,,,,", "active Missing"),
        ("user, u-2,u@example.test,true,,,,,,", "id BadId"),
        ("person,u-2,u@example.test,true,,,,,,", "kind BadKind"),
        (",u-2,u@example.test,true,,,,,,", "kind BadKind"),
        ("user,u-2,u@example.test", "- Malformed"),
    ] {
        let found = refusal(csv(&format!("{header}{row}\n")));
        assert_eq!(found, format!("5 - {expected}"), "{row}");
    }
    let twice = "contact,C-1,,,,,,,acc-1,\naccount,acc-2,,,,,A-2,,,\ncontact,C-1,,,,,,,acc-2,\n";
    let found = refusal(csv(&format!("{header}{twice}")));
    assert_eq!(found, "7 - id ContactTwice");
}

#[test]
fn a_csv_header_must_be_ours() {
    for (header, expected) in [
        ("kind,id,name", "1 - name UnknownField"),
        ("kind,id,id", "1 - id GivenTwice"),
        ("id,email", "1 - kind Missing"),
        ("Kind,id", "1 - Kind UnknownField"),
        ("user,max@example.test,true", "1 - ? UnknownField"),
        ("kind", "- - default_onboarding_queue Missing"),
        ("", "1 - kind Missing"),
    ] {
        assert_eq!(refusal(csv(&format!("{header}\n"))), expected, "{header}");
    }
}

#[test]
fn bytes_that_are_not_well_formed_are_refused_with_their_line() {
    for (name, bytes, expected) in [
        ("x.csv", &b"kind,id\nuser,\xff\n"[..], "2 - - NotUtf8"),
        ("x.json", b"[]", "1 - - Malformed"),
        ("x.json", b"", "1 - - Malformed"),
        ("x.json", b"{\"users\": [\n", "2 - - Malformed"),
        ("x.json", b"{} {}", "1 - - Malformed"),
    ] {
        assert_eq!(refusal(Import::parse(name, bytes)), expected);
    }
}

#[test]
fn a_refusal_never_shows_what_was_wrong() {
    for (from, to) in [
        ("sales-2@example.test", "secret at example.test"),
        ("C-2001", "secret 1"),
        ("u-sales-3\"]", "secret\"]"),
        ("true", "\"secret\""),
        ("\"locale\"", "\"secret@example.test\""),
    ] {
        let error = demo_with(from, to).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
    let printed = format!("{:?}", demo_import());
    assert!(!printed.contains('@'), "{printed}");
}

#[test]
fn a_refusal_reads_as_a_sentence() {
    let error = demo_with("sales-2@example.test", "x").unwrap_err();
    let expected = "line 4 (users[1]), field `email`: not a plain e-mail address";
    assert_eq!(error.to_string(), expected);
    let error = csv("kind\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "field `default_onboarding_queue`: missing"
    );
    let error = ImportError::whole(Problem::TooManyRows);
    assert_eq!(error.to_string(), "more than 1000000 rows");
}

#[test]
fn a_file_has_no_more_rows_than_the_limit() {
    let rows = "kind,user,account\n".to_owned() + &"owner,u,a\n".repeat(MAX_ROWS + 1);
    let line = MAX_ROWS + 2;
    assert_eq!(refusal(csv(&rows)), format!("{line} - - TooManyRows"));
}

#[test]
fn an_account_has_no_more_owners_than_the_limit() {
    let rows = |owners: usize| {
        let header = "kind,id,email,active,use,number,account,user\n\
            queue,q,q@example.test,,default_onboarding,,,\naccount,a,,,,1,,\n";
        let owner = |i| format!("user,u{i},u@example.test,true,,,,\nowner,,,,,,a,u{i}\n");
        header.to_owned() + &(0..owners).map(owner).collect::<String>()
    };
    assert!(csv(&rows(MAX_OWNERS)).is_ok());
    let line = 3 + 2 * (MAX_OWNERS + 1);
    assert_eq!(
        refusal(csv(&rows(MAX_OWNERS + 1))),
        format!("{line} - user TooManyOwners")
    );
}
