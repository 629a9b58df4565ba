//! A log in a folder: `checkpoint` and `tile/…` as C2SP tlog-tiles has them.

use std::{
    fs::File,
    io::{ErrorKind, Read as _},
    path::{Path, PathBuf},
};

use async_trait::async_trait;

use super::log::{LogReader, Unread};

/// Most files that a log may have: that of 500 million entries.
const MAX_FILES: usize = 4_000_000;
/// Deepest folders: level, seven groups of the index, and the width.
const MAX_DEPTH: usize = 10;

/// The folder.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The log of this folder.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    fn walk(&self, below: &str, depth: usize, files: &mut Vec<String>) -> Result<(), Unread> {
        let unread = |why: String| Unread {
            path: below.to_owned(),
            why,
        };
        let entries = match std::fs::read_dir(self.0.join(below)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(unread(error.to_string())),
        };
        for entry in entries {
            let entry = entry.map_err(|error| unread(error.to_string()))?;
            let path = format!("{below}/{}", entry.file_name().to_string_lossy());
            let kind = entry
                .file_type()
                .map_err(|error| unread(error.to_string()))?;
            if kind.is_dir() && depth < MAX_DEPTH {
                self.walk(&path, depth + 1, files)?;
            } else if files.len() == MAX_FILES {
                return Err(unread(format!("it has more than {MAX_FILES} files")));
            } else {
                files.push(path);
            }
        }
        Ok(())
    }
}

#[async_trait]
impl LogReader for Folder {
    async fn read(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, Unread> {
        let unread = |error: std::io::Error| Unread {
            path: self.0.join(path).display().to_string(),
            why: error.to_string(),
        };
        let file = match File::open(self.0.join(path)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unread(error)),
        };
        let length = file.metadata().map_or(0, |about| about.len());
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let mut bytes = Vec::with_capacity(usize::try_from(length.min(most)).unwrap_or(0));
        file.take(most).read_to_end(&mut bytes).map_err(unread)?;
        Ok(Some(bytes))
    }

    async fn list(&self) -> Result<Option<Vec<String>>, Unread> {
        let mut files = Vec::new();
        self.walk("tile", 0, &mut files)?;
        files.sort_unstable();
        Ok(Some(files))
    }
}
