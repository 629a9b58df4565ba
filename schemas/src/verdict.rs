//! The words of a verdict: what was checked, what it came to, and why.

use crate::word::words;

words! {
    /// What the check came to.
    Outcome {
        /// The client passed.
        Passed = "passed",
        /// The client failed.
        Failed = "failed",
        /// A person must look at it at the provider.
        Review = "review",
        /// The client must try again.
        Resubmit = "resubmit",
        /// The link ran out; send a new one.
        Abandoned = "abandoned",
        /// Documents were received.
        Received = "received",
        /// Nothing to act on yet.
        Pending = "pending",
    } else
        /// Cannot be told; a person must look. Never a pass.
        Unknown = "unknown"
}

words! {
    /// What was checked.
    Kind {
        /// The document alone.
        Document = "document",
        /// Document and face.
        Identity = "identity",
        /// The face of a known client again.
        Authentication = "authentication",
        /// A supporting document, such as a utility bill.
        SupportingDocument = "supporting_document",
        /// Watch lists.
        Screening = "screening",
        /// A background job of ours.
        BackgroundJob = "background_job",
    } else
        /// A kind that this release does not know.
        Unlisted = "unlisted"
}

words! {
    /// Which of the provider's interfaces sent it.
    Generation {
        /// Netverify ID.
        Netverify = "netverify",
        /// Netverify Authentication.
        Authentication = "authentication",
        /// Document Verification.
        Docverify = "docverify",
        /// The multi-document callback of about 2013.
        Multidocument = "multidocument",
        /// The KYX platform.
        Kyx = "kyx",
    } else
        /// An interface that this release does not know.
        Unlisted = "unlisted"
}

words! {
    /// Why a check came out as it did, in our words.
    FindingCode {
        /// The selfie shows another person.
        SelfieMismatch = "selfie_mismatch",
        /// The selfie is not acceptable.
        SelfieInvalid = "selfie_invalid",
        /// Selfie and document could not be compared.
        SelfieNotPossible = "selfie_not_possible",
        /// The provider sees fraud.
        Fraud = "fraud",
        /// The kind or country of the document is not supported.
        Unsupported = "unsupported",
        /// The document cannot be read.
        Unreadable = "unreadable",
        /// No document came.
        NoDocument = "no_document",
        /// The link or session ran out.
        Expired = "expired",
        /// A watch list has a hit, or could not be asked.
        Screening = "screening",
        /// A part of the message that the verdict rests on could not be read.
        PartUnreadable = "part_unreadable",
        /// A part that the verdict does not rest on could not be read.
        DetailUnreadable = "detail_unreadable",
        /// The provider's status is not one that we know.
        UnknownStatus = "unknown_status",
        /// How far along the check is, by the provider's word.
        Progress = "progress",
    } else
        /// A code that this release does not know.
        Other = "other"
}

impl Outcome {
    /// Whether nothing more is to come.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Unknown)
    }

    /// Progress comes before a result: a late lower rank is recorded, not told.
    pub fn rank(self) -> i32 {
        match self {
            Self::Pending => 10,
            Self::Received => 20,
            Self::Unknown => 30,
            Self::Review | Self::Resubmit => 40,
            Self::Passed | Self::Failed | Self::Abandoned => 50,
        }
    }

    /// Whether two outcomes of one check cannot both be true.
    pub fn contradicts(self, other: Self) -> bool {
        let decided = |outcome| matches!(outcome, Self::Passed | Self::Failed | Self::Abandoned);
        self != other && decided(self) && decided(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_decided_results_contradict_one_another() {
        assert!(Outcome::Passed.contradicts(Outcome::Failed));
        assert!(Outcome::Abandoned.contradicts(Outcome::Passed));
        assert!(!Outcome::Passed.contradicts(Outcome::Passed));
        assert!(!Outcome::Review.contradicts(Outcome::Passed));
        assert!(!Outcome::Pending.contradicts(Outcome::Failed));
    }

    #[test]
    fn a_word_of_a_newer_release_is_never_a_pass() {
        assert_eq!(Outcome::from_word("superb"), Outcome::Unknown);
        assert_eq!(
            serde_json::from_str::<Outcome>("\"superb\"").ok(),
            Some(Outcome::Unknown)
        );
    }
}
