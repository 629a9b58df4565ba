//! Closed sets of words that are enums in Rust and in Avro, and labels in metrics.

/// Declares a closed set of words.
///
/// The last variant takes every word that this release does not know, so that a newer producer
/// cannot stop an older reader during a rolling upgrade.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? } else $(#[$odoc:meta])* $other:ident = $oword:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+
            $(#[$odoc])* #[serde(rename = $oword)] #[serde(other)] $other,
        }

        impl $name {
            /// Every word of the set, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+ Self::$other];

            /// The word as it stands in topics, in JSON and in metric labels.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::$other => $oword,
                }
            }

            /// Reads a word; one that is not of the set gives the last variant.
            pub fn from_word(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)+
                    _ => Self::$other,
                }
            }
        }

        /// The last variant, which is also what the contract gives a reader that does not know a word.
        impl Default for $name {
            fn default() -> Self {
                Self::$other
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;
