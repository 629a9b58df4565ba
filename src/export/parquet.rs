//! The history as Parquet: the columns of the table, with their types, and nothing that is empty for being unknown.

use std::sync::Arc;

use audit::Step;
use parquet::{
    basic::Compression,
    data_type::{BoolType, ByteArray, ByteArrayType, Int32Type, Int64Type},
    errors::{ParquetError, Result},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};

/// Steps of a row group, in memory at once: readers work by groups, and larger ones only cost memory.
const GROUP: usize = 50_000;
/// The columns, in the order of the table. `at` in UTC.
const SCHEMA: &str = "message history {
    required int64 seq;
    required int64 at (timestamp(micros, true));
    required binary step (string);
    optional binary provider (string);
    optional binary provider_reference (string);
    optional binary customer_reference (string);
    optional binary transaction_reference (string);
    optional binary account (string);
    optional binary contact (string);
    optional binary event_id (string);
    optional binary outcome (string);
    required boolean repeat;
    required binary topic (string);
    required int32 partition;
    required int64 offset;
    required binary leaf_hash (string);
}";

/// A file that is being written.
pub(super) struct Parquet {
    writer: SerializedFileWriter<Vec<u8>>,
    steps: Vec<Step>,
}

impl Parquet {
    pub(super) fn new() -> Result<Self> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::UNCOMPRESSED)
            .set_created_by("idtrail".to_owned())
            .build();
        Ok(Self {
            writer: SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?,
            steps: Vec::new(),
        })
    }

    /// Takes a step.
    pub(super) fn push(&mut self, step: &Step) -> Result<()> {
        self.steps.push(step.clone());
        if self.steps.len() < GROUP {
            return Ok(());
        }
        self.group()
    }

    /// Bytes so far, without the group that is being gathered.
    pub(super) fn len(&self) -> usize {
        self.writer.bytes_written()
    }

    /// The whole file.
    pub(super) fn finish(mut self) -> Result<Vec<u8>> {
        if !self.steps.is_empty() {
            self.group()?;
        }
        self.writer.into_inner()
    }

    fn group(&mut self) -> Result<()> {
        let mut group = self.writer.next_row_group()?;
        for column in columns(&std::mem::take(&mut self.steps)) {
            let mut writer = group
                .next_column()?
                .ok_or_else(|| ParquetError::General("more columns than the schema".to_owned()))?;
            match column {
                Column::Long(values) => writer
                    .typed::<Int64Type>()
                    .write_batch(&values, None, None)?,
                Column::Number(values) => writer
                    .typed::<Int32Type>()
                    .write_batch(&values, None, None)?,
                Column::Flag(values) => writer
                    .typed::<BoolType>()
                    .write_batch(&values, None, None)?,
                Column::Text(values) => writer
                    .typed::<ByteArrayType>()
                    .write_batch(&values, None, None)?,
                Column::Maybe(values, there) => {
                    writer
                        .typed::<ByteArrayType>()
                        .write_batch(&values, Some(&there), None)?
                }
            };
            writer.close()?;
        }
        group.close()?;
        Ok(())
    }
}

/// The values of a column.
enum Column {
    Long(Vec<i64>),
    Number(Vec<i32>),
    Flag(Vec<bool>),
    Text(Vec<ByteArray>),
    /// Those that are there, and for each step whether it has one.
    Maybe(Vec<ByteArray>, Vec<i16>),
}

fn columns(steps: &[Step]) -> [Column; 16] {
    let bytes = |text: &str| ByteArray::from(text.as_bytes().to_vec());
    let text =
        |of: fn(&Step) -> &str| Column::Text(steps.iter().map(|step| bytes(of(step))).collect());
    let maybe = |of: fn(&Step) -> Option<&String>| {
        Column::Maybe(
            steps
                .iter()
                .filter_map(of)
                .map(|text| bytes(text))
                .collect(),
            steps
                .iter()
                .map(|step| i16::from(of(step).is_some()))
                .collect(),
        )
    };
    [
        Column::Long(steps.iter().map(|step| step.seq).collect()),
        Column::Long(steps.iter().map(|step| step.at.micros()).collect()),
        text(|step| &step.step),
        maybe(|step| step.provider.as_ref()),
        maybe(|step| step.provider_reference.as_ref()),
        maybe(|step| step.customer_reference.as_ref()),
        maybe(|step| step.transaction_reference.as_ref()),
        maybe(|step| step.account.as_ref()),
        maybe(|step| step.contact.as_ref()),
        maybe(|step| step.event_id.as_ref()),
        maybe(|step| step.outcome.as_ref()),
        Column::Flag(steps.iter().map(|step| step.repeat).collect()),
        text(|step| &step.source.topic),
        Column::Number(steps.iter().map(|step| step.source.partition).collect()),
        Column::Long(steps.iter().map(|step| step.source.offset).collect()),
        text(|step| &step.leaf_hash),
    ]
}

#[cfg(test)]
mod tests {
    use audit::Source;
    use bytes::Bytes;
    use parquet::{
        file::reader::{FileReader as _, SerializedFileReader},
        record::RowAccessor as _,
    };
    use schemas::Timestamp;

    use super::*;

    fn step(number: usize) -> Step {
        let seq = i64::try_from(number).unwrap();
        Step {
            seq,
            at: Timestamp::from_micros(1_790_000_000_000_000 + seq),
            step: "checked".to_owned(),
            provider: Some("jumio".to_owned()),
            provider_reference: number.is_multiple_of(3).then(|| format!("R-{number}")),
            customer_reference: None,
            transaction_reference: None,
            account: None,
            contact: None,
            event_id: None,
            outcome: None,
            repeat: !number.is_multiple_of(2),
            source: Source {
                topic: "idtrail.checked".to_owned(),
                partition: 3,
                offset: seq,
            },
            leaf_hash: format!("{number:064x}"),
        }
    }

    #[test]
    fn every_step_stands_in_its_row_also_where_a_group_ends() {
        for steps in [0, 1, GROUP, GROUP + 1] {
            let mut file = Parquet::new().unwrap();
            for number in 0..steps {
                file.push(&step(number)).unwrap();
            }
            let bytes = Bytes::from(file.finish().unwrap());
            let reader = SerializedFileReader::new(bytes).unwrap();
            assert_eq!(reader.num_row_groups(), steps.div_ceil(GROUP));
            let mut rows = 0;
            for (number, row) in reader.get_row_iter(None).unwrap().enumerate() {
                let (row, wanted) = (row.unwrap(), step(number));
                assert_eq!(row.get_long(0).unwrap(), wanted.seq);
                let reference = row.get_string(4).ok();
                assert_eq!(reference, wanted.provider_reference.as_ref());
                assert_eq!(row.get_bool(11).unwrap(), wanted.repeat);
                assert_eq!(row.get_string(15).unwrap(), &wanted.leaf_hash);
                rows += 1;
            }
            assert_eq!(rows, steps);
        }
    }
}
