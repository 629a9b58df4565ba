//! Whose reference is this: every rule of the look-up.

use schemas::{CommissionOwner, FoundBy, Party, Refusal};

use super::{asked, each, import_of};
use crate::{Answer, Directory, Found, Refused, Table, demo_import};

const ACCOUNTS: &str = r#"
    {"id": "acc-1", "number": "A-1", "owners": ["u-3", "u-2", "u-1"], "contacts": ["C-1", "C-2"]},
    {"id": "acc-2", "number": "A-2", "owners": ["u-3"], "contacts": ["C-3"], "onboarding_queue": "q-2"},
    {"id": "acc-3", "number": "acc-1", "owners": [], "contacts": []}"#;

async fn one(table: &Table, customer: &str, transaction: Option<&str>) -> Answer {
    let mut answers = table.find(&[asked(customer, transaction)]).await.unwrap();
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

fn refused(reason: Refusal, field: &'static str) -> Answer {
    Err(Refused {
        reason,
        field: Some(field),
    })
}

fn number(answer: Answer) -> String {
    answer.unwrap().party.account_number
}

#[tokio::test]
async fn a_client_is_found_with_all_that_telling_needs() {
    each(async |world| {
        let table = world.table().await;
        table.import(demo_import()).await.unwrap();
        let found = one(&table, "A-1001:C-2001", None).await;
        let expected = Found {
            party: Party {
                account_id: "acc-1001".to_owned(),
                account_number: "A-1001".to_owned(),
                contact_id: Some("C-2001".to_owned()),
                account_link: "https://crm.example/accounts/acc-1001".to_owned(),
                contact_link: Some("https://crm.example/contacts/C-2001/view".to_owned()),
                found_by: FoundBy::Reference,
            },
            commission_owner: CommissionOwner {
                user_id: Some("u-sales-1".to_owned()),
                active: true,
                fallback_queue: None,
                found_by: FoundBy::CommissionOrder,
            },
            onboarding_queue: "q-onboarding".to_owned(),
        };
        assert_eq!(found, Ok(expected), "{}", world.name);
    })
    .await;
}

#[tokio::test]
async fn an_account_is_found_by_its_number_by_its_id_or_by_its_contact() {
    each(async |world| {
        let table = world.table_of("{account}", "").await;
        table.import(import_of(ACCOUNTS, None)).await.unwrap();
        let found = one(&table, "A-1", None).await.unwrap();
        assert_eq!(found.party.account_id, "acc-1");
        assert_eq!(
            (found.party.contact_id, found.party.contact_link),
            (None, None)
        );
        // A number is never taken for an id, even if an account has it as its id.
        let found = one(&table, "acc-1", None).await.unwrap();
        assert_eq!(found.party.account_id, "acc-3");

        let table = world.table_of("{account_id}", "").await;
        assert_eq!(number(one(&table, "acc-1", None).await), "A-1");

        let table = world.table_of("", "contact {contact}").await;
        let found = table
            .find(&[asked(None, "contact C-3")])
            .await
            .unwrap()
            .remove(0);
        let party = found.unwrap().party;
        assert_eq!(party.account_number, "A-2");
        assert_eq!(party.contact_id.as_deref(), Some("C-3"));
    })
    .await;
}

#[tokio::test]
async fn nothing_is_folded_trimmed_or_guessed() {
    each(async |world| {
        let table = world.table_of("{account}", "").await;
        table.import(import_of(ACCOUNTS, None)).await.unwrap();
        for unknown in ["a-1", "A-", "A-11", "A-1.", "A_1", "C-1", "acc-2"] {
            let answer = one(&table, unknown, None).await;
            let expected = refused(Refusal::UnknownAccount, "customer_reference");
            assert_eq!(answer, expected, "{unknown} in {}", world.name);
        }
        for bad in [
            "", " A-1", "A-1 ", "A-1\n", "A-1\0", "Ａ-1", "A-1'", "A-1%", "A-1:C-1",
        ] {
            let answer = one(&table, bad, None).await;
            let expected = refused(Refusal::BadReference, "customer_reference");
            assert_eq!(answer, expected, "{bad:?} in {}", world.name);
        }
    })
    .await;
}

#[tokio::test]
async fn a_contact_must_belong_to_the_account() {
    each(async |world| {
        let table = world.table_of("{account}:{contact}", "").await;
        table.import(import_of(ACCOUNTS, None)).await.unwrap();
        assert_eq!(number(one(&table, "A-1:C-2", None).await), "A-1");
        for foreign in ["A-1:C-3", "A-1:c-1", "A-1:C-9", "acc-1:C-1"] {
            let answer = one(&table, foreign, None).await;
            let expected = refused(Refusal::ContactNotOfAccount, "customer_reference");
            assert_eq!(answer, expected, "{foreign} in {}", world.name);
        }
        let answer = one(&table, "A-9:C-1", None).await;
        assert_eq!(
            answer,
            refused(Refusal::UnknownAccount, "customer_reference")
        );

        let table = world.table_of("{account}", "{contact}").await;
        let answer = one(&table, "A-1", Some("C-3")).await;
        let expected = refused(Refusal::ContactNotOfAccount, "transaction_reference");
        assert_eq!(answer, expected, "{}", world.name);
    })
    .await;
}

#[tokio::test]
async fn an_unknown_contact_alone_leads_to_no_account() {
    each(async |world| {
        let table = world.table_of("{contact}", "").await;
        table.import(import_of(ACCOUNTS, None)).await.unwrap();
        let answer = one(&table, "C-9", None).await;
        assert_eq!(
            answer,
            refused(Refusal::UnknownAccount, "customer_reference")
        );
    })
    .await;
}

#[tokio::test]
async fn references_that_lead_to_different_accounts_are_ambiguous() {
    let ambiguous = Err(Refused {
        reason: Refusal::AmbiguousParty,
        field: None,
    });
    each(async |world| {
        let table = world.table_of("{account}", "{account_id}").await;
        table.import(import_of(ACCOUNTS, None)).await.unwrap();
        assert_eq!(one(&table, "A-1", Some("acc-2")).await, ambiguous);
        assert_eq!(number(one(&table, "A-1", Some("acc-1")).await), "A-1");
        let answer = one(&table, "A-1", Some("acc-9")).await;
        assert_eq!(
            answer,
            refused(Refusal::UnknownAccount, "transaction_reference")
        );

        let table = world.table_of("{account}", "{account}").await;
        assert_eq!(one(&table, "A-1", Some("A-2")).await, ambiguous);
    })
    .await;
}

#[tokio::test]
async fn the_first_active_owner_hears_and_else_the_fallback_queue() {
    let fallback = |queue: &str| CommissionOwner {
        user_id: None,
        active: false,
        fallback_queue: Some(queue.to_owned()),
        found_by: FoundBy::Fallback,
    };
    each(async |world| {
        let table = world.table_of("{account}", "").await;
        table.import(import_of(ACCOUNTS, None)).await.unwrap();
        let owner = async |account| {
            let found = one(&table, account, None).await.unwrap();
            found.commission_owner
        };
        let first = owner("A-1").await;
        assert_eq!(first.user_id.as_deref(), Some("u-2"));
        assert_eq!(
            (first.active, first.fallback_queue, first.found_by),
            (true, None, FoundBy::CommissionOrder)
        );
        // All have left; nobody was ever named; both with the configured queue, as the file names none.
        assert_eq!(owner("A-2").await, fallback("q-sales-fallback"));
        assert_eq!(owner("acc-1").await, fallback("q-sales-fallback"));

        table
            .import(import_of(ACCOUNTS, Some("q-2")))
            .await
            .unwrap();
        assert_eq!(owner("A-2").await, fallback("q-2"), "{}", world.name);
    })
    .await;
}

#[tokio::test]
async fn onboarding_is_the_accounts_own_queue_or_the_default_one() {
    each(async |world| {
        let table = world.table_of("{account}", "").await;
        table.import(import_of(ACCOUNTS, None)).await.unwrap();
        let queue = async |account| one(&table, account, None).await.unwrap().onboarding_queue;
        assert_eq!(queue("A-1").await, "q-1");
        assert_eq!(queue("A-2").await, "q-2");
    })
    .await;
}

#[tokio::test]
async fn each_question_of_a_batch_has_its_answer_in_its_place() {
    each(async |world| {
        let table = world.table().await;
        table.import(import_of(ACCOUNTS, None)).await.unwrap();
        let batch = [
            asked("A-2:C-3", None),
            asked(None, None),
            asked("A-1:C-1", "anything"),
            asked("A-9:C-9", None),
            asked("A-2:C-3", None),
        ];
        let answers = table.find(&batch).await.unwrap();
        let answers: Vec<Result<String, Refusal>> = answers
            .into_iter()
            .map(|answer| match answer {
                Ok(found) => Ok(found.party.account_number),
                Err(refused) => Err(refused.reason),
            })
            .collect();
        let expected = [
            Ok("A-2".to_owned()),
            Err(Refusal::BadReference),
            Ok("A-1".to_owned()),
            Err(Refusal::UnknownAccount),
            Ok("A-2".to_owned()),
        ];
        assert_eq!(answers, expected, "{}", world.name);
        assert_eq!(table.find(&[]).await, Ok(Vec::new()));
    })
    .await;
}
