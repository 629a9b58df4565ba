//! Files that no log of its size has.

use super::{LogReader, MAX_FILE, Unread, Walk};
use crate::{
    log::{
        bundle,
        tile::{Rank, Tile},
    },
    verify::Finding,
};

impl Walk<'_> {
    /// Looks for files that no log of this size has. Narrower beginnings of tiles may stay: once they were all there was.
    pub(super) async fn strays(&mut self, reader: &dyn LogReader) -> Result<(), Unread> {
        let size = self.accepted.checkpoint.size;
        for path in reader.list().await?.unwrap_or_default() {
            let tile = Tile::parse(&path);
            let there = tile.and_then(|tile| Tile::at(tile.rank, tile.index, size));
            if tile.is_some() && tile == there {
                continue;
            }
            let narrower = match (tile, there) {
                (Some(tile), Some(there)) if tile.width < there.width => {
                    begins(reader, (&tile, &there)).await?
                }
                _ => false,
            };
            if !narrower {
                self.find(Finding::Stray { path });
            }
        }
        Ok(())
    }
}

/// Whether a narrower tile is the beginning of the one that is there now.
async fn begins(reader: &dyn LogReader, (tile, there): (&Tile, &Tile)) -> Result<bool, Unread> {
    let narrow = reader.read(&tile.to_string(), MAX_FILE).await?;
    let wide = reader.read(&there.to_string(), MAX_FILE).await?;
    let (Some(narrow), Some(wide)) = (narrow, wide) else {
        return Ok(false);
    };
    let whole = match tile.rank {
        Rank::Level(_) => narrow.len() == usize::from(tile.width) * 32,
        Rank::Entries => {
            bundle::decode(&narrow).is_some_and(|all| all.len() == usize::from(tile.width))
        }
    };
    Ok(whole && wide.starts_with(&narrow))
}
