//! Bytes to events and back: the Confluent wire format and the datum.

use apache_avro::{Schema, reader::datum::GenericDatumReader, writer::datum::GenericDatumWriter};
use serde::{Serialize, de::DeserializeOwned};

/// First byte of the Confluent wire format.
const MAGIC: u8 = 0;
/// Magic byte and 4-byte schema id.
const FRAME_BYTES: usize = 5;

/// Why bytes are not an event.
///
/// Carries no text of the Avro library, which prints values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The record has no value.
    #[error("the record has no value (a tombstone)")]
    Tombstone,
    /// Not magic 0 and a 4-byte schema id.
    #[error("the value does not begin with the Confluent framing")]
    Frame,
    /// The datum is not of its schema, or bytes are left over.
    #[error("the datum is not of its schema")]
    Datum,
    /// The topic holds no Avro.
    #[error("the topic holds no Avro")]
    NotAvro,
}

/// The contract of one event: its schema as written by hand, parsed once, with its writer.
pub struct Contract {
    text: &'static str,
    schema: &'static Schema,
    writer: GenericDatumWriter<'static>,
}

impl Contract {
    /// Parses a schema that is compiled in.
    ///
    /// # Panics
    /// If the text is no Avro schema; the contract tests parse every one.
    pub fn compiled_in(text: &'static str) -> Self {
        let schema: &'static Schema = Box::leak(Box::new(
            Schema::parse_str(text).expect("a compiled-in schema is parsed by the contract tests"),
        ));
        let writer = GenericDatumWriter::builder(schema)
            .human_readable(false)
            .build()
            .expect("a compiled-in schema resolves its own names");
        Self {
            text,
            schema,
            writer,
        }
    }

    /// The schema as it stands in `schemas/avro`.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// The schema, parsed.
    pub fn schema(&self) -> &'static Schema {
        self.schema
    }

    /// Writes the datum of an event.
    ///
    /// # Panics
    /// If the type and its schema disagree, which the contract tests rule out.
    pub fn encode<E: Serialize>(&self, event: &E) -> Vec<u8> {
        // Not `expect`: the library's error prints the value, and a crash text may hold none.
        self.writer.write_ser_to_vec(event).unwrap_or_else(|_| {
            panic!(
                "the contract tests prove that {} and its type agree",
                self.schema.name().map_or("", |name| name.name())
            )
        })
    }

    /// Reads a datum that was written with `writer`, which may be an older or newer schema.
    ///
    /// Fields that the writer did not have take the contract's default, fields that we do not have
    /// are skipped, words that we do not have become the enum's default.
    pub fn decode<E: DeserializeOwned>(
        &self,
        writer: &Schema,
        datum: &[u8],
    ) -> Result<E, DecodeError> {
        match read(writer, datum) {
            // The fast way cannot skip a new field that is an enum, nor follow a promotion.
            Err(DecodeError::Datum) if writer != self.schema => {
                read(self.schema, &self.translate(writer, datum)?)
            }
            done => done,
        }
    }

    /// The datum as it would stand in our schema, by Avro's own rules of resolution.
    ///
    /// (With `read_deser` the library cannot resolve a reader schema: it would panic.)
    fn translate(&self, writer: &Schema, datum: &[u8]) -> Result<Vec<u8>, DecodeError> {
        let reader = GenericDatumReader::builder(writer)
            .reader_schema(self.schema)
            .build()
            .map_err(|_| DecodeError::Datum)?;
        let mut rest = datum;
        let value = reader
            .read_value(&mut rest)
            .map_err(|_| DecodeError::Datum)?;
        whole(rest)?;
        self.writer
            .write_value_to_vec(value)
            .map_err(|_| DecodeError::Datum)
    }
}

/// Reads a datum straight into its type.
fn read<E: DeserializeOwned>(writer: &Schema, datum: &[u8]) -> Result<E, DecodeError> {
    let reader = GenericDatumReader::builder(writer)
        .human_readable(false)
        .build()
        .map_err(|_| DecodeError::Datum)?;
    let mut rest = datum;
    let event = reader
        .read_deser(&mut rest)
        .map_err(|_| DecodeError::Datum)?;
    whole(rest)?;
    Ok(event)
}

/// The library accepts trailing bytes, which would let two records share one meaning.
fn whole(rest: &[u8]) -> Result<(), DecodeError> {
    if rest.is_empty() {
        Ok(())
    } else {
        Err(DecodeError::Datum)
    }
}

impl std::fmt::Debug for Contract {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contract")
            .field("schema", &self.schema.name())
            .finish_non_exhaustive()
    }
}

/// Parses a schema that came from a registry.
pub fn parse_schema(text: &str) -> Result<Schema, DecodeError> {
    Schema::parse_str(text).map_err(|_| DecodeError::Datum)
}

/// Puts the Confluent framing before a datum: magic 0, schema id (big-endian), datum.
pub fn frame(schema_id: u32, datum: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(FRAME_BYTES + datum.len());
    value.push(MAGIC);
    value.extend_from_slice(&schema_id.to_be_bytes());
    value.extend_from_slice(datum);
    value
}

/// Takes the Confluent framing off: the schema id and the datum.
pub fn unframe(value: Option<&[u8]>) -> Result<(u32, &[u8]), DecodeError> {
    let value = value.ok_or(DecodeError::Tombstone)?;
    let (head, datum) = value
        .split_at_checked(FRAME_BYTES)
        .ok_or(DecodeError::Frame)?;
    match head {
        [MAGIC, a, b, c, d] => Ok((u32::from_be_bytes([*a, *b, *c, *d]), datum)),
        _ => Err(DecodeError::Frame),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing_is_magic_id_datum() {
        assert_eq!(frame(258, b"x"), [0, 0, 0, 1, 2, b'x']);
        assert_eq!(unframe(Some(&[0, 0, 0, 1, 2, b'x'])), Ok((258, &b"x"[..])));
    }

    #[test]
    fn what_is_not_framed_is_told_apart() {
        assert_eq!(unframe(None), Err(DecodeError::Tombstone));
        assert_eq!(unframe(Some(&[0, 0, 0, 1])), Err(DecodeError::Frame));
        assert_eq!(unframe(Some(&[1, 0, 0, 0, 1, 0])), Err(DecodeError::Frame));
    }
}
