//! `directory import | list`: the built-in table of accounts, contacts and users.

use directory::{Import, ImportError};

use crate::{
    command::{self, DirectoryWhat, Place},
    config::All,
    exit::{Exit, Failure},
    output, process, stores,
};

/// Imports or lists.
pub(crate) fn run(arguments: &command::Directory, place: &Place) -> Result<Exit, Failure> {
    let all = All::read(&process::settings(place)?)?;
    process::block_on(async {
        let table = stores::directory(&all).await?;
        match &arguments.what {
            DirectoryWhat::Import { file } => {
                let import = Import::from_path(file).map_err(|error| refused(file, &error))?;
                let report = table
                    .import(import)
                    .await
                    .map_err(|error| refused(file, &error))?;
                output::line(&format!(
                    "{}: {} accounts, {} contacts, {} users, {} queues",
                    if report.changed {
                        "imported"
                    } else {
                        "nothing has changed"
                    },
                    report.accounts,
                    report.contacts,
                    report.users,
                    report.queues,
                ))?;
            }
            DirectoryWhat::List { json } => list(&table, *json).await?,
        }
        Ok(Exit::Yes)
    })
}

fn refused(file: &std::path::Path, error: &ImportError) -> Failure {
    Failure::usage(format!("{}: {error}; nothing was changed", file.display()))
}

async fn list(table: &directory::Table, json: bool) -> Result<(), Failure> {
    let listed = table.list().await.map_err(Failure::unreachable)?;
    if json {
        for one in &listed {
            output::json(one)?;
        }
        return Ok(());
    }
    let rows: Vec<Vec<String>> = listed
        .iter()
        .map(|one| {
            vec![
                one.account_number.clone(),
                one.account_id.clone(),
                one.contacts.join(" "),
                one.told.clone(),
                one.onboarding_queue.clone(),
            ]
        })
        .collect();
    output::table(
        &["ACCOUNT", "ID", "CONTACTS", "SALES NEWS TO", "RESULTS TO"],
        &rows,
    )?;
    Ok(())
}
