//! Files in a maildir: a message is whole or not there, and a repeat replaces itself.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::PathBuf,
    sync::Arc,
};

use async_trait::async_trait;

use super::{Channel, Letter, SendError, message::Writer};

/// The channel's name.
pub(crate) const NAME: &str = "maildir";

/// A maildir.
#[derive(Clone, Debug)]
pub(crate) struct Maildir {
    folder: Arc<PathBuf>,
    writer: Writer,
}

impl Maildir {
    pub(crate) fn new(folder: PathBuf, writer: Writer) -> Self {
        Self {
            folder: Arc::new(folder),
            writer,
        }
    }
}

#[async_trait]
impl Channel for Maildir {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn send(&self, letter: &Letter) -> Result<Option<String>, SendError> {
        let message = self.writer.write(letter)?.formatted();
        let name = format!("{}.idtrail", letter.id);
        let folder = Arc::clone(&self.folder);
        let file = name.clone();
        let written = tokio::task::spawn_blocking(move || deliver(&folder, &file, &message)).await;
        match written {
            Ok(Ok(())) => Ok(Some(name)),
            Ok(Err(error)) => Err(meaning(&error)),
            Err(_) => Err(SendError::Later("the writing was cut off".to_owned())),
        }
    }
}

/// Missing rights are no passing fault, and no notice's either.
fn meaning(error: &io::Error) -> SendError {
    let text = format!("the maildir cannot be written: {}", error.kind());
    if matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::ReadOnlyFilesystem
    ) {
        SendError::Stopped(text)
    } else {
        SendError::Later(text)
    }
}

fn deliver(folder: &std::path::Path, name: &str, message: &[u8]) -> io::Result<()> {
    let (tmp, new) = (folder.join("tmp"), folder.join("new"));
    for part in [&tmp, &new, &folder.join("cur")] {
        // Mail names clients by their links: nobody else on the machine needs to read it.
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(part)?;
    }
    let written = tmp.join(name);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&written)?;
    file.write_all(message)?;
    file.sync_all()?;
    // A crash before this leaves a file in `tmp`, which readers do not look at and the next try overwrites.
    std::fs::rename(&written, new.join(name))?;
    // Without it a power cut could take the name back after the notice was recorded as sent.
    File::open(&new)?.sync_all()
}

#[cfg(test)]
mod tests {
    use schemas::{Id, Timestamp};

    use super::*;
    use crate::template::Text;

    fn letter(id: &str) -> Letter {
        Letter {
            id: Id::derive(&[id]),
            to: directory::Address::new("onboarding@example.test", None).unwrap(),
            text: Text {
                subject: "Identity check: passed".to_owned(),
                body: "Result: passed.\n".to_owned(),
            },
            at: Timestamp::from_micros(0),
        }
    }

    fn writer() -> Writer {
        Writer {
            from: "idtrail@localhost".parse().unwrap(),
            domain: "localhost".to_owned(),
        }
    }

    fn names(folder: &std::path::Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_repeat_replaces_itself_and_nothing_half_written_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let maildir = Maildir::new(folder.path().join("mail"), writer());
        let first = maildir.send(&letter("a")).await.unwrap();
        assert_eq!(maildir.send(&letter("a")).await.unwrap(), first);
        maildir.send(&letter("b")).await.unwrap();
        let new = folder.path().join("mail/new");
        assert_eq!(names(&new).len(), 2);
        assert_eq!(names(&folder.path().join("mail/tmp")), Vec::<String>::new());
        let text = std::fs::read_to_string(new.join(first.unwrap())).unwrap();
        assert!(text.ends_with("\r\n\r\nResult: passed.\r\n"), "{text}");
    }

    #[tokio::test]
    async fn a_folder_that_is_none_stops_the_channel_and_gives_no_notice_up() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let maildir = Maildir::new(file, writer());
        let refused = maildir.send(&letter("a")).await;
        assert!(matches!(refused, Err(SendError::Stopped(_))), "{refused:?}");
    }
}
