//! What sort of model it is and how it stands, in the words of rows and answers.

use std::{fmt, str::FromStr};

/// The text is none of the words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not one of the words for {0}")]
pub struct UnknownModelWord(&'static str);

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl FromStr for $name {
            type Err = UnknownModelWord;

            fn from_str(text: &str) -> Result<Self, UnknownModelWord> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text).ok_or(UnknownModelWord($what))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words!(
    /// Where a model comes from.
    ModelKind, "the kind of a model", {
        /// Somebody else's, for everybody.
        Base = "base",
        /// Trained from a base model.
        FineTuned = "fine-tuned",
        /// A file on this side that the engine reads; no job asks for it by name.
        Local = "local",
    }
);

words!(
    /// How a model stands.
    ModelStatus, "the status of a model", {
        /// It is being trained; it has no version yet.
        Training = "training",
        /// Its provider has yet to be asked for its version.
        Pending = "pending",
        /// Jobs may ask for it.
        Ready = "ready",
        /// An operator has taken it out of use.
        Disabled = "disabled",
        /// Its training came to nothing.
        Failed = "failed",
        /// What it names is not there: a file, a version that its provider does not have, or one that was never filled in.
        Missing = "missing",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for kind in ModelKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        for status in ModelStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(*status));
        }
        assert!("Ready".parse::<ModelStatus>().is_err() && "tuned".parse::<ModelKind>().is_err());
    }
}
