//! What the history's database says of itself.

use sqlx::{Connection as _, PgConnection, SqliteConnection, query_as};

use super::System;

const RECONCILED: &str = "SELECT position, (SELECT size FROM head) FROM reconciliation";

impl System {
    /// How many entries the reconciler has counted, and how many the history holds.
    pub(crate) async fn reconciled(&self) -> (i64, i64) {
        if self.real {
            let url = &self.variables["IDTRAIL_AUDIT__DATABASE__URL"];
            let mut history = PgConnection::connect(url).await.unwrap();
            return query_as(RECONCILED).fetch_one(&mut history).await.unwrap();
        }
        let url = format!("sqlite:{}", self.data().join("history.db").display());
        let mut history = SqliteConnection::connect(&url).await.unwrap();
        query_as(RECONCILED).fetch_one(&mut history).await.unwrap()
    }
}
