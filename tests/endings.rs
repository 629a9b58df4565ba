//! How a command ends when nobody can hear it.

use std::process::Command;

#[test]
fn a_reader_that_has_gone_hears_nothing_and_gets_no_yes() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_idtrail"))
        .args(["emit", "--list"])
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
