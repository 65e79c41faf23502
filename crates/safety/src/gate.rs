//! The lists at the door: what is refused, and the words that say so.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::{Category, SafetyLists, Severity};

/// Word lists with the severity from which they refuse.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WordGate {
    lists: SafetyLists,
    refuse_at: Severity,
}

impl WordGate {
    pub const fn new(lists: SafetyLists, refuse_at: Severity) -> Self {
        Self { lists, refuse_at }
    }

    /// A gate that lets everything through.
    pub fn open() -> Self {
        Self::new(SafetyLists::default(), Severity::Block)
    }

    /// Equal lists and severities, equal digest, in every process of one build.
    pub fn digest(&self) -> String {
        let mut hash = DefaultHasher::new();
        self.hash(&mut hash);
        format!("{:016x}", hash.finish())
    }

    /// Judges a text; `what` it is ("prompt") goes into the answer. Linear in the length of the text.
    ///
    /// # Errors
    /// [`Refusal`] for the worst word.
    pub fn admit(&self, what: &str, text: &str) -> Result<(), Refusal> {
        match self.lists.worst(text) {
            Some(worst) if worst.severity >= self.refuse_at => Err(Refusal::new(what, &[worst.category.words()])),
            _ => Ok(()),
        }
    }
}

/// Why a text was refused, in words for whoever wrote it. Never repeats the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The {what} was refused ({reason}). Say it in other words and send it again.")]
pub struct Refusal {
    what: String,
    reason: String,
}

impl Refusal {
    /// From what was refused and the names of what it was refused for.
    pub fn new(what: &str, reasons: &[&str]) -> Self {
        let reason = if reasons.is_empty() { "harmful content".to_owned() } else { reasons.join(", ") };
        Self { what: what.to_owned(), reason }
    }
}

impl Category {
    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Slur => "slur",
            Self::Hate => "hate",
            Self::Sexual => "sexual",
            Self::Vulgar => "vulgar",
            Self::Violence => "violence",
            Self::SelfHarm => "self-harm",
            Self::Drugs => "drugs",
            Self::Other => "listed words",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ListEntry;

    fn turnip() -> SafetyLists {
        SafetyLists::default().with(&[ListEntry {
            language: "en".into(),
            severity: Severity::Warn,
            category: Category::Vulgar,
            terms: vec!["turnip".into()],
            allowed_in: vec!["turnip soup".into()],
        }])
    }

    #[test]
    fn a_gate_refuses_from_its_severity_on_and_never_says_the_word() {
        let strict = WordGate::new(turnip(), Severity::Warn);
        let refusal = strict.admit("genre", "turnips").expect_err("listed").to_string();
        assert_eq!(refusal, "The genre was refused (vulgar). Say it in other words and send it again.");
        assert!(strict.admit("prompt", "turnip soup").is_ok());
        assert!(WordGate::new(turnip(), Severity::Block).admit("prompt", "turnip").is_ok());
        assert!(WordGate::open().admit("prompt", "turnip").is_ok());
    }
}
