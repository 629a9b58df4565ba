//! Netverify scans refused for their document, one for each code.

use schemas::{Kind, Outcome};

use super::{
    Scenario,
    bodies::{APPROVED, Detail, Scan, Template},
    scans::netverify,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    fraud(
        "fraud",
        "100",
        "MANIPULATED_DOCUMENT",
        &[("1001", "PHOTO"), ("1004", "DOB")],
    ),
    fraud(
        "fraud-one-detail",
        "100",
        "MANIPULATED_DOCUMENT",
        &[("10011", "PLACE_OF_BIRTH")],
    ),
    fraud("fraud-fraudster", "105", "FRAUDSTER", &[]),
    fraud("fraud-fake", "106", "FAKE", &[]),
    fraud("fraud-photo-mismatch", "107", "PHOTO_MISMATCH", &[]),
    fraud("fraud-mrz-check-failed", "108", "MRZ_CHECK_FAILED", &[]),
    fraud("fraud-punched-document", "109", "PUNCHED_DOCUMENT", &[]),
    fraud(
        "fraud-chip-data-manipulated",
        "110",
        "CHIP_DATA_MANIPULATED",
        &[],
    ),
    fraud(
        "fraud-mismatch-barcode",
        "111",
        "MISMATCH_PRINTED_BARCODE_DATA",
        &[],
    ),
    fraud("fraud-chip-missing", "112", "CHIP_MISSING", &[]),
    fraud(
        "fraud-repeated-face",
        "113",
        "MISMATCHING_DATA_REPEATED_FACE",
        &[],
    ),
    fraud(
        "fraud-digital-manipulation",
        "114",
        "DIGITAL_MANIPULATION",
        &[],
    ),
    fraud(
        "fraud-mismatch-hrz-mrz",
        "115",
        "MISMATCH_HRZ_MRZ_DATA",
        &[],
    ),
    fraud("fraud-superimposed-text", "116", "SUPERIMPOSED_TEXT", &[]),
    fraud(
        "fraud-mismatch-front-back",
        "118",
        "MISMATCH_FRONT_BACK",
        &[],
    ),
    refused(
        ("fraud-without-reason", "fraud, and no reason given"),
        Outcome::Failed,
        Scan {
            status: FRAUD,
            ..APPROVED
        },
    ),
    unreadable(
        "unreadable",
        "200",
        "NOT_READABLE_DOCUMENT",
        &[("2001", "BLURRED")],
    ),
    unreadable(
        "unreadable-details",
        "200",
        "NOT_READABLE_DOCUMENT",
        &[("2001", "BLURRED"), ("2006", "GLARE")],
    ),
    unreadable(
        "unreadable-photocopy-black-white",
        "102",
        "PHOTOCOPY_BLACK_WHITE",
        &[],
    ),
    unreadable("unreadable-photocopy-color", "103", "PHOTOCOPY_COLOR", &[]),
    unreadable("unreadable-digital-copy", "104", "DIGITAL_COPY", &[]),
    unreadable("unreadable-no-document", "201", "NO_DOCUMENT", &[]),
    unreadable("unreadable-sample-document", "202", "SAMPLE_DOCUMENT", &[]),
    unreadable("unreadable-missing-back", "206", "MISSING_BACK", &[]),
    unreadable("unreadable-wrong-page", "207", "WRONG_DOCUMENT_PAGE", &[]),
    unreadable(
        "unreadable-missing-signature",
        "209",
        "MISSING_SIGNATURE",
        &[],
    ),
    unreadable(
        "unreadable-camera-black-white",
        "210",
        "CAMERA_BLACK_WHITE",
        &[],
    ),
    unreadable(
        "unreadable-different-persons",
        "211",
        "DIFFERENT_PERSONS_SHOWN",
        &[],
    ),
    unreadable(
        "unreadable-image-not-matching",
        "212",
        "IMAGE_NOT_MATCHING_DATA",
        &[],
    ),
    unreadable(
        "unreadable-invalid-watermark",
        "213",
        "INVALID_WATERMARK",
        &[],
    ),
    unreadable("unreadable-missing-front", "214", "MISSING_FRONT", &[]),
    unreadable(
        "unreadable-manual-rejection",
        "300",
        "MANUAL_REJECTION",
        &[],
    ),
    unreadable("unreadable-new-code", "999", "SOMETHING_NEW", &[]),
];

const FRAUD: &str = "DENIED_FRAUD";

const fn fraud(
    name: &'static str,
    code: &'static str,
    description: &'static str,
    details: &'static [Detail],
) -> Scenario {
    refused(
        (name, "the provider sees fraud"),
        Outcome::Failed,
        Scan {
            status: FRAUD,
            reject: Some((code, description, details)),
            ..APPROVED
        },
    )
}

const fn unreadable(
    name: &'static str,
    code: &'static str,
    description: &'static str,
    details: &'static [Detail],
) -> Scenario {
    refused(
        (name, "the document cannot be read"),
        Outcome::Resubmit,
        Scan {
            status: "ERROR_NOT_READABLE_ID",
            reject: Some((code, description, details)),
            ..APPROVED
        },
    )
}

const fn refused(words: (&'static str, &'static str), outcome: Outcome, scan: Scan) -> Scenario {
    netverify(words, outcome, Kind::Document, Template::Scan(scan))
}
