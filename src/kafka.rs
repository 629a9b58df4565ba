//! From settings to the Kafka broker.

use std::{collections::BTreeMap, sync::Arc};

use stage::{
    Broker, ConfigError, SystemClock,
    broker::kafka::{Kafka, KafkaSettings},
    registry::confluent,
};

use crate::{config::All, exit::Failure};

/// Opens Kafka as the settings say; secrets are read from their files.
pub(crate) fn open(all: &All, clock: Arc<SystemClock>) -> Result<Arc<dyn Broker>, Failure> {
    let broker = &all.broker;
    let mut properties: BTreeMap<String, String> = broker.properties.clone();
    for (name, file) in &broker.property_files {
        let text = std::fs::read_to_string(file).map_err(|error| ConfigError::File {
            file: file.clone(),
            why: error.to_string(),
        })?;
        properties.insert(name.clone(), text.trim_end_matches(['\r', '\n']).to_owned());
    }
    let settings = KafkaSettings {
        bootstrap: broker.bootstrap.clone(),
        prefix: broker.prefix.clone(),
        instance: broker.instance.clone(),
        partitions: broker.partitions,
        replication: broker.replication,
        properties,
        registry: confluent::Settings {
            url: all.registry.url.clone(),
            user: all.registry.user.clone(),
            password_file: all.registry.password_file.clone(),
        },
    };
    Ok(Arc::new(Kafka::open(settings, clock)?))
}
