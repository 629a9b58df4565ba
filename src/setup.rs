//! The set-up of broker, registry and databases: services check it, these commands make it.

use schemas::{AnyEvent, Topic};
use stage::{Broker, RegistryError};

use crate::{
    command::{self, CheckOr, DatabaseWhat, Place, SchemasWhat},
    config::All,
    exit::{Exit, Failure},
    output, process, stores,
};

/// `topics check | create`.
pub(crate) fn topics(arguments: &command::Topics, place: &Place) -> Result<Exit, Failure> {
    let all = All::read(&process::settings(place)?)?;
    process::block_on(async {
        let broker = process::broker(&all).await?;
        if arguments.what == CheckOr::Create {
            for topic in broker.create_topics().await? {
                output::line(&format!("created {}", topic.name(broker.prefix())))?;
            }
        }
        match broker.check_topics().await {
            Ok(()) => {
                output::line("all topics are there")?;
                Ok(Exit::Yes)
            }
            Err(stage::BrokerError::Topic(name)) => {
                output::line(&format!(
                    "{name} is missing or does not fit; run `idtrail topics create`"
                ))?;
                Ok(Exit::No)
            }
            Err(error) => Err(error.into()),
        }
    })
}

/// `schemas check | list | register`.
pub(crate) fn schemas(arguments: &command::Schemas, place: &Place) -> Result<Exit, Failure> {
    let all = All::read(&process::settings(place)?)?;
    process::block_on(async {
        let broker = process::broker(&all).await?;
        let mut rows = Vec::new();
        let mut missing = false;
        for topic in Topic::ALL
            .into_iter()
            .filter(|topic| AnyEvent::contract(*topic).is_some())
        {
            let subject = topic.subject(broker.prefix());
            let id = match arguments.what {
                SchemasWhat::Register => broker.registry().register(topic).await,
                SchemasWhat::Check | SchemasWhat::List => broker.registry().id_of(topic).await,
            };
            let id = match id {
                Ok(id) => Some(id),
                Err(RegistryError::NotRegistered(_)) => None,
                Err(error @ RegistryError::Unavailable(_)) => {
                    return Err(Failure::unreachable(error));
                }
            };
            missing |= id.is_none();
            if arguments.json {
                output::json(&serde_json::json!({ "subject": subject, "id": id }))?;
            }
            rows.push(vec![
                subject,
                id.map_or_else(|| "not registered".to_owned(), |id| id.to_string()),
            ]);
        }
        if !arguments.json {
            output::table(&["SUBJECT", "ID"], &rows)?;
        }
        if missing {
            output::note("idtrail: run `idtrail schemas register`");
        }
        Ok(if missing { Exit::No } else { Exit::Yes })
    })
}

/// Registers every schema; for `up`.
pub(crate) async fn register(broker: &dyn Broker) -> Result<(), Failure> {
    for topic in Topic::ALL
        .into_iter()
        .filter(|topic| AnyEvent::contract(*topic).is_some())
    {
        broker
            .registry()
            .register(topic)
            .await
            .map_err(Failure::unreachable)?;
    }
    Ok(())
}

/// `database check | migrate`.
pub(crate) fn database(arguments: &command::Database, place: &Place) -> Result<Exit, Failure> {
    let all = All::read(&process::settings(place)?)?;
    process::block_on(async {
        if arguments.what == DatabaseWhat::Migrate {
            stores::migrate(&all).await?;
        }
        let mut fit = true;
        for (setting, answer) in stores::check(&all).await {
            match answer {
                Ok(()) => output::line(&format!("{setting}: fits"))?,
                Err(Failure::Usage(why)) => {
                    fit = false;
                    output::line(&format!("{setting}: {why}"))?;
                }
                Err(unreachable) => return Err(unreachable),
            }
        }
        Ok(if fit { Exit::Yes } else { Exit::No })
    })
}
