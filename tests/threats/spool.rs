//! T26: how the spool stands is told where the contract says, and what stands aside in it is shown.

use crate::world::{Kind, Setting, World, approved, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn the_status_page_shows_the_spool_and_a_stopped_door_what_stands_aside() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(file("spool.key"), [7; 32]).unwrap();
    let setting = Setting {
        variables: vec![
            ("DOOR__SPOOL__FILE", file("spool.db")),
            ("DOOR__SPOOL__KEY_FILE", file("spool.key")),
        ],
        ..Setting::default()
    };
    let Some(mut world) = World::start(Kind::Embedded, setting).await else {
        return;
    };
    let (media, body) = approved(1, "spooled");
    assert_eq!(world.post(media, body).await, 200);
    let limit = std::time::Duration::from_secs(10);
    let status = wait_for("the door to tell how it stands", limit, async || {
        let page = world.page("up", "/status").await;
        let status: serde_json::Value = serde_json::from_str(&page).unwrap();
        if status["spool"].is_object() {
            Ok(status)
        } else {
            Err(page)
        }
    })
    .await;
    assert_eq!(status["spool"]["records"], 0, "{status}");
    assert_eq!(status["spool"]["set_aside"], 0, "{status}");
    assert_eq!(status["parts"]["door"]["breaker"], "closed", "{status}");
    assert!(status["parts"].get("spool").is_none(), "{status}");
    let (code, _, said) = world.run(&["spool", "list"]);
    assert!(
        code == 3 && said.contains("stop that door"),
        "{code} {said}"
    );
    assert_eq!(world.terminate("up").await, Some(0));
    let (code, shown, said) = world.run(&["spool", "list", "--json"]);
    assert!(code == 1 && shown.is_empty(), "{code} {shown} {said}");
    let (code, _, said) = world.run(&["spool", "resend"]);
    assert!(code == 0 && said.contains("0 put back"), "{code} {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_spool_the_status_page_says_that_there_is_none() {
    let Some(world) = World::start(Kind::Embedded, Setting::default()).await else {
        return;
    };
    let page = world.page("up", "/status").await;
    let status: serde_json::Value = serde_json::from_str(&page).unwrap();
    assert!(
        status["spool"].is_null() && status.get("spool").is_some(),
        "{page}"
    );
    let (code, _, said) = world.run(&["spool", "list"]);
    assert!(code == 2 && said.contains("door.spool"), "{code} {said}");
}
