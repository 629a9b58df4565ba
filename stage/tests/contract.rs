//! The contract of `stage::Broker`, as tests that both brokers must pass.
//!
//! The embedded broker is tried always, Kafka where `tests/run --parts kafka,registry` has started it.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![expect(
    clippy::print_stdout,
    reason = "a test says what it left out, and what it measured"
)]

mod contract {
    /// Makes a test of each function for each broker.
    macro_rules! both {
        ($($name:ident),* $(,)?) => {
            mod embedded {
                $(#[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::$name(crate::contract::house::House::embedded().await).await;
                })*
            }
            mod kafka {
                $(#[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    if let Some(house) = crate::contract::house::House::kafka().await {
                        super::$name(house).await;
                    }
                })*
            }
        };
    }

    mod appending;
    mod groups;
    mod house;
    mod kill;
    mod outage;
    mod posted;
    mod reading;
    mod registry;
    mod relays;
    mod secured;
    mod sharing;
    mod size;
    mod speed;
    mod topics;
}
