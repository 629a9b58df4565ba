//! The first commands on a new folder, also if they come at once.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

/// What each of them makes is a file that the others make, too.
const COMMANDS: [&[&str]; 4] = [
    &["database", "migrate"],
    &["topics", "create"],
    &["schemas", "register"],
    &["door", "status"],
];

#[test]
fn commands_that_begin_a_folder_at_once_do_not_disturb_each_other() {
    for round in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let children: Vec<_> = COMMANDS
            .iter()
            .chain(&COMMANDS)
            .map(|words| {
                Command::new(env!("CARGO_BIN_EXE_idtrail"))
                    .args(*words)
                    .arg("--data")
                    .arg(folder.path())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for (child, words) in children.into_iter().zip(COMMANDS.iter().chain(&COMMANDS)) {
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{round} {words:?}: {said}");
        }
    }
}

fn migrate(folder: &Path) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_idtrail"))
        .args(["database", "migrate", "--data"])
        .arg(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

async fn execute(file: &Path, sql: &'static str) {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::query(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_later_release_is_left_to_it() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(migrate(folder.path()).0, Some(0));
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (99, 'later', TRUE, x'00', 1)";
    execute(&folder.path().join("notify.db"), later).await;
    let (code, said) = migrate(folder.path());
    assert!(
        code == Some(2) && said.contains("`notify.database` is at version 99, newer than"),
        "{code:?} {said}"
    );
}

#[tokio::test]
async fn tables_are_made_all_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    // In the way of a later migration: those before it have made theirs by then.
    execute(&file, "CREATE TABLE reconciliation (x INTEGER)").await;
    let (code, said) = migrate(folder.path());
    assert!(
        code == Some(2)
            && said.contains("`audit.database` cannot be made")
            && said.contains("migration 2"),
        "{code:?} {said}"
    );
    // Where one of the first migration stood, this would fail.
    execute(&file, "CREATE TABLE topics (x INTEGER)").await;
    execute(&file, "DROP TABLE topics").await;
    execute(&file, "DROP TABLE reconciliation").await;
    assert_eq!(migrate(folder.path()), (Some(0), String::new()));
}
