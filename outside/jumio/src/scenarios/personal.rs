//! Which fields of each interface hold personal data, and a harmless value for the usual ones.

/// A personal field.
#[derive(Clone, Copy)]
pub(super) struct Field {
    /// Its path in the body.
    pub(super) path: &'static str,
    /// What it holds by default; none where most callbacks lack it.
    pub(super) invented: Option<&'static str>,
}

/// Every personal field, each once.
pub(super) fn all() -> impl Iterator<Item = Field> {
    // Those of an authentication are also Netverify's.
    [NETVERIFY, DOCVERIFY, MULTIDOCUMENT]
        .into_iter()
        .flatten()
        .copied()
}

const fn rare(path: &'static str) -> Field {
    Field {
        path,
        invented: None,
    }
}

const fn usual(path: &'static str, invented: &'static str) -> Field {
    Field {
        path,
        invented: Some(invented),
    }
}

pub(super) const IP: &str = "clientIp";
pub(super) const FACE: &str = "idScanImageFace";
pub(super) const LIVENESS: &str = "livenessImages";
pub(super) const HITS_LINK: &str = "additionalChecks.watchlistScreening.searchResultUrl";
pub(super) const HITS_REFERENCE: &str = "additionalChecks.watchlistScreening.searchReference";
pub(super) const FACES_FOUND: &str = "additionalChecks.faceSearchFindings.findings";
pub(super) const PAGES: &str = "documentPageImageUrls";

/// Netverify ID.
pub(super) const NETVERIFY: &[Field] = &[
    usual("idFirstName", "ERIKA"),
    usual("idLastName", "MUSTERMANN"),
    usual("idDob", "1984-08-12"),
    usual("idNumber", "X00000000"),
    usual("personalNumber", "N/A"),
    usual(IP, "203.0.113.7"),
    usual("idScanImage", "https://images.invalid/front"),
    usual(FACE, "https://images.invalid/face"),
    usual("idAddress.country", "DEU"),
    usual("idAddress.city", "BEISPIELSTADT"),
    usual("idAddress.postalCode", "00000"),
    usual("idAddress.line1", "1 BEISPIELWEG"),
    usual(
        "idAddress.formattedAddress",
        "1 BEISPIELWEG, 00000 BEISPIELSTADT",
    ),
    rare("idAddress.line2"),
    rare("idAddress.line3"),
    rare("idAddress.line4"),
    rare("idAddress.line5"),
    rare("idAddress.subdivision"),
    rare("idAddress.stateCode"),
    rare("idAddress.state"),
    rare("idAddress.province"),
    rare("idAddress.streetName"),
    rare("idAddress.streetSuffix"),
    rare("idAddress.streetDirection"),
    rare("idAddress.streetNumber"),
    rare("idAddress.unitDesignator"),
    rare("idAddress.unitNumber"),
    rare("idAddress.unitDetails"),
    rare("idAddress.zip"),
    rare("idAddress.zipExtension"),
    rare("originDob"),
    rare("dateOfBirthParts.year"),
    rare("dateOfBirthParts.month"),
    rare("dateOfBirthParts.day"),
    rare("expiryDateParts.year"),
    rare("expiryDateParts.month"),
    rare("expiryDateParts.day"),
    rare("issuingDateParts.year"),
    rare("issuingDateParts.month"),
    rare("issuingDateParts.day"),
    rare("idScanImageBackside"),
    rare("facemap"),
    rare(LIVENESS),
    rare("optionalData1"),
    rare("optionalData2"),
    rare("dni"),
    rare("curp"),
    rare("taxNumber"),
    rare("cpf"),
    rare("registrationNumber"),
    rare("personalIdentificationNumber"),
    rare("documentIdentificationNumber"),
    rare("laborIdentificationNumber"),
    rare("rgNumber"),
    rare("voterIdNumber"),
    rare("issuingNumber"),
    rare("passportNumber"),
    rare("mothersName"),
    rare("fathersName"),
    rare("lastNameAtBirth"),
    rare("placeOfBirth"),
    rare("issuingPlace"),
    rare("issuingDate"),
    rare("nationality"),
    rare("citizenship"),
    rare("gender"),
    rare("religion"),
    rare("maritalStatus"),
    rare("disability"),
    rare("remarks"),
    rare("residentPermitRemarks"),
    rare("idUsState"),
    rare("additionalInformation"),
    rare(HITS_LINK),
    rare(HITS_REFERENCE),
    rare(FACES_FOUND),
];

/// Document Verification.
pub(super) const DOCVERIFY: &[Field] = &[
    usual("transaction.clientIp", "203.0.113.7"),
    rare("transaction.additionalInformation"),
    usual("document.images", "https://images.invalid/pages/1"),
    rare("document.originalDocument"),
    usual("document.extractedData.firstName", "ERIKA"),
    usual("document.extractedData.lastName", "MUSTERMANN"),
    rare("document.extractedData.name"),
    rare("document.extractedData.accountNumber"),
    rare("document.extractedData.pan"),
    rare("document.extractedData.cardNumberLastFourDigits"),
    rare("document.extractedData.ssn"),
    rare("document.extractedData.swiftCode"),
    rare("document.extractedData.issueDate"),
    rare("document.extractedData.expiryDate"),
    rare("document.extractedData.dueDate"),
    rare("document.extractedData.signatureAvailable"),
    rare("document.extractedData.address.line1"),
    rare("document.extractedData.address.city"),
    rare("document.extractedData.address.postalCode"),
    rare("document.extractedData.address.countryCode"),
    rare("document.extractedData.address.subdivision"),
    rare("document.extractedData.address.formattedAddress"),
];

/// The multi-document callback.
pub(super) const MULTIDOCUMENT: &[Field] = &[usual(PAGES, "https://images.invalid/pages/1")];
