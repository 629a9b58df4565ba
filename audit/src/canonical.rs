//! One text for one value: RFC 8785 (JCS) for what holds structs, lists, text and integers, and nothing else.
//!
//! Times and dates come out as integers, because the serialiser says that nobody reads along.

use std::{io::Write as _, ops::Range};

use serde::{Serialize, ser};

/// What has no canonical text here: a float, a map, bytes. The types of this house hold none.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotCanonical(String);

impl ser::Error for NotCanonical {
    fn custom<T: std::fmt::Display>(what: T) -> Self {
        Self(what.to_string())
    }
}

/// Bytes of a usual body.
const USUAL: usize = 2_048;

/// The canonical text.
pub(crate) fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, NotCanonical> {
    let mut out = Vec::with_capacity(USUAL);
    value.serialize(Writer(&mut out))?;
    Ok(out)
}

/// Appends a JSON string. RFC 8785 escapes as ECMAScript does, and so does `serde_json`.
fn text(out: &mut Vec<u8>, text: &str) -> Result<(), NotCanonical> {
    serde_json::to_writer(out, text).map_err(ser::Error::custom)
}

struct Writer<'a>(&'a mut Vec<u8>);

/// The fields of a struct, sorted when it ends: RFC 8785 wants the names in order of UTF-16 code units, which for the
/// ASCII names of our structs is the order of bytes.
struct Fields<'a> {
    out: &'a mut Vec<u8>,
    /// Where the values begin; until the end they stand there in the order of the struct.
    begin: usize,
    /// Each name, and where its value stands.
    values: Vec<(&'static str, Range<usize>)>,
}

struct Items<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

macro_rules! integers {
    ($($name:ident: $kind:ty),+) => {
        $(fn $name(self, value: $kind) -> Result<(), NotCanonical> {
            // Writing to a vector cannot fail.
            let _infallible = write!(self.0, "{value}");
            Ok(())
        })+
    };
}

macro_rules! refused {
    ($($name:ident($($kind:ty),*) -> $result:ty),+ $(,)?) => {
        $(fn $name(self, $(_: $kind),*) -> Result<$result, NotCanonical> {
            Err(NotCanonical(concat!(stringify!($name), " has no canonical form").to_owned()))
        })+
    };
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = NotCanonical;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = ser::Impossible<(), NotCanonical>;
    type SerializeTupleVariant = ser::Impossible<(), NotCanonical>;
    type SerializeMap = ser::Impossible<(), NotCanonical>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = ser::Impossible<(), NotCanonical>;

    fn is_human_readable(&self) -> bool {
        false
    }

    integers!(
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64
    );

    refused!(
        serialize_f32(f32) -> (),
        serialize_f64(f64) -> (),
        serialize_bytes(&[u8]) -> (),
        serialize_unit_struct(&'static str) -> (),
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct,
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant,
        serialize_map(Option<usize>) -> Self::SerializeMap,
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant,
    );

    fn serialize_bool(self, value: bool) -> Result<(), NotCanonical> {
        self.0
            .extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), NotCanonical> {
        text(self.0, value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), NotCanonical> {
        text(self.0, value)
    }

    fn serialize_none(self) -> Result<(), NotCanonical> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotCanonical> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), NotCanonical> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), NotCanonical> {
        text(self.0, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), NotCanonical> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), NotCanonical> {
        Err(ser::Error::custom("a tagged value has no canonical form"))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'a>, NotCanonical> {
        self.0.push(b'[');
        Ok(Items {
            out: self.0,
            first: true,
        })
    }

    fn serialize_tuple(self, len: usize) -> Result<Items<'a>, NotCanonical> {
        self.serialize_seq(Some(len))
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Fields<'a>, NotCanonical> {
        Ok(Fields {
            begin: self.0.len(),
            out: self.0,
            values: Vec::with_capacity(len),
        })
    }
}

impl Items<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotCanonical> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        value.serialize(Writer(self.out))
    }
}

impl ser::SerializeSeq for Items<'_> {
    type Ok = ();
    type Error = NotCanonical;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotCanonical> {
        self.item(value)
    }

    fn end(self) -> Result<(), NotCanonical> {
        self.out.push(b']');
        Ok(())
    }
}

impl ser::SerializeTuple for Items<'_> {
    type Ok = ();
    type Error = NotCanonical;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotCanonical> {
        self.item(value)
    }

    fn end(self) -> Result<(), NotCanonical> {
        ser::SerializeSeq::end(self)
    }
}

impl ser::SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = NotCanonical;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), NotCanonical> {
        let begin = self.out.len();
        value.serialize(Writer(self.out))?;
        self.values.push((name, begin..self.out.len()));
        Ok(())
    }

    fn end(mut self) -> Result<(), NotCanonical> {
        self.values.sort_unstable_by_key(|(name, _)| *name);
        let texts = self.out.split_off(self.begin);
        self.out.push(b'{');
        for (at, (name, value)) in self.values.into_iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            text(self.out, name)?;
            self.out.push(b':');
            let value = value.start - self.begin..value.end - self.begin;
            self.out.extend_from_slice(&texts[value]);
        }
        self.out.push(b'}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use schemas::Timestamp;

    use super::*;

    #[derive(Serialize)]
    struct Sample {
        zebra: Vec<i64>,
        alpha: &'static str,
        inner: Inner,
    }

    #[derive(Serialize)]
    struct Inner {
        b: Option<i64>,
        a: Timestamp,
    }

    #[test]
    fn names_are_sorted_times_are_integers_and_text_is_escaped_as_ecmascript_does() {
        let sample = Sample {
            zebra: vec![3, -1],
            alpha: "€\u{1}\n\"\\/",
            inner: Inner {
                b: None,
                a: Timestamp::from_micros(7),
            },
        };
        let text = String::from_utf8(to_vec(&sample).unwrap()).unwrap();
        assert_eq!(
            text,
            r#"{"alpha":"€\u0001\n\"\\/","inner":{"a":7,"b":null},"zebra":[3,-1]}"#
        );
    }

    #[test]
    fn a_float_has_no_canonical_text() {
        assert!(to_vec(&1.5_f64).is_err());
    }
}
