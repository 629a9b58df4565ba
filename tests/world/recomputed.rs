//! A history recomputed by a program that shares nothing with ours: `tests/recompute.py`.

use std::{path::Path, process::Command};

use super::{Kind, Parts, World};

/// Where a history is: its database, that of its keys, the key-encryption key, and the head store where there is one.
pub(crate) struct Whereabouts {
    pub(crate) history: String,
    pub(crate) keys: String,
    pub(crate) key_file: String,
    pub(crate) head: Option<String>,
}

impl Whereabouts {
    /// The files of a data folder.
    pub(crate) fn of_data(folder: &Path) -> Self {
        let file = |name: &str| folder.join(name).display().to_string();
        Self {
            history: format!("sqlite:{}", file("history.db")),
            keys: format!("sqlite:{}", file("keys.db")),
            key_file: file("history.key"),
            head: Some(file("log.head")),
        }
    }

    /// What the recomputation says: that all is well, or else what does not fit, a line each.
    pub(crate) fn recompute(&self) -> Result<String, String> {
        let mut command = Command::new("python3");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recompute.py"));
        for url in [&self.history, &self.keys] {
            let (url, password) = without_password(url);
            command.arg(url).env("PGPASSWORD", password);
        }
        let output = command
            .arg(&self.key_file)
            .args(self.head.as_ref().filter(|head| Path::new(head).exists()))
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        match (output.status.success(), text(&output.stdout)) {
            (true, said) => Ok(said),
            (false, said) => Err(said + &text(&output.stderr)),
        }
    }
}

/// A URL without its password, and the password.
fn without_password(url: &str) -> (String, String) {
    let parts = url.split_once("://").and_then(|(scheme, rest)| {
        let (user, place) = rest.split_once('@')?;
        let (name, password) = user.split_once(':')?;
        Some((format!("{scheme}://{name}@{place}"), password.to_owned()))
    });
    parts.unwrap_or_else(|| (url.to_owned(), String::new()))
}

impl World {
    /// Where the history of this world is. On the real parts the head store is where the story has put it.
    pub(crate) fn whereabouts(&self, head: Option<String>) -> Whereabouts {
        if self.kind == Kind::Embedded {
            return Whereabouts::of_data(&self.data());
        }
        let parts = Parts::of_environment().unwrap();
        let key_file = self.folder.path().join("history.key");
        Whereabouts {
            history: parts.database(&self.prefix, "history"),
            keys: parts.database(&self.prefix, "keys"),
            key_file: key_file.display().to_string(),
            head,
        }
    }
}
