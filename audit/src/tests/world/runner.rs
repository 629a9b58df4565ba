//! What the runner of the tests says, and what it is told.

/// What the runner of the tests says.
pub(crate) fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    Some(value.into_string().expect("its variables are UTF-8"))
}

#[expect(
    clippy::print_stderr,
    reason = "a skipped test must not look like a passed one"
)]
pub(crate) fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

#[expect(clippy::print_stdout, reason = "a run prints its tally")]
pub(crate) fn told(tally: &str) {
    println!("{tally}");
}
