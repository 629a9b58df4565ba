//! `verify PACK.zip`: what an evidence pack holds, whether it is complete, and what stamps it bears.

use audit::{
    pack::{self, Extent, Stamped},
    verify::Claims,
};
use time::format_description::well_known::Rfc3339;

use super::said;
use crate::{
    command::Verify,
    exit::{Exit, Failure},
    output,
};

/// Verifies a pack, and says what it is besides whole.
pub(super) fn check(arguments: &Verify, pack: &[u8], claims: &Claims) -> Result<Exit, Failure> {
    let extent = if arguments.part {
        Extent::Part
    } else {
        Extent::Whole
    };
    match pack::check(pack, claims, extent) {
        Ok(checked) => {
            stamps(arguments, &checked.stamps)?;
            let says = match (checked.complete, extent) {
                (Some(up_to), _) => {
                    format!("complete up to {up_to}: no record of the account is missing")
                }
                (None, Extent::Part) => "whether records are missing was not checked".to_owned(),
                (None, Extent::Whole) => {
                    "no record of the pack is numbered, so none could be missed".to_owned()
                }
            };
            if arguments.json {
                output::json(&serde_json::json!({
                    "note": "complete", "up_to": checked.complete, "says": says,
                }))?;
            } else {
                output::line(&says)?;
            }
            let records = u64::try_from(checked.records.len()).unwrap_or(u64::MAX);
            said(arguments, Some(&checked.accepted), records, &[])
        }
        Err(finding) => said(arguments, None, 0, &[finding]),
    }
}

/// Prints the time stamps of a pack.
fn stamps(arguments: &Verify, stamps: &[Stamped]) -> Result<(), Failure> {
    for stamp in stamps {
        let at = time::OffsetDateTime::from_unix_timestamp(stamp.at / 1_000)
            .map_err(Failure::usage)?
            .format(&Rfc3339)
            .map_err(Failure::usage)?;
        if arguments.json {
            output::json(&serde_json::json!({ "time_stamp": at, "size": stamp.size }))?;
        } else {
            output::line(&format!(
                "the first {} entries bear a time stamp of {at}; whose it is, `openssl ts -verify` says",
                stamp.size
            ))?;
        }
    }
    Ok(())
}
