//! How many rows one statement carries: no more than go out in one write.

/// Bytes of values in one statement, below the 16 KiB of a TLS record.
///
/// sqlx 0.9.0 leaves Nagle's algorithm on (transact-rs/sqlx#4335, mended after that release). What needs a
/// second write then waits for the server's delayed acknowledgement: 43 ms instead of 0.2 ms for 30 rows,
/// measured. Statements of this size cost 80 round trips for 2,000 rows, 13 ms in all.
const BYTES: usize = 14 << 10;
/// What a value costs beside its bytes: its length, and room for the lengths of other columns.
const OVERHEAD: usize = 24;

/// Cuts rows into parcels, in order. A row that is larger than a parcel travels alone.
pub(super) fn parcels<T>(rows: &[T], bytes: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let mut parcels = Vec::new();
    let (mut begin, mut weight) = (0, 0);
    for (end, row) in rows.iter().enumerate() {
        let this = bytes(row) + OVERHEAD;
        if end > begin && weight + this > BYTES {
            parcels.push(&rows[begin..end]);
            (begin, weight) = (end, 0);
        }
        weight += this;
    }
    if begin < rows.len() {
        parcels.push(&rows[begin..]);
    }
    parcels
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_is_lost_or_turned_round_and_no_parcel_is_too_large(
            sizes in proptest::collection::vec(0_usize..20_000, 0..200)
        ) {
            let cut = parcels(&sizes, |size| *size);
            prop_assert_eq!(&cut.concat(), &sizes);
            for parcel in cut {
                let weight: usize = parcel.iter().map(|size| size + OVERHEAD).sum();
                prop_assert!(!parcel.is_empty() && (weight <= BYTES || parcel.len() == 1));
            }
        }
    }
}
