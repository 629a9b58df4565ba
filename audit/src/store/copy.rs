//! Rows in PostgreSQL's binary COPY format: each field its length, then its bytes.

use sqlx::PgConnection;
use uuid::Uuid;

/// The signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// The mark of the end.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
const NULL: [u8; 4] = (-1_i32).to_be_bytes();

/// Rows that are written one after the other.
pub(crate) struct Rows {
    bytes: Vec<u8>,
    columns: i16,
}

impl Rows {
    /// No row yet; `columns` is how many fields each has.
    pub(crate) fn new(columns: i16, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend_from_slice(HEADER);
        Self { bytes, columns }
    }

    /// Begins a row; its fields follow in the order of the columns.
    pub(crate) fn row(&mut self) -> &mut Self {
        self.bytes.extend_from_slice(&self.columns.to_be_bytes());
        self
    }

    /// A BIGINT.
    pub(crate) fn long(&mut self, value: i64) -> &mut Self {
        self.field(&value.to_be_bytes())
    }

    /// An INTEGER.
    pub(crate) fn int(&mut self, value: i32) -> &mut Self {
        self.field(&value.to_be_bytes())
    }

    /// A SMALLINT.
    pub(crate) fn short(&mut self, value: i16) -> &mut Self {
        self.field(&value.to_be_bytes())
    }

    /// A UUID, or NULL.
    pub(crate) fn uuid(&mut self, value: Option<Uuid>) -> &mut Self {
        if let Some(uuid) = value {
            return self.field(uuid.as_bytes());
        }
        self.bytes.extend_from_slice(&NULL);
        self
    }

    /// Anything by its bytes.
    pub(crate) fn field(&mut self, value: &[u8]) -> &mut Self {
        // A field is at most a record of the broker, sealed: far below the 2 GiB that the format can say.
        let length = i32::try_from(value.len()).unwrap_or(i32::MAX);
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(value);
        self
    }

    /// Copies them in, if there are any: `statement` is the COPY that names their table and columns.
    pub(crate) async fn copy_in(
        mut self,
        connection: &mut PgConnection,
        statement: &str,
    ) -> sqlx::Result<()> {
        if self.bytes.len() == HEADER.len() {
            return Ok(());
        }
        self.bytes.extend_from_slice(&TRAILER);
        let mut copying = connection.copy_in_raw(statement).await?;
        copying.send(self.bytes).await?;
        copying.finish().await.map(|_| ())
    }
}
