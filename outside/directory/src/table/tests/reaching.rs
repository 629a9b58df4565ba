//! How a user or queue is reached at the moment of telling.

use super::{each, import_of};
use crate::{Address, Directory, Table};

async fn emails(table: &Table, recipients: &[&str]) -> Vec<Option<String>> {
    let addresses = table.addresses(recipients).await.unwrap();
    let exposed = |address: &Address| address.expose().to_owned();
    addresses
        .iter()
        .map(|address| address.as_ref().map(exposed))
        .collect()
}

#[tokio::test]
async fn active_users_and_queues_have_addresses_and_nobody_else_has() {
    each(async |world| {
        let table = world.table().await;
        table.import(import_of("", None)).await.unwrap();
        let some = |email: &str| Some(email.to_owned());
        let found = emails(
            &table,
            &[
                "q-1", "u-3", "u-1", "nobody", "U-1", "", "u-1\0", "u-1 ", "q-1",
            ],
        )
        .await;
        let expected = [
            some("q1@example.test"),
            None,
            some("u1@example.test"),
            None,
            None,
            None,
            None,
            None,
            some("q1@example.test"),
        ];
        assert_eq!(found, expected, "{}", world.name);
        assert_eq!(emails(&table, &[]).await, []);
        assert_eq!(emails(&table, &["\0"]).await, [None]);
    })
    .await;
}

#[tokio::test]
async fn who_has_left_hears_nothing_from_that_moment_on() {
    each(async |world| {
        let table = world.table().await;
        table.import(import_of("", None)).await.unwrap();
        assert!(emails(&table, &["u-1"]).await[0].is_some());
        world
            .execute("update directory_user set active = not active where id = 'u-1'")
            .await;
        assert_eq!(emails(&table, &["u-1"]).await, [None], "{}", world.name);
    })
    .await;
}

#[tokio::test]
async fn an_address_written_past_the_importer_cannot_break_a_header() {
    each(async |world| {
        let table = world.table().await;
        table.import(import_of("", None)).await.unwrap();
        world
            .execute("update directory_queue set email = 'x@example.test\nBcc: eve@example.test'")
            .await;
        assert_eq!(emails(&table, &["q-1"]).await, [None], "{}", world.name);
    })
    .await;
}
