//! Time stamps (RFC 3161): a time-stamping authority of anybody's says that a checkpoint, as it was shown, existed before
//! a time. What a witness says counts among those who know it; such a token counts in court.

mod der;
mod settings;
mod stamper;
pub(crate) mod token;

pub use settings::Stamping;
pub(crate) use settings::wrong;
pub(crate) use stamper::Stamper;
