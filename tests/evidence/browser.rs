//! The page of a pack in a browser that reaches nothing.

use std::{fmt::Write as _, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The page that every pack carries.
const PAGE: &str = include_str!("../../audit/src/pack/verify.html");

/// What the page says of packs, each in turn, in a browser that reaches nothing.
pub(super) fn says(chromium: &str, key: &str, packs: &[&[u8]]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut script = String::new();
    for pack in packs {
        let _infallible = write!(script, "'{}',", STANDARD.encode(pack));
    }
    let page = format!(
        "{PAGE}<ol id=said></ol><script>(async () => {{ for (const pack of [{script}]) {{
            await show(Uint8Array.from(atob(pack), letter => letter.charCodeAt(0)), '{key}');
            const line = document.createElement('li');
            line.textContent = document.getElementById('result').dataset.holds + ' ' + document.getElementById('result').textContent;
            document.getElementById('said').append(line);
        }} }})()</script>"
    );
    let path = folder.path().join("page.html");
    std::fs::write(&path, page).unwrap();
    let profile = format!(
        "--user-data-dir={}",
        folder.path().join("profile").display()
    );
    let output = Command::new("timeout")
        .args([
            "-k",
            "5",
            "120",
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
        ])
        .args([
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-sync",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
        ])
        .args([
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--virtual-time-budget=60000",
        ])
        .arg(profile)
        .arg("--dump-dom")
        .arg(format!("file://{}", path.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = dom.split("<ol id=\"said\">").nth(1).unwrap_or_default();
    let lines = said.split("<li>").skip(1);
    lines
        .map(|line| line.split('<').next().unwrap_or_default().to_owned())
        .collect()
}
