//! The names of fields that this release knows, by the interface or object that holds them.

/// Netverify ID: every parameter of every revision of the guide, both spellings where there are two.
pub(crate) const NETVERIFY: &[&str] = &[
    "additionalChecks",
    "additionalInformation",
    "callBackType",
    "callbackDate",
    "citizenship",
    "clientIp",
    "cpf",
    "curp",
    "customerId",
    "dateOfBirthParts",
    "disability",
    "dlCarPermission",
    "dlCategories",
    "dni",
    "documentCopy",
    "documentIdentificationNumber",
    "durationOfStay",
    "expiryDateParts",
    "facemap",
    "fathersName",
    "firstAttempt",
    "firstAttemptDate",
    "gender",
    "idAddress",
    "idCheckDataPositions",
    "idCheckDocumentValidation",
    "idCheckHologram",
    "idCheckMRZCode",
    "idCheckMRZcode",
    "idCheckMicroprint",
    "idCheckSecurityFeatures",
    "idCheckSignature",
    "idCountry",
    "idDob",
    "idExpiry",
    "idFaceLiveness",
    "idFaceMatch",
    "idFirstName",
    "idLastName",
    "idNumber",
    "idScanImage",
    "idScanImageBackside",
    "idScanImageFace",
    "idScanSource",
    "idScanStatus",
    "idSubtype",
    "idType",
    "idUsState",
    "identityVerification",
    "issuingAuthority",
    "issuingDate",
    "issuingDateParts",
    "issuingNumber",
    "issuingPlace",
    "jumioIdScanReference",
    "laborIdentificationNumber",
    "lastNameAtBirth",
    "livenessImages",
    "maritalStatus",
    "merchantIdScanReference",
    "merchantReportingCriteria",
    "mothersName",
    "nationality",
    "numberOfEntries",
    "optionalData1",
    "optionalData2",
    "originDob",
    "passportNumber",
    "personalIdentificationNumber",
    "personalNumber",
    "placeOfBirth",
    "presetCountry",
    "presetIdType",
    "registrationNumber",
    "rejectReason",
    "religion",
    "remarks",
    "residentPermitRemarks",
    "residentPermitType",
    "rgNumber",
    "taxNumber",
    "transactionDate",
    "verificationStatus",
    "visaCategory",
    "voterIdNumber",
];

/// `identityVerification`, the hidden members too.
pub(crate) const SELFIE: &[&str] = &[
    "handwrittenNoteMatches",
    "reason",
    "similarity",
    "similarityDecision",
    "similarityScore",
    "validity",
];

/// `rejectReason`.
pub(crate) const REJECT: &[&str] = &[
    "rejectReasonCode",
    "rejectReasonDescription",
    "rejectReasonDetails",
];

/// `rejectReason.rejectReasonDetails`.
pub(crate) const REJECT_DETAILS: &[&str] = &["detailsCode", "detailsDescription"];

/// `additionalChecks`.
pub(crate) const CHECKS: &[&str] = &[
    "addressValidation",
    "faceSearchFindings",
    "personalNumberValidation",
    "proofOfResidency",
    "watchListScreening",
    "watchlistScreening",
];

/// `additionalChecks.watchlistScreening`.
pub(crate) const SCREENING: &[&str] = &[
    "searchDate",
    "searchId",
    "searchReference",
    "searchResultUrl",
    "searchResults",
    "searchResultsLink",
    "searchStatus",
];

/// Netverify Authentication.
pub(crate) const AUTHENTICATION: &[&str] = &[
    "callBackType",
    "callbackDate",
    "enrollmentTransactionReference",
    "idScanImageFace",
    "livenessImages",
    "scanSource",
    "transactionDate",
    "transactionReference",
    "transactionResult",
    "userReference",
];

/// Document Verification.
pub(crate) const DOCVERIFY: &[&str] = &[
    "callBackType",
    "document",
    "scanReference",
    "timestamp",
    "transaction",
];

/// `transaction` of Document Verification.
pub(crate) const TRANSACTION: &[&str] = &[
    "additionalInformation",
    "clientIp",
    "customerId",
    "date",
    "merchantReportingCriteria",
    "merchantScanReference",
    "source",
    "status",
];

/// `document` of Document Verification.
pub(crate) const DOCUMENT: &[&str] = &[
    "country",
    "customDocumentCode",
    "extractedData",
    "images",
    "originalDocument",
    "status",
    "type",
];

/// The multi-document callback of about 2013.
pub(crate) const MULTIDOCUMENT: &[&str] = &[
    "callBackType",
    "customerID",
    "documentPageImageUrls",
    "documentStatus",
    "documentType",
    "jumioScanReference",
    "merchantScanReference",
];

/// KYX.
pub(crate) const KYX: &[&str] = &[
    "account",
    "callbackSentAt",
    "userReference",
    "workflowExecution",
];

/// `workflowExecution` of KYX.
pub(crate) const WORKFLOW: &[&str] = &["definitionKey", "href", "id", "status"];

/// `account` of KYX.
pub(crate) const ACCOUNT: &[&str] = &["href", "id"];
